/** The client's proofs by themselves: what they say, with which key, and which nonce they hold. */

import { randomBytes } from 'node:crypto'
import { calculateJwkThumbprint } from 'jose'
import { describe, expect, it } from 'vitest'
import { proverOf } from '../../src/client/prover.ts'
import { verifyProof } from '../../src/protocol/dpop.ts'
import { publicPartOf } from '../../src/protocol/keys.ts'
import { privateJwk, publicJwk } from '../fixture/keys.ts'
import { testPorts } from '../fixture/ports.ts'
import { claimsOf, headerOf } from '../fixture/tokens.ts'

const clock = { now: () => 1_800_000_000.7, newId: () => randomBytes(9).toString('hex') }
const call = { method: 'POST', url: 'https://as.example/token?a=b#c' }

describe('a proof of the client', () => {
  it.each(['ES256', 'EdDSA', 'RS256', 'PS256'] as const)('[CL-08] by a key for %s passes a server', async (alg) => {
    const key = await privateJwk('own', alg)
    const prover = proverOf({ key }, clock)
    const request = { method: 'POST', address: 'https://as.example/token', skew: 30, ports: testPorts().ports }
    const verified = await verifyProof([await prover.proof(call)], request)
    expect(verified.key).toBe(await prover.thumbprint())
    expect(verified.key).toBe(await calculateJwkThumbprint(publicPartOf(key)))
  })

  it('[DP-01] names the address without query and fragment, whole seconds, and a new id each time', async () => {
    const prover = proverOf(true, clock)
    const first = await prover.proof(call)
    expect(claimsOf(first)).toEqual({
      jti: expect.any(String),
      htm: 'POST',
      htu: 'https://as.example/token',
      iat: 1_800_000_000,
    })
    expect(headerOf(first)).toMatchObject({ typ: 'dpop+jwt', alg: 'ES256', jwk: { kty: 'EC' } })
    expect(headerOf(first).jwk).not.toHaveProperty('d')
    expect(claimsOf(await prover.proof(call)).jti).not.toBe(claimsOf(first).jti)
  })

  it('[DP-12] holds the newest nonce of its server, and of no other', async () => {
    const prover = proverOf(true, clock)
    const nonceAt = async (url: string) => claimsOf(await prover.proof({ ...call, url })).nonce
    for (const nonce of ['one', 'two']) prover.learn(call.url, new Headers({ 'dpop-nonce': nonce }))
    prover.learn(call.url, new Headers())
    expect([await nonceAt(call.url), await nonceAt('https://api.example/')]).toEqual(['two', undefined])
    for (let at = 0; at < 100; at++) prover.learn(`https://a${at}.example`, new Headers({ 'dpop-nonce': 'n' }))
    expect([await nonceAt(call.url), await nonceAt('https://a99.example')]).toEqual([undefined, 'n'])
  })

  it('is made by a private key that servers take, and by no other', async () => {
    const [open, wide] = [await publicJwk('own'), await privateJwk('own', 'ES384')]
    expect(() => proverOf({ key: open }, clock)).toThrow('dpop: the key is not a private key')
    expect(() => proverOf({ key: wide }, clock)).toThrow('dpop: a key for ES384 is none for proofs')
    expect(() => proverOf({ key: { kty: 'oct', k: 'AAAA' } }, clock)).toThrow('dpop: no algorithm is known')
  })
})
