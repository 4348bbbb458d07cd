/** DPoP at the two token endpoints: what becomes bound to whose key, and what is refused (ID-JAG §9.8.1). */

import { randomBytes } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import { proofNonces } from '../../src/protocol/dpop-nonces.ts'
import { grantType } from '../../src/protocol/names.ts'
import { acme, chat, mcp, search } from '../fixture/addresses.ts'
import { type Enterprise, enterprise, exchange, redeem } from '../fixture/enterprise.ts'
import { identityProvider } from '../fixture/identity-provider.ts'
import { type ProofKey, proofFor, proofKeyNamed } from '../fixture/proofs.ts'
import { expectExchangeRefused, expectRedemptionRefused } from '../fixture/refusal.ts'
import { claimsOf } from '../fixture/tokens.ts'

const key = await proofKeyNamed('proof')
const other = await proofKeyNamed('other')

let world: Enterprise
beforeEach(async () => {
  world = await enterprise()
})

const proofAt = (issuer: string, by: ProofKey = key, claims: Record<string, unknown> = {}) => ({
  dpop: proofFor(by, { address: `${issuer}/token`, now: world.clock.now }, { claims }),
})
const tokenOf = (answer: { json(): unknown }) => claimsOf((answer.json() as { access_token: string }).access_token)

describe('the exchange', () => {
  it('[POP-01] [POP-02] [POP-03] [ATK-084] binds the ID-JAG to the key of the proof, and its token_type stays N_A', async () => {
    const bound = await exchange(world, { headers: proofAt(acme) })
    expect([bound.statusCode, bound.json()]).toMatchObject([200, { token_type: 'N_A' }])
    expect(tokenOf(bound).cnf).toEqual({ jkt: key.thumbprint })
    const unbound = await exchange(world)
    expect(unbound.json()).toMatchObject({ token_type: 'N_A' })
    expect(tokenOf(unbound)).not.toHaveProperty('cnf')
  })

  it('[POP-01] [ATK-080] of a proof for another server is refused', async () => {
    const refusal = { error: 'invalid_dpop_proof', reason: 'pop_mismatch' } as const
    await expectExchangeRefused(world, { headers: proofAt(chat) }, refusal)
    await expectExchangeRefused(world, { headers: proofAt(acme, key, { htm: 'GET' }) }, refusal)
  })

  it('[ATK-081] of a proof that was used is refused', async () => {
    const headers = proofAt(acme)
    expect((await exchange(world, { headers })).statusCode).toBe(200)
    await expectExchangeRefused(world, { headers }, { error: 'invalid_dpop_proof', reason: 'pop_replay' })
  })

  it('that is refused spends no proof', async () => {
    const headers = proofAt(acme)
    expect((await exchange(world, { headers, form: { audience: 'https://nobody.example' } })).statusCode).toBe(400)
    expect(world.spent).toEqual([])
    expect((await exchange(world, { headers })).statusCode).toBe(200)
  })

  it('of a client that is not authenticated is refused before its proof is looked at', async () => {
    const answer = await exchange(world, { headers: { authorization: 'Basic eDp5', dpop: 'x' } })
    expect(answer.json()).toMatchObject({ error: 'invalid_client' })
  })
})

