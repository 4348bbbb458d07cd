/** How a client proves who it is by a signed assertion, at both token endpoints. */

import { beforeEach, describe, expect, it } from 'vitest'
import { unavailable } from '../../src/protocol/errors.ts'
import { keySetOf } from '../../src/protocol/keys.ts'
import { acme, chat, files } from '../fixture/addresses.ts'
import { type Authentication, byAssertion, type Credentials } from '../fixture/clients.ts'
import { type Enterprise, enterprise, exchange, redeem } from '../fixture/enterprise.ts'
import { publicJwk, signerOf } from '../fixture/keys.ts'
import { expectExchangeRefused, expectRedemptionRefused, type Refusal } from '../fixture/refusal.ts'

let world: Enterprise
beforeEach(async () => {
  world = await enterprise()
})

type Kind = 'basic' | 'post' | 'signing' | 'any' | 'open' | 'disabled'
type Proof = (client: Credentials, issuer: string, now: number) => Authentication

const refused = async (kind: Kind, proof: Proof, refusal: Refusal) => {
  const { now } = world.clock
  await expectExchangeRefused(world, { as: proof(world.idp.clients[kind], acme, now) }, refusal)
  await expectRedemptionRefused(world, { as: proof(world.chat.clients[kind], chat, now) }, refusal)
}
const ic = (reason: Refusal['reason']): Refusal => ({
  error: 'invalid_client',
  reason,
  description: /^client authentication failed$/,
})

