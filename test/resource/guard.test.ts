/** What a protected resource lets in, what it answers everybody else, and what its document says. */

import { beforeEach, describe, expect, it } from 'vitest'
import { signAccessToken } from '../../src/protocol/access-token.ts'
import { unavailable } from '../../src/protocol/errors.ts'
import { guardOf } from '../../src/resource/guard.ts'
import { dangerouslyLocalOnly } from '../../src/resource/revocation.ts'
import { acme, chat, files, mcp, search } from '../fixture/addresses.ts'
import { type Enterprise, enterprise, exchange, idTokenClaims, redeem } from '../fixture/enterprise.ts'
import { signerOf } from '../fixture/keys.ts'
import { signed } from '../fixture/tokens.ts'

let world: Enterprise
beforeEach(async () => {
  world = await enterprise()
})

const document = 'https://api.chat.example/.well-known/oauth-protected-resource/mcp'
const orByProof = `, DPoP algs="ES256 RS256 PS256 EdDSA", resource_metadata="${document}"`
const claims = () => ({
  iss: chat,
  sub: 'u-alice',
  aud: mcp,
  client_id: 'wiki-at-chat',
  jti: 'access-1',
  iat: world.clock.now,
  exp: world.clock.now + 600,
  scope: 'chat.read',
})
const minted = (change: Record<string, unknown> = {}, header: Record<string, unknown> = {}) =>
  signed({ typ: 'at+jwt', ...header }, { ...claims(), ...change }, world.chat.keys.current())
const call = async (authorization: string | undefined, method: 'GET' | 'POST' | 'DELETE' = 'GET') =>
  await world.chat.api.inject({ method, url: '/mcp', headers: authorization === undefined ? {} : { authorization } })

describe('a caller without a token', () => {
  it.each(['GET', 'POST', 'DELETE'] as const)(
    '[RS-06] is told by %s where to get one, and of no error',
    async (method) => {
      const answer = await call(undefined, method)
      expect(answer.statusCode).toBe(401)
      expect(answer.headers['www-authenticate']).toBe(`Bearer resource_metadata="${document}"${orByProof}`)
      expect(answer.json()).toEqual({})
      expect(world.audit).toMatchObject([
        { role: 'resource', server: mcp, outcome: 'refused', reason: 'token_missing' },
      ])
      expect(world.audit[0]?.correlationId).toBe(answer.headers['x-correlation-id'])
      expect(world.audit[0]).not.toHaveProperty('error')
    },
  )

  it('[RS-06] finds the authorization server in the document', async () => {
    const answer = await world.chat.api.inject('/.well-known/oauth-protected-resource/mcp')
    expect(answer.headers['content-type']).toMatch(/^application\/json\b/)
    expect(answer.headers['access-control-allow-origin']).toBe('*')
    expect(answer.json()).toEqual({
      resource: mcp,
      authorization_servers: [chat],
      scopes_supported: ['chat.read', 'chat.write'],
      bearer_methods_supported: ['header'],
      resource_name: 'Chat',
      dpop_signing_alg_values_supported: ['ES256', 'RS256', 'PS256', 'EdDSA'],
    })
  })
})

