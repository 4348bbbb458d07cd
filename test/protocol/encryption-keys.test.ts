/** Which keys ID-JAGs are encrypted to and opened with: each with its own algorithm, strong, and for nothing else. */

import { exportJWK, generateKeyPair, type JWK } from 'jose'
import { describe, expect, it } from 'vitest'
import {
  contentEncryptions,
  decryptionKeysOf,
  keyManagementAlgorithms,
  recipientKeyOf,
} from '../../src/protocol/encryption-keys.ts'
import { KeySetError, publicPartOf } from '../../src/protocol/keys.ts'
import { privateJwk, rsaJwk } from '../fixture/keys.ts'
import { encryptionJwk } from '../fixture/nested.ts'

const published = async (...jwks: JWK[]) => ({
  keys: (await decryptionKeysOf({ keys: jwks })).map((key) => key.published),
})

describe('our own keys', () => {
  it.each(keyManagementAlgorithms)(
    '[FL-JWE-02] for %s are published with kid, use and alg, and without the private part',
    async (alg) => {
      const jwk = await encryptionJwk('e1', alg)
      const [key] = await decryptionKeysOf({ keys: [jwk] })
      expect(key).toMatchObject({ kid: 'e1', alg })
      expect(key?.published).toEqual({ ...publicPartOf(jwk), kid: 'e1', use: 'enc', alg })
      expect(key?.published).not.toHaveProperty('d')
    },
  )

  it('are named by their thumbprint where they have no name', async () => {
    const { kid: _, ...jwk } = await encryptionJwk('e1')
    expect((await decryptionKeysOf({ keys: [jwk] }))[0]?.kid).toMatch(/^[\w-]{43}$/)
  })

  it.each<[string, () => Promise<JWK[]>, RegExp]>([
    ['no key', async () => [], /holds no key/],
    [
      'a key for signatures',
      async () => [await privateJwk('s1')],
      /has no alg of ECDH-ES\+A256KW, ECDH-ES, RSA-OAEP-256/,
    ],
    ['a key of use sig', async () => [{ ...(await encryptionJwk('e1')), use: 'sig' }], /not for encryption/],
    ['a public key', async () => (await published(await encryptionJwk('e1'))).keys, /no private part/],
    [
      'a key of another kind',
      async () => [{ ...(await encryptionJwk('e1')), alg: 'RSA-OAEP-256' }],
      /no usable RSA-OAEP-256/,
    ],
    ['a weak key', async () => [{ ...rsaJwk(1024, 'w'), alg: 'RSA-OAEP-256' }], /no usable/],
    ['a key on another curve', async () => [{ ...(await encryptionJwk('e1')), crv: 'P-521' }], /no usable/],
    ['a broken key', async () => [{ ...(await encryptionJwk('e1')), x: 'AAAA' }], /no usable/],
    [
      'two keys of one name',
      async () => [await encryptionJwk('e1'), await encryptionJwk('e1', 'RSA-OAEP-256')],
      /one kid/,
    ],
    [
      'an old algorithm',
      async () => [{ ...(await encryptionJwk('e1', 'RSA-OAEP-256')), alg: 'RSA1_5' }],
      /has no alg of/,
    ],
  ])('cannot be %s', async (_, keys, message) => {
    const found = decryptionKeysOf({ keys: await keys() })
    await expect(found).rejects.toThrow(message)
    await expect(found).rejects.toBeInstanceOf(KeySetError)
  })
})

