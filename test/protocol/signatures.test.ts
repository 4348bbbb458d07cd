/** The arithmetic of signatures, in threads and without, and by jose in its place. */

import { createSecretKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { verifiedByJose } from '../../src/protocol/jose-signatures.ts'
import { readJwt, signJwt, verifySignature } from '../../src/protocol/jwt.ts'
import { type SignatureAlgorithm, signatureAlgorithms } from '../../src/protocol/keys.ts'
import { nodeSignatures, usualSignatures } from '../../src/protocol/signatures.ts'
import { publicJwk, rsaJwk, signerOf, sourceOf } from '../fixture/keys.ts'
import { signed } from '../fixture/tokens.ts'

const sync = nodeSignatures({ threads: false })
const threads = nodeSignatures({ threads: true })
const ways = Object.entries({ sync, threads, jose: verifiedByJose(sync), usual: usualSignatures })

const publicKeyOf = async (alg: SignatureAlgorithm) => {
  const keys = await sourceOf(await publicJwk('k', alg))
  return await keys.find({ alg, kid: 'k' })
}

describe.each(ways)('signatures (%s)', (_, signatures) => {
  it.each(signatureAlgorithms)('of %s that are made here are good here and nowhere changed', async (alg) => {
    const trust = { keys: await sourceOf(await publicJwk('k', alg)), algorithms: [alg] }
    const token = await signJwt({ a: 1 }, 'at+jwt', await signerOf('k', alg), signatures)
    const jwt = readJwt(token)
    await verifySignature(jwt, trust, signatures)
    await verifySignature(jwt, trust, verifiedByJose(sync))
    const other = readJwt(signed({ typ: 'at+jwt' }, { a: 2 }, await signerOf('k', alg)))
    await verifySignature(other, trust, signatures)
    const crossed = `${token.slice(0, token.lastIndexOf('.'))}${other.token.slice(other.token.lastIndexOf('.'))}`
    await expect(async () => await verifySignature(readJwt(crossed), trust, signatures)).rejects.toMatchObject({
      reason: 'signature_invalid',
    })
  })

  it.each(signatureAlgorithms)('of %s are of no use with a key of another kind, whoever found it', async (alg) => {
    const jwt = readJwt(await signJwt({}, 'at+jwt', await signerOf('k', alg), signatures))
    const others = signatureAlgorithms.filter((other) => !(alg.slice(1) === 'S256' && other.slice(1) === 'S256'))
    const small = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey
    const keys: KeyObject[] = [small, createSecretKey(Buffer.alloc(32)), (await signerOf('k', alg)).key]
    for (const other of others) if (other !== alg) keys.push(await publicKeyOf(other))
    for (const key of keys) {
      const trust = { keys: { find: async () => key }, algorithms: [alg] }
      await expect(async () => await verifySignature(jwt, trust, signatures)).rejects.toMatchObject({
        reason: 'signature_invalid',
      })
    }
  })
})

describe('an RSA signature', () => {
  it('of a small key is not good, though its arithmetic is', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 })
    const token = await signJwt({}, 'at+jwt', { kid: 'k', alg: 'RS256', key: privateKey }, sync)
    const trust = { keys: { find: async () => publicKey }, algorithms: ['RS256'] as const }
    for (const [, signatures] of ways)
      await expect(async () => await verifySignature(readJwt(token), trust, signatures)).rejects.toMatchObject({
        reason: 'signature_invalid',
      })
    const { n = '', e = '' } = rsaJwk(2048, 'k')
    const keys = await sourceOf({ kty: 'RSA', n, e, kid: 'k' })
    await expect(async () => await verifySignature(readJwt(token), { ...trust, keys }, sync)).rejects.toMatchObject({
      reason: 'signature_invalid',
    })
  })
})

describe('a failure of the arithmetic', () => {
  it('is no token', async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 512 })
    for (const [, signatures] of ways)
      await expect(
        async () => await signJwt({}, 'at+jwt', { kid: 'k', alg: 'PS256', key: privateKey }, signatures),
      ).rejects.toThrow()
  })

  it('is no signature', async () => {
    const jwt = readJwt(await signJwt({}, 'at+jwt', await signerOf('k')))
    const trust = { keys: await sourceOf(await publicJwk('k')), algorithms: ['ES256'] as const }
    await verifySignature(jwt, trust)
    const fail = () => {
      throw new Error('no memory')
    }
    for (const verify of [fail, async () => fail()])
      await expect(async () => await verifySignature(jwt, trust, { verify })).rejects.toMatchObject({
        reason: 'signature_invalid',
      })
  })
})
