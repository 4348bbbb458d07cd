/** One DPoP proof: what it must be, what makes it wrong, and that it is good for one request. */

import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { type ProvenRequest, proofLifetime, verifyProof } from '../../src/protocol/dpop.ts'
import { proofNonces } from '../../src/protocol/dpop-nonces.ts'
import { privateJwk, rsaJwk } from '../fixture/keys.ts'
import { testPorts } from '../fixture/ports.ts'
import { proofFor, proofKeyNamed } from '../fixture/proofs.ts'
import { base64url, signed, withSignature } from '../fixture/tokens.ts'

const address = 'https://as.example/token'
const key = await proofKeyNamed('proof')
const privateProofJwk = await privateJwk('proof')
const now = 1_800_000_000

/** Verifies one proof, and spends it when it is right. */
async function verify(proof: string | string[], change: Partial<ProvenRequest> = {}, world = testPorts()) {
  const request = { method: 'POST', address, skew: 30, ports: world.ports, ...change }
  const verified = await verifyProof([proof].flat(), request)
  await verified.spend()
  return verified.key
}

const made = (claims: Record<string, unknown> = {}, header: Record<string, unknown> = {}) =>
  proofFor(key, { address, now }, { claims, header })

const refused = async (proof: string | string[], reason: string, change: Partial<ProvenRequest> = {}) => {
  const world = testPorts()
  const code = 'invalid_dpop_proof'
  await expect(verify(proof, change, world)).rejects.toMatchObject({ code, status: 400, reason })
  expect(world.spent).toEqual([])
  expect(await verify(made())).toBe(key.thumbprint)
}