describe('the key of a recipient', () => {
  it('[FL-JWE-02] is the first one of use enc that goes with what it says it can do', async () => {
    const [ec, rsa] = [await encryptionJwk('e1'), await encryptionJwk('e2', 'RSA-OAEP-256')]
    const jwks = await published(ec, rsa)
    expect(await recipientKeyOf(jwks)).toMatchObject({ kid: 'e1', alg: 'ECDH-ES+A256KW', enc: 'A256GCM' })
    const abilities = { algorithms: ['RSA-OAEP-256', 'dir'], encryptions: ['A128CBC-HS256', 'A128GCM'] }
    expect(await recipientKeyOf(jwks, abilities)).toMatchObject({ kid: 'e2', alg: 'RSA-OAEP-256', enc: 'A128GCM' })
  })

  it('may leave out its algorithm', async () => {
    const { alg: _, ...ec } = (await published(await encryptionJwk('e1'))).keys[0] ?? {}
    const { alg: __, ...rsa } = (await published(await encryptionJwk('e2', 'RSA-OAEP-256'))).keys[0] ?? {}
    expect(await recipientKeyOf({ keys: [{ ...ec, kty: 'EC' }] })).toMatchObject({ alg: 'ECDH-ES+A256KW' })
    expect(await recipientKeyOf({ keys: [{ ...ec, kty: 'EC' }] }, { algorithms: ['ECDH-ES'] })).toMatchObject({
      alg: 'ECDH-ES',
    })
    expect(await recipientKeyOf({ keys: [{ ...rsa, kty: 'RSA' }] })).toMatchObject({ alg: 'RSA-OAEP-256' })
  })

  it.each<[string, (jwk: JWK) => unknown, Parameters<typeof recipientKeyOf>[1]]>([
    ['has no name', ({ kid: _, ...jwk }) => jwk, {}],
    ['has an empty name', (jwk) => ({ ...jwk, kid: '' }), {}],
    ['has an endless name', (jwk) => ({ ...jwk, kid: 'k'.repeat(257) }), {}],
    ['has no use', ({ use: _, ...jwk }) => jwk, {}],
    ['is for signatures', (jwk) => ({ ...jwk, use: 'sig' }), {}],
    ['has an algorithm that we do not know', (jwk) => ({ ...jwk, alg: 'ECDH-ES+A128KW' }), {}],
    ['is of no known type', (jwk) => ({ ...jwk, kty: 'OKP' }), {}],
    ['is broken', (jwk) => ({ ...jwk, y: 'AAAA' }), {}],
    ['says of a coordinate only how long it is', (jwk) => ({ ...jwk, x: { length: 2 ** 32 } }), {}],
    ['is no object', () => null, {}],
    ['goes with no announced algorithm', (jwk) => jwk, { algorithms: ['RSA-OAEP-256'] }],
    ['goes with no announced encryption', (jwk) => jwk, { encryptions: ['A256CBC-HS512'] }],
  ])('is none that %s', async (_, change, abilities) => {
    const [jwk = {}] = (await published(await encryptionJwk('e1'))).keys
    expect(await recipientKeyOf({ keys: [change(jwk as JWK)] }, abilities)).toBeUndefined()
    expect(await recipientKeyOf({ keys: [change(jwk as JWK), { ...jwk, kid: 'good' }] })).toMatchObject({
      kid: expect.any(String),
    })
  })

  it.each<[string, () => Promise<unknown>, RegExp]>([
    ['no set', async () => null, /is not a JWK Set/],
    ['more than 100 keys', async () => ({ keys: Array.from({ length: 101 }, () => ({})) }), /more than 100/],
    ['a private key', async () => ({ keys: [await encryptionJwk('e1')] }), /private or symmetric/],
    ['a symmetric key', async () => ({ keys: [{ kty: 'oct' }] }), /private or symmetric/],
  ])('is not looked for in what holds %s', async (_, jwks, message) => {
    await expect(recipientKeyOf(await jwks())).rejects.toThrow(message)
  })
})

it('takes no algorithm that jose would run for a password, for no key agreement, or with an old padding', async () => {
  for (const alg of keyManagementAlgorithms) expect(alg).not.toMatch(/PBES2|dir|RSA1_5|^A\d+/)
  expect(contentEncryptions).toEqual(['A256GCM', 'A128GCM', 'A128CBC-HS256'])
  const { privateKey } = await generateKeyPair('RSA-OAEP-256', { extractable: true, modulusLength: 2048 })
  expect(await decryptionKeysOf({ keys: [{ ...(await exportJWK(privateKey)), alg: 'RSA-OAEP-256' }] })).toHaveLength(1)
})
