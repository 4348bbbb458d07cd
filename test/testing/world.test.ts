/** The world: what it offers to tests, the demo and the command, over real HTTP. */

import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { get, type IncomingMessage } from 'node:http'
import { decodeJwt } from 'jose'
import { afterAll, describe, expect, it } from 'vitest'
import type { AuditEvent } from '../../src/protocol/ports.ts'
import type { ClientName, Credentials } from '../../src/testing/clients.ts'
import type { PersonName } from '../../src/testing/people.ts'
import { startWorld } from '../../src/testing/world.ts'
import { rawRequest } from '../fixture/raw-request.ts'
import { basic, exchange, postForm, redeem } from './flow.ts'

const seen: AuditEvent[] = []
const world = await startWorld({ onAudit: (event) => seen.push(event) })
afterAll(() => world.close())
const { chat, files } = world.resourceAs

interface Way {
  user?: PersonName
  client?: ClientName
  issuer?: 'idp' | 'upstream'
  change?: { [name: string]: string }
}

/** Signs in, exchanges and redeems. */
async function accessToken({ user = 'alice', client = 'assistant', issuer = 'idp', change = {} }: Way = {}) {
  const { idp, resourceAs } = world.clients[client]
  const idJag = await exchange(world, await world.mintIdToken({ user, client, issuer }), change, idp)
  expect(idJag.body).toMatchObject({ token_type: 'N_A' })
  const token = await redeem(world, idJag.body.access_token, resourceAs)
  expect(token.body).toMatchObject({ token_type: 'Bearer' })
  return String(token.body.access_token)
}

async function mcp(token: string, method: string, params: object = {}, headers: { [name: string]: string } = {}) {
  return await fetch(world.resources.mcp, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      accept: 'application/json, text/event-stream',
      'content-type': 'application/json',
      ...headers,
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  })
}

describe('accounts at the chat', () => {
  it.each([
    ['alice', 'chat-alice', 'is linked to her account beforehand'],
    ['bob', 'chat-bob', 'finds his account by his verified e-mail address'],
    ['carol', /^person-/, 'gets an account at her first visit'],
  ] as const)('%s: %s %s', async (user, account, _how) => {
    const token = await accessToken({ user })
    const answer = await fetch(world.messagesUrl, { headers: { authorization: `Bearer ${token}` } })
    const { as } = (await answer.json()) as { as: { account: string; email: string } }
    expect(as.account).toMatch(account)
    expect(as.email).toBe(`${user}@acme.example`)
    expect((await accessToken({ user })) === token).toBe(false)
  })

  it('refuses mallory, who is disabled, at the identity provider', async () => {
    const refused = await exchange(world, await world.mintIdToken({ user: 'mallory', client: 'assistant' }))
    expect([refused.status, refused.body.error]).toEqual([400, 'invalid_grant'])
    expect(world.audit.at(-1)).toMatchObject({ reason: 'subject_disabled' })
  })
})

describe('subject tokens', () => {
  it('takes an ID Token of the foreign issuer', async () => {
    const token = await accessToken({ user: 'bob', issuer: 'upstream' })
    expect(decodeJwt(token).sub).toBe('chat-bob')
  })

  it('lets a test change and take away claims', async () => {
    const token = await world.mintIdToken({ user: 'alice', client: 'assistant', claims: { exp: 1, email: null } })
    expect(decodeJwt(token)).toMatchObject({ exp: 1, groups: ['everyone', 'engineering'] })
    expect(decodeJwt(token)).not.toHaveProperty('email')
    expect((await exchange(world, token)).body).toMatchObject({ error: 'invalid_grant' })
  })
})