describe('a caller with a good token', () => {
  it('[T-01] is known by account and application, and the call is in the audit', async () => {
    const token = ((await redeem(world)).json() as { access_token: string }).access_token
    const answer = await call(`Bearer ${token}`)
    expect(answer.statusCode).toBe(200)
    expect(answer.json()).toMatchObject({
      issuer: chat,
      account: 'u-alice',
      client: 'wiki-at-chat',
      scopes: ['chat.read'],
    })
    expect(world.audit.at(-1)).toMatchObject({
      action: 'call',
      outcome: 'granted',
      reason: 'granted',
      account: 'u-alice',
      client: 'wiki-at-chat',
      scope: 'chat.read',
      tokenId: world.audit.at(0)?.issuedTokenId,
      correlationId: answer.headers['x-correlation-id'],
    })
  })

  it.each([
    ['the scheme in other case', 'bearer'],
    ['the scheme in capitals', 'BEARER '],
  ])('passes with %s', async (_, scheme) => {
    expect((await call(`${scheme} ${minted()}`)).statusCode).toBe(200)
  })

  it('passes with this resource among several audiences, and is told who acts', async () => {
    const act = { sub: 'agent' }
    const answer = await call(`Bearer ${minted({ aud: [search, mcp], act, acr: 'a', auth_time: 5 })}`)
    expect(answer.json()).toMatchObject({ act, acr: 'a', authTime: 5 })
  })

  it.each([
    ['GET', { scope: undefined }, 'chat.read'],
    ['POST', {}, 'chat.write'],
  ] as const)(
    '[RS-05] but too little scope for %s is 403, with every scope it needs',
    async (method, change, scope) => {
      const answer = await call(`Bearer ${minted(change)}`, method)
      expect(answer.statusCode).toBe(403)
      expect(answer.headers['www-authenticate']).toBe(
        `Bearer error="insufficient_scope", scope="${scope}", resource_metadata="${document}"`,
      )
      expect(answer.json()).toEqual({ error: 'insufficient_scope' })
      expect(world.audit).toMatchObject([{ outcome: 'refused', reason: 'scope_denied', error: 'insufficient_scope' }])
    },
  )
})

describe('a caller with a bad token', () => {
  const refused = async (authorization: string, reason: string) => {
    const answer = await call(authorization)
    expect(answer.statusCode).toBe(401)
    expect(answer.headers['www-authenticate']).toBe(
      `Bearer error="invalid_token", error_description="the access token is expired, malformed, or not for this resource", resource_metadata="${document}"${orByProof}`,
    )
    expect(answer.headers['cache-control']).toBe('no-store')
    expect(answer.json()).toEqual({ error: 'invalid_token' })
    expect(world.audit.at(-1)).toMatchObject({ outcome: 'refused', reason, error: 'invalid_token' })
    const secret = authorization.split(' ').at(-1) ?? ''
    if (secret.length > 24) expect(JSON.stringify([answer.payload, answer.headers, world.audit])).not.toContain(secret)
    expect((await call(`Bearer ${minted()}`)).statusCode).toBe(200)
  }

  it.each<[string, Record<string, unknown>, Record<string, unknown>, string]>([
    ['[RS-03] [ATK-007] of another resource', { aud: search }, {}, 'aud_mismatch'],
    ['[RS-03] of a longer resource', { aud: `${mcp}/x` }, {}, 'aud_mismatch'],
    ['[RS-01] of another issuer', { iss: files }, {}, 'issuer_unknown'],
    ['[RS-01] [ATK-007] of the identity provider', { iss: acme }, {}, 'issuer_unknown'],
    ['[RS-02] of another type', {}, { typ: 'JWT' }, 'typ_mismatch'],
    ['[RS-02] of no type', {}, { typ: undefined }, 'typ_mismatch'],
    ['that has expired', { exp: 1_800_000_000 - 30 }, {}, 'expired'],
    ['that lives too long', { exp: 1_800_003_601 }, {}, 'lifetime_too_long'],
    ['from the future', { iat: 1_800_000_031 }, {}, 'iat_invalid'],
    ['without sub', { sub: undefined }, {}, 'malformed'],
    ['without client_id', { client_id: undefined }, {}, 'malformed'],
    ['without jti', { jti: undefined }, {}, 'malformed'],
    ['with a scope that is an array', { scope: ['chat.read'] }, {}, 'malformed'],
    ['[RS-04] [DP-09] that is bound to a key', { cnf: { jkt: 'x' } }, {}, 'pop_missing'],
    ['[RS-04] that is bound to a certificate', { cnf: { 'x5t#S256': 'x' } }, {}, 'pop_unsupported'],
    ['with alg none', {}, { alg: 'none' }, 'alg_not_allowed'],
    ['of an unknown key', {}, { kid: 'chat-9' }, 'key_unknown'],
    ['with crit', {}, { crit: ['x'] }, 'header_unsupported'],
  ])('%s is refused', async (_, change, header, reason) => {
    await refused(`Bearer ${minted(change, header)}`, reason)
  })

  it('[RS-02] [ATK-007] [T-09] that is an ID-JAG or ID Token is refused', async () => {
    const idJag = ((await exchange(world)).json() as { access_token: string }).access_token
    await refused(`Bearer ${idJag}`, 'typ_mismatch')
    await refused(`Bearer ${signed({}, idTokenClaims(world), world.idp.keys.current())}`, 'typ_mismatch')
  })

  it('[RS-01] under the identity provider’s key is refused', async () => {
    await refused(`Bearer ${signed({ typ: 'at+jwt' }, claims(), world.idp.keys.current())}`, 'key_unknown')
    const forged = signed({ typ: 'at+jwt', kid: 'chat-1' }, claims(), await signerOf('attacker'))
    await refused(`Bearer ${forged}`, 'signature_invalid')
  })

  it.each([
    ['another scheme', 'Basic eHg6eXk='],
    ['a scheme without a token', 'Bearer'],
    ['two tokens', 'Bearer abc def'],
    ['a token with a quote', 'Bearer a"b'],
    ['an empty header', ''],
  ])('%s is refused', async (_, authorization) => {
    await refused(authorization, 'token_invalid')
  })
})

