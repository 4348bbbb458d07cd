/** A protected resource and tokens that are bound to a key: the scheme DPoP, its proofs, and its challenges (RFC 9449 §7). */

import { randomBytes } from 'node:crypto'
import Fastify from 'fastify'
import { beforeEach, describe, expect, it } from 'vitest'
import { principalOf, type ResourcePluginOptions, resourcePlugin } from '../../src/http/resource-plugin.ts'
import { proofNonces } from '../../src/protocol/dpop-nonces.ts'
import { guardOf } from '../../src/resource/guard.ts'
import { dangerouslyLocalOnly } from '../../src/resource/revocation.ts'
import { chat, mcp } from '../fixture/addresses.ts'
import { type Enterprise, enterprise, redeem } from '../fixture/enterprise.ts'
import { proofFor, proofKeyNamed } from '../fixture/proofs.ts'
import { signed } from '../fixture/tokens.ts'

const key = await proofKeyNamed('proof')
const other = await proofKeyNamed('other')
const document = 'https://api.chat.example/.well-known/oauth-protected-resource/mcp'
const algs = 'ES256 RS256 PS256 EdDSA'
const invalidToken =
  'error="invalid_token", error_description="the access token is expired, malformed, or not for this resource"'

let world: Enterprise
beforeEach(async () => {
  world = await enterprise()
})

/** A token of the chat, bound to the key unless `cnf` says otherwise. */
const minted = (change: Record<string, unknown> = {}) => {
  const { now } = world.clock
  const claims = { iss: chat, sub: 'u-alice', aud: mcp, client_id: 'wiki-at-chat', jti: 'access-1', scope: 'chat.read' }
  const times = { iat: now, exp: now + 600, cnf: { jkt: key.thumbprint } }
  return signed({ typ: 'at+jwt' }, { ...claims, ...times, ...change }, world.chat.keys.current())
}
const proofOf = (accessToken: string, claims: Record<string, unknown> = {}, by = key, method = 'GET'): string =>
  proofFor(by, { address: mcp, now: world.clock.now, method, accessToken }, { claims })
const call = async (
  token: string,
  dpop?: string,
  { scheme = 'DPoP', method = 'GET' as 'GET' | 'POST', url = '/mcp' } = {},
) =>
  await world.chat.api.inject({
    method,
    url,
    headers: { authorization: `${scheme} ${token}`, ...(dpop === undefined ? {} : { dpop }) },
  })

describe('a caller with a bound token and a proof', () => {
  it('[RS-04] [DP-08] is let in, by the token that the authorization server bound', async () => {
    const { now } = world.clock
    const dpop = proofFor(key, { address: `${chat}/token`, now })
    const { access_token: token } = (await redeem(world, { headers: { dpop } })).json() as { access_token: string }
    const answer = await call(token, proofOf(token))
    expect([answer.statusCode, answer.json()]).toMatchObject([200, { account: 'u-alice', proofKey: key.thumbprint }])
    expect(world.audit.at(-1)).toMatchObject({ outcome: 'granted', account: 'u-alice' })
    expect(JSON.stringify(world.audit)).not.toContain(token.slice(-40))
  })

  it('is let in with the scheme in other case, a query, and an absolute address in the request line', async () => {
    for (const url of ['/mcp?x=1', 'http://inside.example/mcp']) {
      const token = minted()
      expect((await call(token, proofOf(token), { scheme: 'dpop', url })).statusCode).toBe(200)
    }
  })

  it('[ATK-081] is let in once with one proof', async () => {
    const token = minted()
    const dpop = proofOf(token)
    expect((await call(token, dpop)).statusCode).toBe(200)
    expect((await call(token, dpop)).statusCode).toBe(401)
    expect(world.audit.at(-1)).toMatchObject({ reason: 'pop_replay', error: 'invalid_dpop_proof' })
  })

  it('but too little scope is told so by a DPoP challenge', async () => {
    const token = minted()
    const answer = await call(token, proofOf(token, {}, key, 'POST'), { method: 'POST' })
    expect(answer.statusCode).toBe(403)
    expect(answer.headers['www-authenticate']).toBe(
      `DPoP error="insufficient_scope", scope="chat.write", algs="${algs}", resource_metadata="${document}"`,
    )
  })

  it.each<[string, (token: string) => string | undefined, string]>([
    ['without a proof', () => undefined, 'pop_missing'],
    ['with a proof that is none', () => 'x', 'pop_malformed'],
    ['with a proof for another method', (token) => proofOf(token, { htm: 'POST' }), 'pop_mismatch'],
    ['with a proof for another path', (token) => proofOf(token, { htu: `${mcp}/x` }), 'pop_mismatch'],
    [
      'with a proof for the host it came to',
      (token) => proofOf(token, { htu: 'http://localhost/mcp' }),
      'pop_mismatch',
    ],
    ['with a proof for another token', () => proofOf('another'), 'pop_mismatch'],
    ['with a proof without ath', (token) => proofOf(token, { ath: undefined }), 'pop_mismatch'],
  ])('[DP-08] %s is refused, and spends nothing', async (_, proof, reason) => {
    const token = minted()
    const answer = await call(token, proof(token))
    expect(answer.statusCode).toBe(401)
    const [bearer, challenge] = String(answer.headers['www-authenticate']).split(', DPoP ')
    expect(bearer).toBe(`Bearer resource_metadata="${document}"`)
    expect(challenge).toMatch(
      /^error="invalid_dpop_proof", error_description="[^"]+", algs="[^"]+", resource_metadata="/,
    )
    expect(answer.json()).toEqual({ error: 'invalid_dpop_proof' })
    expect(world.audit.at(-1)).toMatchObject({ outcome: 'refused', reason, error: 'invalid_dpop_proof' })
    expect(world.spent).toEqual([])
    expect((await call(token, proofOf(token))).statusCode).toBe(200)
  })

  it.each<[string, Record<string, unknown>, typeof key, string]>([
    ['[RS-04] of another key', {}, other, 'pop_mismatch'],
    ['with a token that is not bound', { cnf: undefined }, key, 'pop_mismatch'],
    ['with a token that has expired', { exp: 1_799_999_000 }, key, 'expired'],
  ])('[DP-08] %s is refused for its token, and its proof is not spent', async (_, change, by, reason) => {
    const token = minted(change)
    const answer = await call(token, proofOf(token, {}, by))
    expect(answer.statusCode).toBe(401)
    expect(answer.headers['www-authenticate']).toBe(
      `Bearer resource_metadata="${document}", DPoP ${invalidToken}, algs="${algs}", resource_metadata="${document}"`,
    )
    expect(world.audit.at(-1)).toMatchObject({ reason, error: 'invalid_token' })
    expect(world.spent).toEqual([])
  })

  it('as a Bearer token it is refused, with and without a proof', async () => {
    const token = minted()
    for (const dpop of [undefined, proofOf(token)]) {
      const answer = await call(token, dpop, { scheme: 'Bearer' })
      expect(answer.headers['www-authenticate']).toMatch(/^Bearer error="invalid_token", .*, DPoP algs=/)
      expect(world.audit.at(-1)).toMatchObject({ reason: 'pop_missing' })
    }
    expect((await call(token, proofOf(token))).statusCode).toBe(200)
  })

  it('[ATK-126] is answered 503 when it cannot be known whether the proof was used', async () => {
    world.broken.store = new Error('down')
    const token = minted()
    const answer = await call(token, proofOf(token))
    expect([answer.statusCode, answer.json()]).toMatchObject([503, { error: 'temporarily_unavailable' }])
    expect((await call(minted({ cnf: undefined }), undefined, { scheme: 'Bearer' })).statusCode).toBe(200)
  })
})

