/** Our own client against the whole enterprise: the address of an API in, its answer out; as a fetch and as a command. */

import { readFile } from 'node:fs/promises'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import type { JWK } from 'jose'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import * as callCommand from '../../src/cli/call.ts'
import * as tokenCommand from '../../src/cli/token.ts'
import {
  type ClientAuthentication,
  clientSecretBasic,
  clientSecretPost,
  createCrossAppFetch,
  privateKeyJwt,
} from '../../src/client/client.ts'
import type { ClientName, Credentials } from '../../src/testing/clients.ts'
import { startWorld, type World } from '../../src/testing/world.ts'
import { folder, runCommand } from '../cli/command-line.ts'
import { claimsOf } from '../fixture/tokens.ts'
import { runsIn } from './rows.ts'

runsIn(import.meta.url, '@modelcontextprotocol/client')

let world: World
beforeAll(async () => {
  world = await startWorld()
})
afterAll(() => world.close())

type Authenticate = (credentials: Credentials) => ClientAuthentication
const basic: Authenticate = ({ id, secret }) => clientSecretBasic(id, secret)

/** The fetch of one application for alice. All it knows of the APIs is which authorization servers it is registered with. */
function fetchOf(name: ClientName, authenticate: Authenticate = basic) {
  const { idp, resourceAs } = world.clients[name]
  const { chat, files } = world.resourceAs
  return createCrossAppFetch({
    identityProvider: { issuer: world.idp.issuer, client: authenticate(idp) },
    resourceServers: {
      [chat.issuer]: { client: authenticate(resourceAs) },
      [files.issuer]: { client: authenticate(resourceAs) },
    },
    subject: { idToken: () => world.mintIdToken({ user: 'alice', client: name }) },
  })
}

const message = (text: string) => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ text }),
})

describe('createCrossAppFetch', () => {
  it('reads and writes the chat as alice, and reads the files of another vendor, by their addresses alone', async () => {
    const fetch = fetchOf('assistant')
    expect((await fetch(world.messagesUrl, message('hello'))).status).toBe(201)
    expect(await (await fetch(world.messagesUrl)).json()).toMatchObject({
      as: { email: 'alice@acme.example', client: world.clients.assistant.resourceAs.id },
      messages: expect.arrayContaining([expect.objectContaining({ text: 'hello' })]),
    })
    expect(await (await fetch(world.resources.files)).json()).toMatchObject({ as: { account: 'files-alice' } })
  })

  it('authenticates in each of the three ways at both sides', async () => {
    const { idp, resourceAs } = world.clients.assistant
    const keys = new Map<string, JWK>()
    for (const { id, jwkFile = '' } of [idp, resourceAs]) {
      const { keys: set } = JSON.parse(await readFile(jwkFile, 'utf8')) as { keys: [JWK] }
      keys.set(id, set[0])
    }
    const ways: Authenticate[] = [
      basic,
      ({ id, secret }) => clientSecretPost(id, secret),
      ({ id }) => privateKeyJwt(id, keys.get(id) ?? {}),
    ]
    for (const way of ways) expect((await fetchOf('assistant', way)(world.messagesUrl)).status).toBe(200)
  })

  it('hands on the refusal of the API when no more scope is to be had', async () => {
    const fetch = fetchOf('notebook')
    expect((await fetch(world.messagesUrl)).status).toBe(200)
    const refused = await fetch(world.messagesUrl, message('not allowed'))
    expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([
      403,
      expect.stringContaining('error="insufficient_scope", scope="chat.write"'),
    ])
  })

  it('says which server refused, and with which code', async () => {
    await expect(fetchOf('notebook')(world.resources.files)).rejects.toMatchObject({
      step: 'exchange',
      stop: 'server',
      server: world.idp.issuer,
      code: 'invalid_target',
    })
  })

  it('carries a session of the MCP client, which then needs no authorization of its own', async () => {
    const client = new Client({ name: 'interop', version: '1.0.0' })
    const fetch = fetchOf('assistant')
    await client.connect(new StreamableHTTPClientTransport(new URL(world.resources.mcp), { fetch }))
    const { content } = await client.callTool({ name: 'whoami', arguments: {} })
    expect(content).toEqual([{ type: 'text', text: expect.stringContaining('"email":"alice@acme.example"') }])
    await client.close()
  })
})

describe('the commands', () => {
  const folders: { remove(): Promise<void> }[] = []
  afterEach(async () => {
    for (const one of folders.splice(0)) await one.remove()
  })

  /** A client configuration as an operator writes it: no address of an API, no endpoint. */
  async function configured(name: ClientName): Promise<{ config: string[]; env: NodeJS.ProcessEnv }> {
    const { idp, resourceAs } = world.clients[name]
    const files = await folder()
    folders.push(files)
    const path = await files.write(
      'xaa-client.yaml',
      `identityProvider:
  issuer: ${world.idp.issuer}
  client: { id: ${idp.id}, method: client_secret_basic, secret: { env: IDP_SECRET } }
resourceServers:
  - issuer: ${world.resourceAs.chat.issuer}
    client: { id: ${resourceAs.id}, method: client_secret_basic, secret: { env: CHAT_SECRET } }
subject:
  idToken: { file: id-token }
`,
    )
    await files.write('id-token', await world.mintIdToken({ user: 'alice', client: name }))
    return { config: ['--client-config', path], env: { IDP_SECRET: idp.secret, CHAT_SECRET: resourceAs.secret } }
  }

  it('xaa token prints an access token that the MCP server takes', async () => {
    const { config, env } = await configured('assistant')
    const { code, out } = await runCommand(tokenCommand, [world.resources.mcp, ...config], env)
    expect(code).toBe(0)
    expect(claimsOf(out)).toMatchObject({ aud: world.resources.mcp, sub: 'chat-alice' })
    const answer = await fetch(world.resources.mcp, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${out.trim()}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' }),
    })
    expect([answer.status, await answer.text()]).toEqual([200, expect.stringContaining('post_message')])
  })

  it('xaa call posts to the chat, and ends with 1 where the client may not', async () => {
    const call = async (name: ClientName, ...args: string[]) => {
      const { config, env } = await configured(name)
      return await runCommand(callCommand, [world.messagesUrl, ...args, ...config], env)
    }
    const body = '{"text":"from the command line"}'
    const posted = await call('assistant', '-d', body)
    expect([posted.code, JSON.parse(posted.out)]).toEqual([0, expect.objectContaining({ author: 'chat-alice' })])
    const refused = await call('notebook', '-d', body)
    expect([refused.code, refused.err]).toEqual([1, expect.stringContaining('insufficient_scope')])
    expect(await call('notebook')).toMatchObject({ code: 0, out: expect.stringContaining('from the command line') })
  })
})