describe('the guard by itself', () => {
  const options = async () => ({
    resource: 'https://api.example',
    authorizationServer: chat,
    keys: world.chat.keys.source,
    algorithms: ['ES256'] as const,
    scopes: ['a'],
    skew: 30,
    maxLifetime: 600,
    revocation: dangerouslyLocalOnly,
  })

  it('refuses two Authorization headers', async () => {
    const guard = guardOf(await options(), world.ports)
    const token = `Bearer ${minted({ aud: 'https://api.example' })}`
    const asked = guard.authenticate({ authorization: [token, token], correlationId: 'c' })
    await expect(asked).rejects.toMatchObject({ status: 400, error: 'invalid_request', reason: 'malformed_auth' })
    expect(await guard.authenticate({ authorization: [token], correlationId: 'c' })).toMatchObject({
      account: 'u-alice',
    })
  })

  it('takes a token that the resource authorization server signs for an address without a path', async () => {
    const guard = guardOf(await options(), world.ports)
    const bare = { ...claims(), aud: 'https://api.example/' }
    const token = await signAccessToken(bare, world.chat.keys.current())
    expect(guard.metadataUrl).toBe('https://api.example/.well-known/oauth-protected-resource')
    expect(guard.metadata).not.toHaveProperty('resource_name')
    const principal = await guard.authenticate({ authorization: [`Bearer ${token}`], correlationId: 'c' })
    await guard.authorize(principal, { required: [], correlationId: 'c' })
    expect(world.audit).toHaveLength(1)
  })

  it('says in the audit for which tenant of the server the token is', async () => {
    const guard = guardOf(await options(), world.ports)
    const of = { ...claims(), aud: 'https://api.example/', tenant: 'acme' }
    const token = await signAccessToken(of, world.chat.keys.current())
    const principal = await guard.authenticate({ authorization: [`Bearer ${token}`], correlationId: 'c' })
    await guard.authorize(principal, { required: [], correlationId: 'c' })
    expect(principal.tenant).toBe('acme')
    expect(world.audit.at(-1)).toMatchObject({ outcome: 'granted', audTenant: 'acme' })
  })

  it('[ATK-119] keys that cannot be fetched are 503, recorded, and no way in', async () => {
    const keys = { find: () => Promise.reject(unavailable('jwks_unavailable', 'no answer')) }
    const guard = guardOf({ ...(await options()), keys }, world.ports)
    const asked = guard.authenticate({ authorization: [`Bearer ${minted()}`], correlationId: 'c' })
    await expect(asked).rejects.toMatchObject({ code: 'temporarily_unavailable', status: 503 })
    expect(world.audit).toMatchObject([
      { outcome: 'refused', reason: 'jwks_unavailable', error: 'temporarily_unavailable', correlationId: 'c' },
    ])
  })

  it('[ATK-127] an audit that cannot be written is 503, for good tokens, bad ones and none', async () => {
    world.broken.audit = new Error('ENOSPC')
    for (const authorization of [undefined, 'Bearer x', `Bearer ${minted()}`]) {
      const answer = await call(authorization)
      expect(answer.statusCode).toBe(503)
      expect(answer.json()).toMatchObject({ error: 'temporarily_unavailable' })
    }
  })
})