describe('connections', () => {
  it('lets both clients read the chat, and the assistant alone write', async () => {
    expect(decodeJwt(await accessToken()).scope).toBe('chat.read chat.write')
    expect(decodeJwt(await accessToken({ client: 'notebook' })).scope).toBe('chat.read')
  })

  it('lets the assistant alone reach the files, where Alice alone has an account', async () => {
    const { assistant, notebook } = world.clients
    const change = { audience: files.issuer }
    const ofAlice = await exchange(world, await world.mintIdToken({ user: 'alice', client: 'assistant' }), change)
    const token = await redeem(world, ofAlice.body.access_token, assistant.resourceAs, files.tokenEndpoint)
    const list = await fetch(world.resources.files, {
      headers: { authorization: `Bearer ${String(token.body.access_token)}` },
    })
    expect(await list.json()).toMatchObject({ as: { account: 'files-alice' } })

    const ofBob = await exchange(world, await world.mintIdToken({ user: 'bob', client: 'assistant' }), change)
    const noAccount = await redeem(world, ofBob.body.access_token, assistant.resourceAs, files.tokenEndpoint)
    expect(noAccount.body).toMatchObject({ error: 'invalid_grant' })

    const ofNotebook = await world.mintIdToken({ user: 'alice', client: 'notebook' })
    expect((await exchange(world, ofNotebook, change, notebook.idp)).body).toMatchObject({ error: 'invalid_target' })
  })

  it.each(['idp', 'resourceAs'] as const)('gives plain ids and secrets with a hyphen at the %s', (side) => {
    for (const client of Object.values(world.clients)) {
      const { id, secret }: Credentials = client[side]
      for (const text of [id, secret]) expect(text).toMatch(/^(?=.*-)[A-Za-z0-9._~-]+$/)
    }
  })
})

