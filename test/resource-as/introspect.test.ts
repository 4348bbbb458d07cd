/** Introspection (RFC 7662): what a protected resource learns of a token, and that nobody learns more. */

import { beforeEach, describe, expect, it } from 'vitest'
import { unavailable } from '../../src/protocol/errors.ts'
import { jwtAccessTokens } from '../../src/resource-as/issue.ts'
import { acme, chat, mcp, search } from '../fixture/addresses.ts'
import { type Authentication, basic, byAssertion, type Credentials, post } from '../fixture/clients.ts'
import { type Attempt, type Enterprise, enterprise, exchange, idTokenClaims, redeem } from '../fixture/enterprise.ts'
import { signerOf, signingKeysNamed } from '../fixture/keys.ts'
import { proofFor, proofKeyNamed } from '../fixture/proofs.ts'
import { expectRefusal } from '../fixture/refusal.ts'
import { type FormChange, send } from '../fixture/requests.ts'
import { resourceClient, type TestStatuses, testStatuses } from '../fixture/statuses.ts'
import { claimsOf, signed } from '../fixture/tokens.ts'

let world: Enterprise
let statuses: TestStatuses
let api: Credentials
let searcher: Credentials
beforeEach(async () => {
  statuses = testStatuses()
  const [one, other] = [await resourceClient('chat-api', [mcp]), await resourceClient('chat-search', [search])]
  const entries = [one.entry, other.entry]
  api = one.credentials
  searcher = other.credentials
  const signingKeys = await signingKeysNamed(['chat-1'])
  world = await enterprise({
    statuses,
    accessTokenLifetime: 600,
    issue: jwtAccessTokens({ issuer: chat, signingKeys, lifetime: 600, copyActor: true }),
    plugin: { findProtectedResource: async (id) => entries.find((entry) => entry.id === id) },
  })
})

const newToken = async (attempt?: Attempt) =>
  (await redeem(world, attempt)).json<{ access_token: string }>().access_token
const call = (form: FormChange, as: Authentication = basic(api)) => ({
  url: '/introspect',
  form: { ...form, ...as.form },
  headers: { ...as.headers },
})
const introspect = async (form: FormChange, as?: Authentication) => await send(world.chat.app, call(form, as))

describe('a live token', () => {
  it('[DP-07] that is bound to a key says to which, and that its type is DPoP', async () => {
    const key = await proofKeyNamed('proof')
    const dpop = proofFor(key, { address: `${chat}/token`, now: world.clock.now })
    const answer = await introspect({ token: await newToken({ headers: { dpop } }) })
    expect(answer.json()).toMatchObject({ active: true, token_type: 'DPoP', cnf: { jkt: key.thumbprint } })
  })

  it('[IN-01] [IN-03] is told with all it says', async () => {
    const attempt = { claims: { auth_time: 5, acr: 'strong', amr: ['otp'], act: { sub: 'agent' } } }
    const token = await newToken(attempt)
    const answer = await introspect({ token })
    expect(answer.statusCode).toBe(200)
    expect(answer.headers).toMatchObject({ 'cache-control': 'no-store', pragma: 'no-cache' })
    expect(answer.headers['content-type']).toMatch(/^application\/json\b/)
    expect(answer.json()).toEqual({
      active: true,
      token_type: 'Bearer',
      iss: chat,
      sub: 'u-alice',
      aud: mcp,
      client_id: world.chat.clients.basic.id,
      jti: claimsOf(token).jti,
      iat: world.clock.now,
      exp: world.clock.now + 600,
      scope: 'chat.read',
      status: { status_list: { idx: 0, uri: `${chat}/status/0` } },
      ...attempt.claims,
    })
    expect(world.audit.at(-1)).toEqual({
      at: world.clock.now,
      role: 'resource-as',
      server: chat,
      action: 'introspect',
      outcome: 'granted',
      reason: 'granted',
      correlationId: answer.headers['x-correlation-id'],
      policyVersion: 'unversioned',
      client: 'chat-api',
      account: 'u-alice',
      scope: 'chat.read',
      resource: mcp,
      tokenId: world.audit.at(0)?.issuedTokenId,
    })
  })

  it('[IN-04] of two resources is alive for each of them', async () => {
    const token = signed(
      { typ: 'at+jwt' },
      { ...claimsOf(await newToken()), aud: [mcp, search] },
      world.chat.keys.current(),
    )
    for (const who of [api, searcher])
      expect((await introspect({ token }, basic(who))).json()).toMatchObject({ active: true, aud: [mcp, search] })
    expect(world.audit.at(-1)).toMatchObject({ resource: [mcp, search] })
  })

  it.each<[string, (credentials: Credentials) => Authentication]>([
    ['client_secret_basic', basic],
    ['client_secret_post', post],
    ['private_key_jwt', (credentials) => byAssertion(credentials, chat, world.clock.now)],
  ])('[IN-01] may be asked about by %s', async (_, as) => {
    expect((await introspect({ token: await newToken(), token_type_hint: 'x' }, as(api))).json().active).toBe(true)
  })

  it('is alive until the very second in which it expires, whatever the skew', async () => {
    const token = await newToken()
    world.clock.now += 599.9
    expect((await introspect({ token })).json().active).toBe(true)
    world.clock.now += 0.1
    expect((await introspect({ token })).json()).toEqual({ active: false })
    expect(world.audit.at(-1)).toMatchObject({ reason: 'expired' })
  })
})

