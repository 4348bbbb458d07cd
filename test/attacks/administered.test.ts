/** What an administrator switched off or took away, and clients that nobody administers, at the running enterprise. */

import type { RequestListener } from 'node:http'
import { afterAll, describe, expect, it } from 'vitest'
import { grantType } from '../../src/protocol/names.ts'
import { documentOf } from '../fixture/client-documents.ts'
import { type Authentication, basic, byAssertion, post } from '../fixture/clients.ts'
import { privateJwk, signerOf } from '../fixture/keys.ts'
import { sendTo } from '../fixture/requests.ts'
import { servedPages } from '../fixture/served-pages.ts'
import { type Change, now, type Place, type Refusal, underAttack } from './stage.ts'

const stage = await underAttack({ registration: true })
const { world } = stage
const { chat } = world.resourceAs
const segment = encodeURIComponent

const { origin, pages, asked, close } = await servedPages()
afterAll(async () => {
  await close()
  await stage.close()
})

describe('what an administrator switched off', () => {
  const alice = () => world.users.find(({ name }) => name === 'alice')?.sub ?? ''
  const rows: [string, () => string, Place, Change, Refusal][] = [
    [
      '[ATK-029] an issuer of ID-JAGs',
      () => `/trusted-issuers/chat/${segment(world.idp.issuer)}`,
      'chat',
      {},
      { error: 'invalid_grant', reason: 'issuer_disabled' },
    ],
    [
      '[ATK-045] [T74] a person, at the exchange',
      () => `/users/${segment(alice())}`,
      'idp',
      {},
      { error: 'invalid_grant', reason: 'subject_disabled' },
    ],
    [
      '[ATK-045] [T74] a person, at the redemption',
      () => `/users/${segment(alice())}`,
      'chat',
      {},
      { error: 'access_denied', reason: 'blocked' },
    ],
    [
      '[ATK-045] a client, at the identity provider',
      () => `/clients/idp/${segment(stage.idpClient.id)}`,
      'idp',
      {},
      { error: 'invalid_client', reason: 'client_disabled' },
    ],
    [
      '[ATK-045] a client, at the chat',
      () => `/clients/chat/${segment(stage.chatClient.id)}`,
      'chat',
      {},
      { error: 'invalid_client', reason: 'client_disabled' },
    ],
    [
      '[ATK-100] [T84] a connection',
      () => `/connections/${segment(stage.idpClient.id)}/${segment(chat.issuer)}`,
      'idp',
      {},
      { error: 'invalid_target', reason: 'target_unknown' },
    ],
  ]

  it.each(rows)(
    '%s: it is refused at once, and as good as ever when it is on again',
    async (_, path, at, change, refusal) => {
      const own = at === 'idp' ? {} : { jti: `off-${path()}`.slice(0, 99) }
      expect((await stage.administer('PATCH', path(), { enabled: false })).status).toBe(200)
      try {
        await stage.refusedNow(at, { ...change, claims: own }, refusal)
      } finally {
        expect((await stage.administer('PATCH', path(), { enabled: true })).status).toBe(200)
      }
      await stage.granted(at, { claims: own })
    },
  )
})

describe('a client that registered itself', () => {
  it('[T33] gets no ID-JAG, and redeems none', async () => {
    const register = async (grant_types: string[]) => {
      const body = JSON.stringify({ redirect_uris: ['http://127.0.0.1/callback'], grant_types })
      const headers = { 'content-type': 'application/json' }
      const answer = await fetch(`${chat.issuer}/register`, { method: 'POST', headers, body })
      return { status: answer.status, ...((await answer.json()) as { client_id: string; error?: string }) }
    }
    expect(await register(['authorization_code', grantType.jwtBearer])).toMatchObject({ status: 400 })
    const { status, client_id: id } = await register(['authorization_code'])
    expect([status, typeof id]).toEqual([201, 'string'])
    const claims = { client_id: id }
    const unknown: Refusal = { error: 'invalid_client', reason: 'client_unauthenticated' }
    await stage.refused('chat', { as: { form: { client_id: id } }, claims }, unknown)
    for (const as of [basic({ id, secret: 's' }), post({ id, secret: 's' })])
      await stage.refused('chat', { as, claims }, unknown)
    await stage.refused('idp', { as: basic({ id, secret: 's' }) }, unknown)
    // Another client does not redeem in its name either.
    await stage.refused('chat', { claims }, { error: 'invalid_grant', reason: 'client_mismatch' })
  })
})