describe('a proof', () => {
  it.each(['ES256', 'EdDSA', 'RS256', 'PS256'] as const)('signed with %s shows its key', async (alg) => {
    const other = await proofKeyNamed(`proof-${alg}`, alg)
    expect(await verify(proofFor(other, { address, now }))).toBe(other.thumbprint)
  })

  it('whose header names a kid is judged by its jwk alone', async () => {
    expect(await verify(made({}, { kid: 'somebody' }))).toBe(key.thumbprint)
    expect(await verify(made({}, { jwk: { ...key.jwk, kid: 'mine', use: 'sig', ext: true } }))).toBe(key.thumbprint)
  })

  it.each<[string, Record<string, unknown>]>([
    ['[ATK-080] whose htu has a query and a fragment', { htu: `${address}?a=b#c` }],
    ['whose htu is spelt otherwise', { htu: 'HTTPS://AS.example:443/x/../%74oken' }],
    ['[ATK-080] that is 10 s old', { iat: now - 10 }],
    ['[ATK-080] from 10 s ahead', { iat: now + 10 }],
    ['as old as the skew lets it be', { iat: now - proofLifetime - 30 }],
    ['with an ath that nobody asked for', { ath: 'x' }],
    ['with a nonce that nobody asked for', { nonce: 'x' }],
  ])('%s is right', async (_, claims) => {
    expect(await verify(made(claims))).toBe(key.thumbprint)
  })

  it('for an address with escapes is compared as RFC 3986 says', async () => {
    const htu = 'https://as.example/%7Ea/%2fb'
    expect(await verify(made({ htu }), { address: 'https://as.example/~a/%2Fb' })).toBe(key.thumbprint)
    await refused(made({ htu }), 'pop_mismatch', { address: 'https://as.example/~a//b' })
  })

  it.each<[string, Record<string, unknown>, Record<string, unknown>, string]>([
    ['[ATK-079] of another typ', {}, { typ: 'jwt' }, 'pop_malformed'],
    ['[ATK-079] of no typ', {}, { typ: undefined }, 'pop_malformed'],
    ['[ATK-079] with alg none', {}, { alg: 'none' }, 'pop_malformed'],
    ['[ATK-079] with HS256', {}, { alg: 'HS256' }, 'pop_malformed'],
    ['with the alg of another kind of key', {}, { alg: 'RS256' }, 'pop_malformed'],
    ['[ATK-079] without jwk', {}, { jwk: undefined }, 'pop_malformed'],
    ['[ATK-079] whose jwk is private', {}, { jwk: privateProofJwk }, 'pop_malformed'],
    ['[ATK-079] whose jwk is symmetric', {}, { jwk: { kty: 'oct', k: 'AAAA' } }, 'pop_malformed'],
    ['whose jwk is text', {}, { jwk: 'x' }, 'pop_malformed'],
    ['whose jwk is for encryption', {}, { jwk: { ...key.jwk, use: 'enc' } }, 'pop_malformed'],
    ['whose jwk is on another curve', {}, { jwk: { ...key.jwk, crv: 'P-521' } }, 'pop_malformed'],
    [
      '[ATK-128] whose jwk only says how long it is',
      {},
      { jwk: { kty: 'RSA', e: 'AQAB', n: { length: 2 ** 32 } } },
      'pop_malformed',
    ],
    ['whose jwk is no point', {}, { jwk: { ...key.jwk, y: key.jwk.x } }, 'pop_key_refused'],
    ['[ATK-079] without jti', { jti: undefined }, {}, 'pop_malformed'],
    ['with an empty jti', { jti: '' }, {}, 'pop_malformed'],
    ['with a jti of 257 characters', { jti: 'j'.repeat(257) }, {}, 'pop_malformed'],
    ['[ATK-079] without htm', { htm: undefined }, {}, 'pop_malformed'],
    ['[ATK-079] without htu', { htu: undefined }, {}, 'pop_malformed'],
    ['[ATK-079] without iat', { iat: undefined }, {}, 'pop_malformed'],
    ['with iat as text', { iat: String(now) }, {}, 'pop_malformed'],
    ['with crit', {}, { crit: ['x'] }, 'pop_malformed'],
    ['[ATK-080] for GET', { htm: 'GET' }, {}, 'pop_mismatch'],
    ['for the method in other case', { htm: 'post' }, {}, 'pop_mismatch'],
    ['[ATK-080] for another path', { htu: 'https://as.example/other' }, {}, 'pop_mismatch'],
    ['for another host', { htu: 'https://evil.example/token' }, {}, 'pop_mismatch'],
    ['for an address with a user', { htu: 'https://a@as.example/token' }, {}, 'pop_mismatch'],
    ['for no address', { htu: '/token' }, {}, 'pop_mismatch'],
    ['[ATK-080] that is an hour old', { iat: now - 3600 }, {}, 'pop_mismatch'],
    ['[ATK-080] from an hour ahead', { iat: now + 3600 }, {}, 'pop_mismatch'],
  ])('%s is refused, and spends nothing', async (_, claims, header, reason) => {
    await refused(made(claims, header), reason)
  })

  it('[ATK-079] with a signature of another key is refused', async () => {
    const other = await proofKeyNamed('other')
    await refused(proofFor({ ...other, jwk: key.jwk }, { address, now }), 'pop_malformed')
    await refused(withSignature('')(made()), 'pop_malformed')
  })

  it.each(['', 'x', 'a.b.c', 'e30.e30.e30'])('that is %j is refused', async (text) => {
    await refused(text, 'pop_malformed')
  })

  it('[ATK-078] beside another is refused, also when a proxy has joined them', async () => {
    await refused([made(), made()], 'pop_malformed')
    await refused(`${made()}, ${made()}`, 'pop_malformed')
  })

  it.each<[string, () => { n?: string; e?: string }]>([
    ['1024 bits', () => rsaJwk(1024, 'weak')],
    ['16 384 bits', () => ({ n: base64url(Buffer.concat([Buffer.of(0xff), randomBytes(2047)])), e: 'AQAB' })],
    ['3072 bits and a huge exponent', () => ({ ...rsaJwk(3072, 'slow'), e: base64url(randomBytes(384)) })],
  ])('[ATK-082] with an RSA key of %s is refused before anything is verified', async (_, weak) => {
    const { n, e } = weak()
    const header = { alg: 'RS256', typ: 'dpop+jwt', kid: undefined, jwk: { kty: 'RSA', n, e } }
    const claims = { jti: 'j', htm: 'POST', htu: address, iat: now }
    await refused(withSignature(base64url(randomBytes(384)))(signed(header, claims, key.signer)), 'pop_key_refused')
  })

  it('must hold the hash of the access token that it came with', async () => {
    const accessToken = 'token-1'
    const withHash = () => proofFor(key, { address, now, accessToken })
    expect(await verify(withHash(), { accessToken })).toBe(key.thumbprint)
    await refused(withHash(), 'pop_mismatch', { accessToken: 'token-2' })
    await refused(made(), 'pop_mismatch', { accessToken })
  })

  it('of an address that is none fits no htu', async () => {
    await refused(made({ htu: '*' }), 'pop_mismatch', { address: '*' })
  })
})