describe('[IN-02] whatever is no live token of the caller is inactive, and nothing else is said', () => {
  const inactive = async (token: string, reason: string, as?: Authentication) => {
    const answer = await introspect({ token }, as)
    expect([answer.statusCode, answer.payload]).toEqual([200, '{"active":false}'])
    expect(world.audit.at(-1)).toMatchObject({ action: 'introspect', outcome: 'refused', reason })
    expect(world.audit.at(-1)).not.toHaveProperty('error')
    if (token.length > 24) expect(JSON.stringify(world.audit)).not.toContain(token)
    expect((await introspect({ token: await newToken() })).json().active).toBe(true)
  }
  const minted = async (change: Record<string, unknown>, header: Record<string, unknown> = {}) =>
    signed({ typ: 'at+jwt', ...header }, { ...claimsOf(await newToken()), ...change }, world.chat.keys.current())

  it('[IN-02] one that was ended', async () => {
    const token = await newToken()
    const other = await newToken({
      as: post(world.chat.clients.post),
      claims: { client_id: world.chat.clients.post.id },
    })
    await statuses.end(0)
    await inactive(token, 'token_ended')
    expect((await introspect({ token: other })).json().active).toBe(true)
  })

  it('[IN-02] one that has expired', async () => {
    await inactive(await minted({ iat: 1_799_000_000, exp: 1_799_000_600 }), 'expired')
  })

  it('[IN-04] one of another resource', async () => {
    await inactive(await minted({ aud: search }), 'aud_mismatch')
    await inactive(await newToken(), 'aud_mismatch', basic(searcher))
  })

  it('[ATK-008] an ID-JAG', async () => {
    await inactive((await exchange(world)).json().access_token, 'typ_mismatch')
  })

  it('[IN-02] an ID Token', async () => {
    await inactive(signed({}, idTokenClaims(world), world.idp.keys.current()), 'typ_mismatch')
  })

  it('[IN-02] one of another issuer', async () => {
    await inactive(await minted({ iss: acme }), 'issuer_unknown')
  })

  it('[IN-02] one under another key', async () => {
    const stranger = await signerOf('stranger')
    const claims = claimsOf(await newToken())
    await inactive(signed({ typ: 'at+jwt' }, claims, stranger), 'key_unknown')
    await inactive(signed({ typ: 'at+jwt', kid: 'chat-1' }, claims, stranger), 'signature_invalid')
    expect(world.audit.at(-3)).toMatchObject({ unverified: true })
  })

  it('[IN-02] garbage', async () => {
    await inactive('garbage', 'malformed')
    await inactive('a.b.c', 'malformed')
    await inactive(await minted({ jti: 5 }), 'malformed')
    await inactive('x'.repeat(20_000), 'too_large')
  })

  it('[IN-02] one without a status, from before there were any', async () => {
    await inactive(await minted({ status: undefined }), 'token_invalid')
  })

  it('[IN-02] one whose status is at another server', async () => {
    await inactive(await minted({ status: { status_list: { idx: 0, uri: `${acme}/status/0` } } }), 'token_invalid')
  })
})

describe('an introspection that is refused', () => {
  const refused = async (made: ReturnType<typeof call>, refusal: Parameters<typeof expectRefusal>[4]) => {
    const events = world.audit.length
    expectRefusal(world, { events }, made, await send(world.chat.app, made), refusal)
    expect((await introspect({ token: await newToken() })).json().active).toBe(true)
  }

  it('[IN-01] is that of nobody', async () => {
    const none = { headers: {}, form: {} }
    await refused(call({ token: await newToken() }, none), {
      error: 'invalid_client',
      reason: 'client_unauthenticated',
    })
  })

  it('[IN-01] is that of a client of the token endpoint, even for its own token', async () => {
    const own = basic(world.chat.clients.basic)
    await refused(call({ token: await newToken() }, own), { error: 'invalid_client', reason: 'client_unauthenticated' })
  })

  it('[IN-01] is that of a wrong secret', async () => {
    const wrong = basic({ ...api, secret: 'not-the-secret' })
    await refused(call({ token: await newToken() }, wrong), {
      error: 'invalid_client',
      reason: 'client_unauthenticated',
    })
  })

  it('[IN-01] is one without a token', async () => {
    await refused(call({}), { error: 'invalid_request', reason: 'missing_parameter', description: 'token is required' })
  })

  it('is one that nobody can answer now: 503, and no word on the token', async () => {
    const token = await newToken()
    statuses.broken = unavailable('policy_stale', 'too old')
    const answer = await introspect({ token })
    expect([answer.statusCode, answer.json().error]).toEqual([503, 'temporarily_unavailable'])
    expect(world.audit.at(-1)).toMatchObject({ outcome: 'refused', reason: 'policy_stale' })
    statuses.broken = undefined
    world.broken.audit = new Error('ENOSPC')
    expect((await introspect({ token })).statusCode).toBe(503)
  })
})
