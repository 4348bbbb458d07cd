/** `xaa call`: the answer of the API on stdout, and every way it can fail. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import * as call from '../../src/cli/call.ts'
import { type Enterprise, enterprise, secret } from '../client/enterprise.ts'
import { configFor, type Folder, folder, runCommand } from './command-line.ts'

let world: Enterprise
let files: Folder
let env: NodeJS.ProcessEnv
let config: string[]
beforeEach(async () => {
  world = await enterprise(Math.floor(Date.now() / 1000))
  files = await folder()
  env = { CHAT_SECRET: secret, ID_TOKEN: await world.idToken() }
  config = ['--client-config', await files.write('xaa-client.yaml', configFor(world))]
})
afterEach(async () => {
  await world.close()
  await files.remove()
})

describe('xaa call', () => {
  it('prints the body of the answer and exits 0', async () => {
    const { code, out, err } = await runCommand(call, [world.resource, ...config], env)
    expect([code, JSON.parse(out), err]).toEqual([0, { messages: ['hello, alice'] }, ''])
  })

  it('sends method, header and body, and gets the scope that takes', async () => {
    const args = [world.resource, '-d', '{"text":"hi"}', '-H', 'X-Ray: 1', ...config]
    const { code, out } = await runCommand(call, args, env)
    expect([code, JSON.parse(out)]).toEqual([0, { said: { text: 'hi' } }])
    const sent = world.api.seen.at(-1)
    expect(sent).toMatchObject({ method: 'POST', headers: { 'x-ray': '1', 'content-type': 'application/json' } })
  })

  it('prints an answer that is no success, too, and exits 1', async () => {
    world.connection.scopes = [{ name: 'chat.read' }]
    const { code, err } = await runCommand(call, [world.resource, '-X', 'post', '-d', '1', ...config], env)
    expect([code, err]).toEqual([1, expect.stringContaining(`${world.resource} answered 403`)])
    expect(err).toContain('error="insufficient_scope"')
    const json = await runCommand(call, [world.resource, '-d', '1', '--json', ...config], env)
    expect([json.code, JSON.parse(json.err)]).toMatchObject([1, { step: 'call', status: 403, server: world.resource }])
  })

  it('tells a refusal on the way, and calls no API with it', async () => {
    world.connection.enabled = false
    const { code, out, err } = await runCommand(call, [world.resource, '--json', ...config], env)
    expect([code, out, JSON.parse(err)]).toMatchObject([
      1,
      '',
      { step: 'exchange', answer: { error: 'invalid_target' } },
    ])
  })

  it('[CL-11] tells what to do where a better sign-in is demanded', async () => {
    world.connection.signIn = { acr: ['phr'], maxAge: 0 }
    const { code, err } = await runCommand(call, [world.resource, ...config], env)
    expect(code).toBe(1)
    expect(err).toContain('to go on: sign in again at the identity provider with acr_values=phr')
    world.connection.signIn = {}
    expect((await runCommand(call, [world.resource, ...config], env)).code).toBe(0)
  })

  it('tells that nobody answers', async () => {
    await world.api.close()
    const { code, err } = await runCommand(call, [world.resource, ...config], env)
    expect([code, err]).toEqual([1, expect.stringMatching(/fetch failed: .*ECONNREFUSED/)])
  })

  it.each([
    [['-H', 'Authorization: Bearer mine'], 'Authorization is set by the client alone'],
    [['-H', 'no colon'], "is not 'Name: value'"],
    [['-X', 'TRACE'], 'is not a method'],
    [['-X', 'GET', '-d', '1'], 'GET sends no body'],
  ])('does not understand %j and exits 2', async (args, words) => {
    const { code, err } = await runCommand(call, [world.resource, ...args, ...config], env)
    expect([code, err]).toEqual([2, expect.stringContaining(words)])
    expect(world.api.seen).toEqual([])
  })
})