describe('spending a proof', () => {
  it('[ATK-081] works once, for as long as any instance could take it', async () => {
    const world = testPorts()
    const proof = made()
    await verify(proof, {}, world)
    expect(world.spent).toMatchObject([{ until: now + proofLifetime + 60 }])
    await expect(verify(proof, {}, world)).rejects.toMatchObject({ code: 'invalid_dpop_proof', reason: 'pop_replay' })
    await verify(made(), {}, world)
  })

  it('tells the same jti of two keys apart', async () => {
    const world = testPorts()
    await verify(made({ jti: 'j' }), {}, world)
    await verify(proofFor(await proofKeyNamed('other'), { address, now }, { claims: { jti: 'j' } }), {}, world)
    await expect(verify(made({ jti: 'j' }), {}, world)).rejects.toMatchObject({ reason: 'pop_replay' })
  })

  it('is refused when the proof has become too old meanwhile', async () => {
    const world = testPorts()
    const proof = await verifyProof([made()], { method: 'POST', address, skew: 30, ports: world.ports })
    world.clock.now += proofLifetime + 31
    await expect(proof.spend()).rejects.toMatchObject({ code: 'invalid_dpop_proof', reason: 'pop_mismatch' })
    expect(world.spent).toEqual([])
  })

  it('is refused when memory was lost since the proof was made', async () => {
    const world = testPorts()
    world.clock.fence = now + 1
    await expect(verify(made(), {}, world)).rejects.toMatchObject({ reason: 'replay_fence' })
    expect(await verify(made({ iat: now + 1 }), {}, world)).toBe(key.thumbprint)
  })

  it('lets a failure of the store through as it is', async () => {
    const world = testPorts()
    world.broken.store = new Error('down')
    await expect(verify(made(), {}, world)).rejects.toBe(world.broken.store)
  })
})

describe('nonces', () => {
  const secret = randomBytes(32).toString('hex')
  const nonces = proofNonces(secret)

  it('are asked for with the one to use, and then taken', async () => {
    const world = testPorts()
    for (const nonce of [undefined, '', 'x', 7]) {
      const error = await verify(made({ nonce }), { nonces }, world).catch((cause: unknown) => cause)
      const headers = { 'dpop-nonce': nonces.current(now) }
      expect(error).toMatchObject({ code: 'use_dpop_nonce', status: 400, reason: 'pop_nonce', headers })
    }
    expect(world.spent).toEqual([])
    expect(await verify(made({ nonce: nonces.current(now) }), { nonces }, world)).toBe(key.thumbprint)
  })

  it('are the same at every instance with the secret, for 5 to 10 minutes', () => {
    const nonce = proofNonces(secret).current(now)
    expect(nonce).toMatch(/^[\w-]{43}$/)
    expect(nonces.accepts(nonce, now + 300)).toBe(true)
    expect(nonces.accepts(nonce, now - 300)).toBe(true)
    expect(nonces.accepts(nonce, now + 600)).toBe(false)
    expect(nonces.accepts(nonce, now - 600)).toBe(false)
    expect(proofNonces(randomBytes(32).toString('hex')).accepts(nonce, now)).toBe(false)
  })

  it('need a secret that cannot be guessed', () => {
    expect(() => proofNonces('x'.repeat(31))).toThrow(TypeError)
  })
})