describe('a guard', () => {
  const options = () => ({
    resource: mcp,
    authorizationServer: chat,
    keys: world.chat.keys.source,
    algorithms: ['ES256'] as const,
    scopes: ['chat.read'],
    skew: 30,
    maxLifetime: 3600,
    revocation: dangerouslyLocalOnly,
  })
  const apiWith = async (change: Partial<ResourcePluginOptions>) => {
    const api = Fastify()
    const routes: ResourcePluginOptions['routes'] = (scope) => {
      scope.get('/mcp', async (request) => principalOf(request))
    }
    await api.register(resourcePlugin, { ...options(), ports: world.ports, routes, ...change })
    return async (authorization: string, dpop?: string) =>
      await api.inject({ url: '/mcp', headers: { authorization, ...(dpop === undefined ? {} : { dpop }) } })
  }

  it('[DP-11] that asks for nonces names one with 401, and takes the proof that holds it', async () => {
    const ask = await apiWith({ proofNonces: proofNonces(randomBytes(32).toString('hex')) })
    const token = minted()
    const refused = await ask(`DPoP ${token}`, proofOf(token))
    expect(refused.statusCode).toBe(401)
    expect(refused.headers['www-authenticate']).toMatch(/, DPoP error="use_dpop_nonce", /)
    expect(refused.json()).toEqual({ error: 'use_dpop_nonce' })
    const nonce = refused.headers['dpop-nonce']
    expect((await ask(`DPoP ${token}`, proofOf(token, { nonce }))).statusCode).toBe(200)
    expect((await ask(`Bearer ${minted({ cnf: undefined })}`)).statusCode).toBe(200)
  })

  it('that demands bound tokens says so in its document, and takes no other', async () => {
    const ask = await apiWith({ boundTokens: true })
    expect((await ask(`Bearer ${minted({ cnf: undefined })}`)).statusCode).toBe(401)
    expect(world.audit.at(-1)).toMatchObject({ reason: 'pop_required' })
    const token = minted()
    expect((await ask(`DPoP ${token}`, proofOf(token))).statusCode).toBe(200)
    const { metadata } = guardOf({ ...options(), boundTokens: true }, world.ports)
    expect(metadata).toMatchObject({ dpop_bound_access_tokens_required: true })
  })

  it('that is not told what a proof is about refuses every bound token, and offers no DPoP', async () => {
    const guard = guardOf(options(), world.ports)
    for (const authorization of [[`Bearer ${minted()}`], [`DPoP ${minted()}`]])
      await expect(guard.authenticate({ authorization, correlationId: 'c' })).rejects.toMatchObject({
        status: 401,
        wwwAuthenticate: `Bearer ${invalidToken}, resource_metadata="${document}"`,
      })
    const token = minted()
    const request = { authorization: [`DPoP ${token}`], correlationId: 'c', method: 'GET', address: '/mcp' }
    expect(await guard.authenticate({ ...request, proofs: [proofOf(token)] })).toMatchObject({ account: 'u-alice' })
  })

  it('takes the path of a whole address, on its own origin, and no address that is none', async () => {
    const guard = guardOf(options(), world.ports)
    const token = minted()
    const ask = (address: string) =>
      guard.authenticate({
        authorization: [`DPoP ${token}`],
        proofs: [proofOf(token)],
        method: 'GET',
        address,
        correlationId: 'c',
      })
    expect(await ask('http://10.0.0.7:8080/mcp?x=1')).toMatchObject({ account: 'u-alice' })
    await expect(ask('*')).rejects.toMatchObject({ error: 'invalid_dpop_proof', reason: 'pop_mismatch' })
    await expect(ask('//evil.example/mcp')).rejects.toMatchObject({ reason: 'pop_mismatch' })
  })
})
