/** `xaa token`: what it prints, where, and how it ends. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import * as token from '../../src/cli/token.ts'
import { answerOf, type Enterprise, enterprise, secret } from '../client/enterprise.ts'
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

describe('xaa token', () => {
  it('prints the access token and nothing else on stdout [T83]', async () => {
    const { code, out, err } = await runCommand(token, [world.resource, ...config], env)
    expect([code, out]).toEqual([0, expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+\n$/)])
    const response = await fetch(world.resource, { headers: { authorization: `Bearer ${out.trim()}` } })
    expect(response.status).toBe(200)
    expect(err.split('\n').map((line) => line.split(' ')[0])).toEqual([
      'call',
      'resource-metadata',
      'authorization-server-metadata',
      'identity-provider-metadata',
      'exchange',
      'redemption',
      '',
    ])
  })

  it('--json prints what is known about it', async () => {
    const { code, out } = await runCommand(token, [world.resource, '--json', ...config], env)
    const { expires_in: expiresIn, ...answer } = JSON.parse(out)
    expect([code, answer]).toEqual([
      0,
      {
        access_token: expect.any(String),
        token_type: 'Bearer',
        scope: 'chat.read',
        resource: world.resource,
        authorization_server: world.ras.origin,
      },
    ])
    expect(expiresIn).toBeGreaterThan(500)
    expect(expiresIn).toBeLessThanOrEqual(600)
  })

  it('--authorization-details asks for them, as JSON or from a file, and --json says what was granted', async () => {
    world.connection.details = [{ detail: { type: 'channel', actions: ['read'] } }]
    const asked = '[{"type":"channel","actions":["read","write"]}]'
    const file = await files.write('details.json', asked)
    for (const option of [asked, `@${file}`]) {
      const args = [world.resource, '--json', '--authorization-details', option, ...config]
      const { code, out } = await runCommand(token, args, env)
      expect([code, JSON.parse(out)]).toMatchObject([
        0,
        { scope: 'chat.read', authorization_details: [{ type: 'channel', actions: ['read'] }] },
      ])
    }
  })

  it.each(['[]', '[{}]', 'x', '@no-such-file'])(
    '--authorization-details %s is a wrong command line',
    async (option) => {
      const args = [world.resource, '--authorization-details', option, ...config]
      const { code, out, err } = await runCommand(token, args, env)
      expect([code, out]).toEqual([2, ''])
      expect(err).toContain('xaa token: --authorization-details ')
      expect(world.idp.seen).toEqual([])
    },
  )

  it('--steps shows decoded tokens on stderr, and nothing that opens a door', async () => {
    const { out, err } = await runCommand(token, [world.resource, '--steps', ...config], env)
    expect(err).toContain('"typ":"oauth-id-jag+jwt"')
    expect(err).toContain('"client_id": "assistant-at-chat"')
    expect(err).toContain('client_secret = (not shown)')
    for (const hidden of [secret, btoa(`assistant-at-chat:${secret}`), out.trim(), String(env.ID_TOKEN)])
      expect(err).not.toContain(hidden)
  })

  it('says why it was refused, with every parameter, and exits 1', async () => {
    world.connection.signIn = { acr: ['phr'] }
    const { code, out, err } = await runCommand(token, [world.resource, ...config], env)
    expect([code, out]).toEqual([1, ''])
    expect(err).toContain('requires a stronger or more recent sign-in')
    expect(err).toContain('  error: insufficient_user_authentication\n')
    expect(err).toContain('  acr_values: phr\n')
  })

  it('says it as JSON with --json', async () => {
    world.idp.bend.set('/token', answerOf(400, { error: 'access_denied', error_description: 'no', hint: 1 }))
    const { code, out, err } = await runCommand(token, [world.resource, '--json', ...config], env)
    expect([code, out]).toEqual([1, ''])
    expect(JSON.parse(err.split('\n').at(-2) ?? '')).toEqual({
      message: `${world.idp.origin} refused the exchange with access_denied: no`,
      step: 'exchange',
      stop: 'server',
      server: world.idp.origin,
      status: 400,
      answer: { error: 'access_denied', error_description: 'no', hint: 1 },
    })
  })

  it.each([[[]], [['a', 'b']], [['http://api.example/mcp']], [['not a url']], [['https://api.example', '--what']]])(
    'does not understand %j and exits 2',
    async (args) => {
      const { code, out, err } = await runCommand(token, args, env)
      expect([code, out]).toEqual([2, ''])
      expect(err).toContain(token.help)
    },
  )

  it('--help prints the help and exits 0', async () => {
    expect(await runCommand(token, ['--help'])).toEqual({ code: 0, out: token.help, err: '' })
  })
})
