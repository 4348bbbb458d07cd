/** Key sets of others. */

import { randomBytes } from 'node:crypto'
import type { JWK } from 'jose'
import { describe, expect, it } from 'vitest'
import { isSignatureAlgorithm, keySetOf, publicPartOf, type SignatureAlgorithm } from '../../src/protocol/keys.ts'
import { publicJwk, rsaJwk } from '../fixture/keys.ts'

const because = (reason: string) => expect.objectContaining({ name: 'JwtError', reason })
const refusedSet = (message: string) =>
  expect.objectContaining({ name: 'KeySetError', message: expect.stringContaining(message) })
const find = async (keys: JWK[], kid: string | undefined, alg: SignatureAlgorithm = 'ES256') =>
  await (await keySetOf({ keys })).find({ alg, kid })

describe('a key set', () => {
  it.each<[string, unknown, string]>([
    ['no object', 'x', 'not an array'],
    ['null', null, 'not an array'],
    ['without keys', {}, 'not an array'],
    ['with keys that are no array', { keys: {} }, 'not an array'],
    ['with a key that is null', { keys: [null] }, 'no object'],
    ['with a key that is an array', { keys: [[]] }, 'no object'],
    ['with a key that is text', { keys: ['x'] }, 'no object'],
    ['[ATK-118] with a symmetric key', { keys: [{ kty: 'oct', k: 'AAAA' }] }, 'private or symmetric'],
    ['with a symmetric key without its value', { keys: [{ kty: 'oct' }] }, 'private or symmetric'],
    ['without keys in it', { keys: [] }, 'holds no key'],
    [
      'with keys of other kinds alone',
      { keys: [{ kty: 'OKP', crv: 'X25519', x: 'AA' }, { kty: 'AKP' }, { kty: 'EC', crv: 'P-521' }] },
      'holds no key',
    ],
    ['with a kid that is a number', { keys: [{ kty: 'EC', crv: 'P-256', kid: 1 }] }, 'no string'],
  ])('%s is refused', async (_, jwks, message) => {
    await expect(keySetOf(jwks)).rejects.toEqual(refusedSet(message))
  })

  it('[ATK-128] makes no bytes of a modulus that only says how long it is', async () => {
    const key = { ...publicPartOf(rsaJwk(2048, 'a')), kid: 'a' }
    const hostile = { ...key, n: { length: 2 ** 28 } } as unknown as JWK
    const before = process.memoryUsage().arrayBuffers
    await expect(find([hostile], 'a', 'RS256')).rejects.toEqual(because('key_unusable'))
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 27)
    await expect(find([key], 'a', 'RS256')).resolves.toMatchObject({ type: 'public' })
  })

  it.each(['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'])(
    '[ATK-118] with a private member %s is refused',
    async (member) => {
      await expect(keySetOf({ keys: [{ ...(await publicJwk('a')), [member]: 'AA' }] })).rejects.toEqual(
        refusedSet('private'),
      )
    },
  )

  it('[ATK-118] of 101 keys is refused, and of 100 is read', async () => {
    const key = await publicJwk('a')
    const keys = Array.from({ length: 100 }, (_, n) => ({ ...key, kid: `k${n}` }))
    expect(await find(keys, 'k99')).toBeDefined()
    await expect(find([...keys, key], 'k99')).rejects.toEqual(refusedSet('more than 100'))
  })

  it('[ATK-118] [T66] that names two keys with one kid is refused', async () => {
    const keys = [await publicJwk('a'), { ...(await publicJwk('b')), kid: 'a' }]
    await expect(keySetOf({ keys })).rejects.toEqual(refusedSet('two keys with one kid'))
  })

  it('may hold keys for other uses, which are not for signatures, even under the same kid', async () => {
    const enc = { ...(await publicJwk('a')), use: 'enc' }
    const wrap = { ...(await publicJwk('w')), use: undefined as never, key_ops: ['wrapKey'] }
    const keys = [await publicJwk('a'), enc, wrap]
    expect(await find(keys, 'a')).toBeDefined()
    await expect(find(keys, 'w')).rejects.toEqual(because('key_unknown'))
    await expect(find([enc], 'a')).rejects.toEqual(refusedSet('holds no key'))
  })

  it('may say for what a key is good, or leave it out', async () => {
    const { kty, crv, x, y } = await publicJwk('a')
    const bare = { kty, crv, x, y } as JWK
    expect(await find([{ ...bare, key_ops: ['verify'] }], undefined)).toBeDefined()
    expect(await find([{ ...bare, kid: 'a' }], 'a')).toBeDefined()
    expect(await find([{ ...bare, kid: 'a', alg: 'ES256' }], 'a')).toBeDefined()
    await expect(find([{ ...bare, kid: 'a', alg: 'ES384' }], 'a')).rejects.toEqual(refusedSet('holds no key'))
  })

  it('[ATK-015] [T66] finds a key without kid when one fits the algorithm, and not when two do', async () => {
    const keys = [await publicJwk('a'), await publicJwk('r', 'RS256')]
    expect(await find(keys, undefined)).toMatchObject({ asymmetricKeyType: 'ec' })
    expect(await find(keys, undefined, 'RS256')).toMatchObject({ asymmetricKeyType: 'rsa' })
    await expect(find(keys, undefined, 'ES384')).rejects.toEqual(because('key_unknown'))
    await expect(find([...keys, await publicJwk('b')], undefined)).rejects.toEqual(because('key_ambiguous'))
  })

  it('[ATK-011] uses a key with its own algorithm alone', async () => {
    const keys = [await publicJwk('a'), await publicJwk('r', 'RS256'), await publicJwk('l', 'ES384')]
    await expect(find(keys, 'a', 'RS256')).rejects.toEqual(because('alg_not_allowed'))
    await expect(find(keys, 'l', 'ES256')).rejects.toEqual(because('alg_not_allowed'))
    await expect(find(keys, 'r', 'PS256')).rejects.toEqual(because('alg_not_allowed'))
    const { alg: _, ...unnamed } = await publicJwk('r', 'RS256')
    expect(await find([unnamed], 'r', 'PS256')).toMatchObject({ asymmetricKeyType: 'rsa' })
  })

  it('[ATK-019] keeps weak and broken keys, so that only their own tokens fail', async () => {
    const rsa = await publicJwk('r', 'RS256')
    const { n: _n, ...modulusGone } = rsa
    const keys: JWK[] = [
      await publicJwk('good'),
      { ...publicPartOf(rsaJwk(1024, 'x')), kid: 'short', alg: 'RS256' },
      { ...rsa, kid: 'e1', e: 'AQ' },
      { ...rsa, kid: 'huge', n: base64urlOf(513) },
      { ...modulusGone, kid: 'gone' },
      { ...(await publicJwk('o')), kid: 'off', y: base64urlOf(32) },
      { kty: 'EC', crv: 'P-256', kid: 'empty' },
      { kty: 'OKP', crv: 'Ed25519', kid: 'ed', x: 'AA' },
    ]
    expect(await find(keys, 'good')).toBeDefined()
    for (const kid of ['short', 'e1', 'huge', 'gone'])
      await expect(find(keys, kid, 'RS256'), kid).rejects.toEqual(because('key_unusable'))
    for (const kid of ['off', 'empty']) await expect(find(keys, kid), kid).rejects.toEqual(because('key_unusable'))
    await expect(find(keys, 'ed', 'EdDSA')).rejects.toEqual(because('key_unusable'))
    const weakest = { ...publicPartOf(rsaJwk(1024, 'x')) }
    await expect(find([weakest], undefined, 'RS256')).rejects.toEqual(because('key_unusable'))
  })

  it('without the keys that were purged has neither their names nor their algorithm', async () => {
    const purged = new Set<string>()
    const keys = [await publicJwk('a'), await publicJwk('b')]
    const source = await keySetOf({ keys }, (kid) => purged.has(kid))
    await source.find({ alg: 'ES256', kid: 'a' })
    await expect(source.find({ alg: 'ES256', kid: undefined })).rejects.toEqual(because('key_ambiguous'))
    purged.add('a')
    await expect(source.find({ alg: 'ES256', kid: 'a' })).rejects.toEqual(because('key_unknown'))
    expect(await source.find({ alg: 'ES256', kid: undefined })).toBe(await source.find({ alg: 'ES256', kid: 'b' }))
    purged.add('b')
    await expect(source.find({ alg: 'ES256', kid: undefined })).rejects.toEqual(because('key_unknown'))
    const { kid: _, ...nameless } = keys[0] ?? {}
    const without = await keySetOf({ keys: [nameless] }, () => true)
    expect(await without.find({ alg: 'ES256', kid: undefined })).toBeDefined()
  })

  it('has a key at hand that it would find, and none that was purged or is for another algorithm', async () => {
    let purged = false
    const source = await keySetOf({ keys: [await publicJwk('k1')] }, () => purged)
    expect(source.atHand?.({ alg: 'ES256', kid: 'k1' })).toBe(await source.find({ alg: 'ES256', kid: 'k1' }))
    expect(source.atHand?.({ alg: 'RS256', kid: 'k1' })).toBeUndefined()
    expect(source.atHand?.({ alg: 'ES256', kid: undefined })).toBeUndefined()
    purged = true
    expect(source.atHand?.({ alg: 'ES256', kid: 'k1' })).toBeUndefined()
  })

  it('knows Ed25519 under both names', async () => {
    const key = await publicJwk('ed', 'EdDSA')
    expect(await find([{ ...key, alg: 'Ed25519' }], 'ed', 'EdDSA')).toBeDefined()
    expect(isSignatureAlgorithm('none') || isSignatureAlgorithm('HS256') || isSignatureAlgorithm('toString')).toBe(
      false,
    )
  })
})

const base64urlOf = (bytes: number) => randomBytes(bytes).fill(0xff, 0, 1).toString('base64url')