describe('the MCP server', () => {
  it('says who calls', async () => {
    const answer = await mcp(await accessToken(), 'tools/call', { name: 'whoami', arguments: {} })
    expect(answer.status).toBe(200)
    expect(await answer.text()).toContain('chat-alice')
  })

  it('posts for a client that may write, and asks the other for the scope', async () => {
    const call = { name: 'post_message', arguments: { text: 'hello from a tool' } }
    expect((await mcp(await accessToken(), 'tools/call', call)).status).toBe(200)
    const token = await accessToken({ client: 'notebook' })
    const refused = await mcp(token, 'tools/call', call)
    expect(refused.status).toBe(403)
    expect(refused.headers.get('www-authenticate')).toMatch(/error="insufficient_scope", scope="chat.write"/)
    expect((await mcp(token, 'tools/list')).status).toBe(200)

    const messages = await fetch(world.messagesUrl, { headers: { authorization: `Bearer ${token}` } })
    const texts = ((await messages.json()) as { messages: { text: string }[] }).messages.map(({ text }) => text)
    expect(texts.filter((text) => text === 'hello from a tool')).toHaveLength(1)
  })

  it('finds a writing tool that hides in a batch', async () => {
    const token = await accessToken({ client: 'notebook' })
    const call = {
      jsonrpc: '2.0',
      id: 2,
      method: 'tools/call',
      params: { name: 'post_message', arguments: { text: 'x' } },
    }
    const answer = await fetch(world.resources.mcp, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify([{ jsonrpc: '2.0', id: 1, method: 'tools/list' }, call]),
    })
    expect(answer.status).toBe(403)
  })

  it.each([
    ['[ATK-026] is nested too deep', `${'['.repeat(30_000)}${']'.repeat(30_000)}`, 'the body is nested deeper than 32'],
    [
      'calls two methods at once',
      '{"jsonrpc":"2.0","id":1,"method":"tools/list","method":"ping"}',
      'the body holds a member twice',
    ],
    ['is no JSON', '{', 'the body is not JSON'],
  ])('refuses a body that %s, in a sentence', async (_, body, error) => {
    const ask = async (text: string) =>
      await fetch(world.resources.mcp, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${await accessToken()}`,
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
        },
        body: text,
      })
    const refused = await ask(body)
    expect(refused.status).toBe(400)
    expect(await refused.json()).toEqual({ error })
    expect((await ask('{"jsonrpc":"2.0","id":1,"method":"ping"}')).status).toBe(200)
  })

  it('[ATK-094] refuses two host names, though the first is right', async () => {
    const port = Number(new URL(world.resources.mcp).port)
    const statusFor = async (lines: readonly string[]) =>
      (await rawRequest(port, ['GET /mcp HTTP/1.1', ...lines])).status
    expect(await statusFor(['Host: localhost', 'Host: evil.example'])).toBe(403)
    expect(await statusFor(['Host: localhost'])).toBe(401)
  })

  it.each(['GET', 'POST', 'DELETE'])('challenges %s without a token', async (method) => {
    const answer = await fetch(world.resources.mcp, { method })
    expect(answer.status).toBe(401)
    expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer resource_metadata="http:\/\/127\.0\.0\.1:\d+\//)
  })

  it('refuses a foreign origin, with a good token too', async () => {
    const token = await accessToken()
    expect((await mcp(token, 'tools/list', {}, { origin: 'https://evil.example' })).status).toBe(403)
    expect((await mcp(token, 'tools/list', {}, { origin: 'http://127.0.0.1:1' })).status).toBe(200)
  })

  it('refuses a foreign host name, which is what DNS rebinding brings', async () => {
    const statusFor = async (host: string) => {
      const request = get(world.resources.mcp, { headers: { host } })
      const [answer] = (await once(request, 'response')) as [IncomingMessage]
      answer.resume()
      return answer.statusCode
    }
    expect(await statusFor('evil.example')).toBe(403)
    expect(await statusFor('localhost')).toBe(401)
  })

  it("refuses a token for the chat's API, which is another resource", async () => {
    const forApi = await accessToken({ change: { resource: world.resources.api } })
    expect((await mcp(forApi, 'tools/list')).status).toBe(401)
    const forMcp = await accessToken({ change: { resource: world.resources.mcp } })
    expect((await mcp(forMcp, 'tools/list')).status).toBe(200)
  })
})

describe('the chat API', () => {
  it('takes a message, and says what is wrong with another', async () => {
    const headers = { authorization: `Bearer ${await accessToken()}`, 'content-type': 'application/json' }
    const post = (body: unknown) => fetch(world.messagesUrl, { method: 'POST', headers, body: JSON.stringify(body) })
    const good = await post({ channel: 'news', text: 'hello' })
    expect(good.status).toBe(201)
    expect(await good.json()).toMatchObject({ channel: 'news', text: 'hello', author: 'chat-alice' })
    const bad = await post({ channel: 'No such!', text: '' })
    expect(bad.status).toBe(400)
    expect(await bad.json()).toHaveProperty('error', expect.stringContaining('1 to 40 characters'))
  })
})

describe('the world around it', () => {
  it('has one clock for all servers', async () => {
    const other = await startWorld({ now: () => 1_800_000_000 })
    const idToken = await other.mintIdToken({ user: 'alice', client: 'assistant' })
    const { body } = await exchange(other, idToken)
    expect(decodeJwt(String(body.access_token)).iat).toBe(1_800_000_000)
    other.pass(400)
    const late = await redeem(other, body.access_token)
    expect(late.body).toMatchObject({ error: 'invalid_grant', error_description: 'assertion: has expired' })
    expect(() => other.pass(-1)).toThrow(TypeError)
    await other.close()
    expect(existsSync(other.idp.signingKeyFile)).toBe(false)
  })

  it('keeps an audit of every server', async () => {
    const before = world.audit.length
    await accessToken()
    expect(world.audit.slice(before).map(({ role, action, outcome }) => [role, action, outcome])).toEqual([
      ['idp', 'exchange', 'granted'],
      ['resource-as', 'redeem', 'granted'],
    ])
    expect(seen.at(-1)).toBe(world.audit.at(-1))
  })

  it('says which port is taken', async () => {
    const port = Number(new URL(chat.issuer).port)
    await expect(startWorld({ port })).rejects.toThrow(`port ${port} of 127.0.0.1 cannot be used (EADDRINUSE)`)
  })

  it('publishes the metadata that clients demand', async () => {
    const at = async (url: string) => (await fetch(url)).json()
    expect(await at(`${world.idp.issuer}/.well-known/openid-configuration`)).toMatchObject({
      issuer: world.idp.issuer,
      id_token_signing_alg_values_supported: ['ES256', 'RS256'],
      subject_types_supported: ['public'],
    })
    expect(await at(`${world.upstream.issuer}/.well-known/openid-configuration`)).toMatchObject({
      issuer: world.upstream.issuer,
    })
    const { origin, pathname } = new URL(world.resources.mcp)
    expect(await at(`${origin}/.well-known/oauth-protected-resource${pathname}`)).toMatchObject({
      resource: world.resources.mcp,
      authorization_servers: [chat.issuer],
      resource_name: 'Tidewater Chat',
    })
  })

  it('takes client secrets at the right server only', async () => {
    const { idp, resourceAs } = world.clients.assistant
    const form = { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion: 'x' }
    expect((await postForm(chat.tokenEndpoint, form, basic(idp))).status).toBe(401)
    expect((await postForm(chat.tokenEndpoint, form, basic(resourceAs))).body).toMatchObject({ error: 'invalid_grant' })
  })
})