describe('the metadata document of a client', () => {
  const address = (path: string) => `${origin}${path}`
  const signing = async (id: string): Promise<Authentication> => {
    const { form } = byAssertion({ id, signer: await signerOf('app-1') }, chat.issuer, now)
    return { form: { ...form, client_id: id } }
  }
  const refused = async (id: string, reason: Refusal['reason']) =>
    await stage.refused(
      'chat',
      { as: await signing(id), claims: { client_id: id } },
      { error: 'invalid_client', reason },
    )
  const open: Refusal = { error: 'access_denied', reason: 'policy_denied' }

  it('[ATK-123] that is right lets its client in, who then may not redeem ID-JAGs here', async () => {
    const id = address('/app.json')
    pages.set('/app.json', await documentOf(id))
    await stage.refused('chat', { as: await signing(id), claims: { client_id: id } }, open)
  })

  it.each<[string, () => Promise<Record<string, unknown>> | Record<string, unknown>]>([
    ['is of another client', () => ({ client_id: `${origin}/other.json` })],
    ['has the client_id in another spelling', () => ({ client_id: `${origin}/%61.json` })],
    ['has a secret', () => ({ client_secret: 's'.repeat(40) })],
    ['says when its secret ends', () => ({ client_secret_expires_at: 0 })],
    ['wants a secret in the body', () => ({ token_endpoint_auth_method: 'client_secret_post' })],
    ['wants a secret by Basic', () => ({ token_endpoint_auth_method: 'client_secret_basic' })],
    ['wants a symmetric signature', () => ({ token_endpoint_auth_method: 'client_secret_jwt' })],
    ['has a private key', async () => ({ jwks: { keys: [await privateJwk('app-1')] } })],
    ['has a symmetric key', () => ({ jwks: { keys: [{ kty: 'oct', k: 'AAAA' }] } })],
    ['has keys that are none', () => ({ jwks: { keys: {} } })],
  ])('[ATK-123] that %s keeps it out', async (name, change) => {
    const path = `/${name.replaceAll(' ', '-')}.json`
    pages.set(path, { ...(await documentOf(address(path))), ...(await change()) })
    await refused(address(path), 'cimd_invalid')
  })

  it.each<[string, () => string]>([
    ['with a fragment', () => address('/app.json#x')],
    ['with a user', () => address('/app.json').replace('//', '//x@')],
    ['with dot segments', () => address('/a/../app.json')],
    ['with encoded dot segments', () => address('/a/%2e%2e/app.json')],
    ['without a path', () => origin],
    ['over http to another host', () => 'http://app.example/app.json'],
    ['of a file', () => 'file:///etc/passwd'],
  ])('[ATK-123] is not looked for at an address %s', async (_, id) => {
    const before = asked.length
    await refused(id(), 'client_unauthenticated')
    expect(asked).toHaveLength(before)
  })

  it.each<[string, RequestListener | undefined]>([
    ['is behind a redirect [ATK-116]', (_, response) => response.writeHead(302, { location: '/app.json' }).end()],
    ['does not end [ATK-117]', (_, response) => response.end('x'.repeat(20_000))],
    ['is packed [ATK-117]', (_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end('x')],
    ['is not there', undefined],
  ])('[ATK-123] that %s keeps it out', async (name, page) => {
    const path = `/${name.replaceAll(/[^a-z]+/g, '-')}.json`
    pages.set(path, page)
    await refused(address(path), 'fetch_failed')
    // ATK-124: a failure counts for half a minute.
    const before = asked.length
    await refused(address(path), 'fetch_failed')
    expect(asked).toHaveLength(before)
  })

  it.each([
    'https://10.0.0.1/app.json',
    'https://169.254.169.254/app.json',
    'https://[fd00::1]/app.json',
    'https://[::ffff:a00:1]/app.json',
    'https://[::ffff:10.0.0.1]/app.json',
    'https://2130706433/app.json',
    'https://0x7f.1/app.json',
    'https://100.64.0.1/app.json',
    'https://192.168.0.1/app.json',
  ])('[ATK-114] at %s is not fetched', async (id) => {
    // An address in another spelling than its own is no id of a document at all.
    await refused(id, new URL(id).href === id ? 'fetch_blocked' : 'client_unauthenticated')
  })

  it('[ATK-124] of three hundred strangers is not fetched for all, and a client from before is not kept out', async () => {
    const id = address('/app.json')
    await stage.refused('chat', { as: await signing(id), claims: { client_id: id } }, open)
    const before = asked.length
    let [atOnce, most] = [0, 0]
    const page: RequestListener = (_, response) => {
      atOnce += 1
      most = Math.max(most, atOnce)
      setImmediate(() => {
        atOnce -= 1
        response.writeHead(404).end()
      })
    }
    const answers = await Promise.all(
      Array.from({ length: 300 }, async (_, number) => {
        pages.set(`/stranger-${number}`, page)
        return await stage.ask('chat', { as: await signing(address(`/stranger-${number}`)) })
      }),
    )
    expect(asked.length - before).toBeLessThanOrEqual(240)
    expect(most).toBeLessThanOrEqual(8)
    for (const { statusCode, json, headers } of answers) {
      expect([401, 503]).toContain(statusCode)
      expect(json().error).toBe(statusCode === 401 ? 'invalid_client' : 'temporarily_unavailable')
      if (statusCode === 503) expect(headers['retry-after']).toMatch(/^\d+$/)
    }
    await stage.refused('chat', { as: await signing(id), claims: { client_id: id } }, open)
  })
})

describe('revocation', () => {
  it.each(['x', 'a.b', 'never-issued', 'x'.repeat(20_000)])(
    '[ATK-008] of what is no token, such as %.12s, is 200 and has no effect, whichever client asks',
    async (token) => {
      for (const client of [stage.chatClient, world.clients.notebook.resourceAs]) {
        const headers = { 'content-type': 'application/x-www-form-urlencoded', ...basic(client).headers }
        const request = { method: 'POST', headers, body: new URLSearchParams({ token }).toString() }
        const { statusCode, payload } = await sendTo(`${chat.issuer}/revoke`, request)
        expect([statusCode, payload]).toEqual([200, ''])
      }
    },
  )
})

describe('what a real client sends', () => {
  it('[T39] is taken in the shape of Claude’s request, which the metadata invite', async () => {
    const metadata = (await (await fetch(`${chat.issuer}/.well-known/oauth-authorization-server`)).json()) as {
      grant_types_supported: string[]
    }
    expect(metadata.grant_types_supported).toContain(grantType.jwtBearer)
    for (const as of [post(stage.chatClient), { ...basic(stage.chatClient), form: { client_id: stage.chatClient.id } }])
      for (const resource of [undefined, world.resources.mcp])
        await stage.granted('chat', { as, form: { scope: 'chat.read', resource, ...as.form } })
    const foreign = { resource: 'https://evil.example' }
    await stage.refused('chat', { form: foreign }, { error: 'invalid_target', reason: 'resource_denied' })
  })

  it('[T86] finds nobody in the metadata whom a server trusts or knows', async () => {
    for (const path of ['oauth-authorization-server', 'openid-configuration'])
      for (const issuer of [world.idp.issuer, chat.issuer]) {
        const text = await (await fetch(`${issuer}/.well-known/${path}`)).text()
        const others = [world.idp.issuer, chat.issuer, world.resourceAs.files.issuer, world.upstream.issuer]
        for (const name of others.filter((one) => one !== issuer)) expect(text).not.toContain(name)
        for (const client of [stage.idpClient, stage.chatClient]) expect(text).not.toContain(client.id)
      }
  })
})