describe('a client assertion', () => {
  type Change = (issuer: string, now: number) => { claims?: Record<string, unknown>; header?: Record<string, unknown> }

  it.each<[string, Change]>([
    ['[ATK-071] for the token endpoint', (issuer) => ({ claims: { aud: `${issuer}/token` } })],
    ['[ATK-071] for two', (issuer) => ({ claims: { aud: [issuer, files] } })],
    ['for another server', () => ({ claims: { aud: files } })],
    ['without aud', () => ({ claims: { aud: undefined } })],
    ['[ATK-071] whose iss is another', () => ({ claims: { iss: 'other' } })],
    ['[ATK-071] without exp', () => ({ claims: { exp: undefined } })],
    ['without exp and iat', () => ({ claims: { exp: undefined, iat: undefined } })],
    ['[ATK-071] that lives over an hour', (_, now) => ({ claims: { exp: now + 3601 } })],
    ['that lives over an hour, without iat', (_, now) => ({ claims: { exp: now + 3601, iat: undefined } })],
    ['that has expired', (_, now) => ({ claims: { exp: now - 30, iat: now - 90 } })],
    ['whose iat is null', () => ({ claims: { iat: null } })],
    ['that has expired, without iat', (_, now) => ({ claims: { exp: now - 30, iat: undefined } })],
    ['from the future', (_, now) => ({ claims: { iat: now + 31 } })],
    ['that is not valid yet', (_, now) => ({ claims: { nbf: now + 31 } })],
    ['[ATK-071] without jti', () => ({ claims: { jti: undefined } })],
    ['with a jti that is a number', () => ({ claims: { jti: 7 } })],
    ['with an empty jti', () => ({ claims: { jti: '' } })],
    ['with an endless jti', () => ({ claims: { jti: 'j'.repeat(257) } })],
    ['[ATK-072] with alg none', () => ({ header: { alg: 'none' } })],
    ['[ATK-072] with HS256', () => ({ header: { alg: 'HS256' } })],
    ['[ATK-004] of another kind', () => ({ header: { typ: 'oauth-id-jag+jwt' } })],
  ])('%s is refused', async (_, change) => {
    const proof: Proof = (client, issuer, now) => byAssertion(client, issuer, now, change(issuer, now))
    await refused('signing', proof, ic('client_assertion_invalid'))
  })

  it('[ATK-071] whose sub is another client is that client’s, and refused for it', async () => {
    await refused('signing', (...at) => byAssertion(...at, { claims: { sub: 'other' } }), ic('client_unauthenticated'))
    const named: Proof = (client, ...at) => ({
      form: { ...byAssertion(client, ...at, { claims: { sub: 'other' } }).form, client_id: client.id },
    })
    await refused('signing', named, ic('client_assertion_invalid'))
    for (const sub of [undefined, 7, ''])
      await refused('signing', (...at) => byAssertion(...at, { claims: { sub } }), ic('client_assertion_invalid'))
  })

  it('[ATK-072] signed by another client’s key is refused', async () => {
    const signer = await signerOf('other-client')
    const byOther: Proof = (client, ...at) => byAssertion({ ...client, signer }, ...at)
    await refused('signing', byOther, ic('client_assertion_invalid'))
    const named: Proof = (client, ...at) => byAssertion({ ...client, signer }, ...at, { header: { kid: client.id } })
    await refused('signing', named, ic('client_assertion_invalid'))
  })

  it('[ATK-072] signed by a key that is for encryption is refused', async () => {
    const { id } = world.idp.clients.signing
    const known = world.idp.clients.entries.get(id)
    if (known === undefined) throw new Error('no client')
    known.keys = await keySetOf({ keys: [{ ...(await publicJwk(id)), use: 'enc' }, await publicJwk('spare')] })
    const as = byAssertion(world.idp.clients.signing, acme, world.clock.now)
    await expectExchangeRefused(world, { as }, ic('client_assertion_invalid'))
  })

  it('[ATK-064] is good once, and not spent by a refusal', async () => {
    const { signing } = world.chat.clients
    const as = byAssertion(signing, chat, world.clock.now)
    const claims = { client_id: signing.id }
    expect((await redeem(world, { claims, as, form: { scope: 'unknown' } })).json()).toMatchObject({
      error: 'invalid_scope',
    })
    expect((await redeem(world, { claims, as })).statusCode).toBe(200)
    const spent = world.spent.length
    const again = await redeem(world, { claims, as })
    expect([again.statusCode, again.json().error]).toEqual([401, 'invalid_client'])
    expect(world.audit.at(-1)).toMatchObject({ reason: 'client_assertion_replay' })
    expect(world.spent).toHaveLength(spent)
  })

  it('[ATK-064] is not taken again by a request whose keys came only after the record of its use had gone', async () => {
    const { signing, entries } = world.idp.clients
    const entry = entries.get(signing.id)
    if (entry?.keys === undefined) throw new Error('no client with keys')
    const as = byAssertion(signing, acme, world.clock.now)
    const claims = { aud: signing.id }
    expect((await exchange(world, { claims, as })).statusCode).toBe(200)
    const { until } = world.spent.at(-1) ?? { until: 0 }
    const { find } = entry.keys
    entry.keys = {
      find: async (header) => {
        world.clock.now = until + 1
        return await find(header)
      },
    }
    world.clock.now = until - 2 * 30 + 29
    const again = await exchange(world, { claims, as })
    expect([again.statusCode, again.json().error]).toEqual([401, 'invalid_client'])
    expect(world.audit.at(-1)).toMatchObject({
      reason: 'client_assertion_invalid',
      detail: expect.stringContaining('expired'),
    })
  })

  it.each<[string, Record<string, unknown>, number]>([
    ['issued before a loss of memory is refused', {}, 1],
    ['without iat is as old as it can be', { iat: undefined }, 60 - 3600 + 1],
  ])('%s', async (_, change, fence) => {
    const { signing } = world.idp.clients
    const attempt = () => {
      const as = byAssertion(signing, acme, world.clock.now, { claims: { exp: world.clock.now + 60, ...change } })
      return exchange(world, { claims: { aud: signing.id }, as })
    }
    world.clock.fence = world.clock.now + fence
    const answer = await attempt()
    expect([answer.statusCode, answer.json().error]).toEqual([401, 'invalid_client'])
    expect(world.audit.at(-1)).toMatchObject({ reason: 'replay_fence' })
    world.clock.fence -= 1
    expect((await attempt()).statusCode).toBe(200)
  })

  it('[OKTA-04] may name the token endpoint where the client’s entry says so', async () => {
    const { signing, entries } = world.idp.clients
    const entry = entries.get(signing.id)
    if (entry === undefined) throw new Error('no client')
    entry.assertionAudienceAlso = `${acme}/token`
    const proof = (aud: string) => byAssertion(signing, aud, world.clock.now)
    const claims = { aud: signing.id }
    expect((await exchange(world, { claims, as: proof(`${acme}/token`) })).statusCode).toBe(200)
    expect((await exchange(world, { claims, as: proof(acme) })).statusCode).toBe(200)
    expect((await exchange(world, { claims, as: proof(`${acme}/other`) })).statusCode).toBe(401)
  })

  it('of a client whose keys cannot be fetched is 503', async () => {
    const { signing, entries } = world.idp.clients
    const entry = entries.get(signing.id)
    if (entry === undefined) throw new Error('no client')
    entry.keys = { find: () => Promise.reject(unavailable('jwks_unavailable', 'no answer')) }
    const as = byAssertion(signing, acme, world.clock.now)
    expect((await exchange(world, { claims: { aud: signing.id }, as })).statusCode).toBe(503)
  })
})