describe('the redemption', () => {
  const bound = { cnf: { jkt: key.thumbprint } }

  it('[POP-04] [DP-03] [DP-07] of a bound ID-JAG with a proof by its key gives a bound token', async () => {
    const answer = await redeem(world, { claims: bound, headers: proofAt(chat) })
    expect([answer.statusCode, answer.json()]).toMatchObject([200, { token_type: 'DPoP' }])
    expect(tokenOf(answer).cnf).toEqual({ jkt: key.thumbprint })
  })

  it('[POP-04] [ATK-077] of a bound ID-JAG with a proof by another key is refused, and spends nothing', async () => {
    const claims = { ...bound, jti: 'one-and-the-same' }
    const refused = await redeem(world, { claims, headers: proofAt(chat, other) })
    expect([refused.statusCode, refused.json()]).toMatchObject([400, { error: 'invalid_grant' }])
    expect(world.audit).toMatchObject([{ outcome: 'refused', reason: 'pop_mismatch' }])
    expect(world.spent).toEqual([])
    expect((await redeem(world, { claims, headers: proofAt(chat) })).json()).toMatchObject({ token_type: 'DPoP' })
  })

  it('[POP-05] [ATK-076] of a bound ID-JAG without a proof is refused', async () => {
    await expectRedemptionRefused(world, { claims: bound }, { error: 'invalid_grant', reason: 'pop_missing' })
  })

  it.each([
    ['a certificate', { 'x5t#S256': 'x' }],
    ['nothing', {}],
    ['a key and a certificate', { jkt: key.thumbprint, 'x5t#S256': 'x' }],
    ['an empty thumbprint', { jkt: '' }],
  ])('[POP-08] [ATK-076] of an ID-JAG bound to %s is refused with and without a proof', async (_, cnf) => {
    const refusal = { error: 'invalid_grant', reason: 'pop_unsupported' } as const
    await expectRedemptionRefused(world, { claims: { cnf } }, refusal)
    await expectRedemptionRefused(world, { claims: { cnf }, headers: proofAt(chat) }, refusal)
  })

  it('[POP-06] of an ID-JAG that is not bound, with a proof, gives a bound token', async () => {
    const answer = await redeem(world, { headers: proofAt(chat) })
    expect(answer.json()).toMatchObject({ token_type: 'DPoP' })
    expect(tokenOf(answer).cnf).toEqual({ jkt: key.thumbprint })
  })

  it('[POP-06] [ATK-083] of an ID-JAG that is not bound, with a broken proof, is refused', async () => {
    const refusal = { error: 'invalid_dpop_proof', reason: 'pop_mismatch' } as const
    await expectRedemptionRefused(world, { headers: proofAt(acme) }, refusal)
  })

  it('[POP-07] of an ID-JAG that is not bound, without a proof, gives a Bearer token', async () => {
    const answer = await redeem(world)
    expect(answer.json()).toMatchObject({ token_type: 'Bearer' })
    expect(tokenOf(answer)).not.toHaveProperty('cnf')
  })

  it('[POP-07] [ATK-083] for a resource that demands bound tokens is refused without a proof', async () => {
    const resources = [
      { resource: mcp, scopes: ['chat.read'], boundTokens: true },
      { resource: search, scopes: ['search.read'] },
    ]
    world = await enterprise({ resources })
    const refused = await redeem(world, { claims: { jti: 'j' } })
    expect(refused.json()).toMatchObject({
      error: 'invalid_grant',
      error_description: `${mcp} takes sender-constrained tokens alone: send a DPoP proof`,
    })
    expect(world.audit.at(-1)).toMatchObject({ reason: 'pop_required' })
    const proven = await redeem(world, { claims: { jti: 'j' }, headers: proofAt(chat) })
    expect(proven.json()).toMatchObject({ token_type: 'DPoP' })
    const elsewhere = await redeem(world, { claims: { resource: search, scope: 'search.read' } })
    expect(elsewhere.json()).toMatchObject({ token_type: 'Bearer' })
  })

  it('[POP-09] [ATK-081] with the proof of another redemption is refused', async () => {
    const headers = proofAt(chat)
    expect((await redeem(world, { headers })).statusCode).toBe(200)
    await expectRedemptionRefused(world, { headers }, { error: 'invalid_dpop_proof', reason: 'pop_replay' })
  })

  it('[POP-09] takes the ID-JAG of a bound exchange with a new proof by the same key', async () => {
    const here = await exchange(world, { headers: proofAt(acme) })
    const token = (here.json() as { access_token: string }).access_token
    const there = await redeem(world, { token, headers: proofAt(chat) })
    expect(there.json()).toMatchObject({ token_type: 'DPoP' })
  })

  it('[D-06] by the grant type jwt-dpop is the same with a proof, and refused without one', async () => {
    const form = { grant_type: grantType.jwtDpop }
    const refusal = { error: 'invalid_grant', reason: 'pop_missing' } as const
    await expectRedemptionRefused(world, { form }, refusal)
    expect((await redeem(world, { form, headers: proofAt(chat) })).json()).toMatchObject({ token_type: 'DPoP' })
  })
})

describe('a server that asks for nonces', () => {
  const proofs = proofNonces(randomBytes(32).toString('hex'))

  it('[DP-10] names one with 400, and takes the proof that holds it', async () => {
    world = await enterprise({ plugin: { proofNonces: proofs } })
    world.idp = await identityProvider(world, world.chat.clients, { proofNonces: proofs })
    for (const [issuer, ask] of [[acme, exchange] as const, [chat, redeem] as const]) {
      const refused = await ask(world, { headers: proofAt(issuer) })
      expect([refused.statusCode, refused.json()]).toMatchObject([400, { error: 'use_dpop_nonce' }])
      expect(refused.headers['cache-control']).toBe('no-store')
      expect(refused.headers).not.toHaveProperty('www-authenticate')
      expect(world.audit.at(-1)).toMatchObject({ outcome: 'refused', reason: 'pop_nonce', error: 'use_dpop_nonce' })
      const nonce = refused.headers['dpop-nonce']
      expect((await ask(world, { headers: proofAt(issuer, key, { nonce }) })).statusCode).toBe(200)
      expect((await ask(world)).statusCode).toBe(200)
    }
  })
})
