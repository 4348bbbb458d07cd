import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { authenticateClient, type Client } from '../../src/protocol/client-auth.ts'
import { parseForm } from '../../src/protocol/form.ts'
import { isSecretOf, secretDigestOf } from '../../src/protocol/secrets.ts'
import { judgeSecret } from '../../src/server/references.ts'
import { newSecret } from '../../src/testing/keys.ts'

const secret = 'robot-secret-0123456789-0123456789-01234'

describe('a secret that is kept', () => {
  it('is known again, and no other is', () => {
    const kept = secretDigestOf(secret)
    expect(isSecretOf(kept, secret)).toBe(true)
    for (const other of ['', secret.slice(1), `${secret} `, secret.toUpperCase(), 'x'.repeat(100_000)])
      expect(isSecretOf(kept, other)).toBe(false)
  })

  it('is kept under a key of its own: the same one twice does not look the same', () => {
    const [one, other] = [secretDigestOf(secret), secretDigestOf(secret)]
    expect(one).toHaveLength(64)
    expect(one.subarray(0, 32)).not.toEqual(other.subarray(0, 32))
    expect(one.subarray(32)).not.toEqual(other.subarray(32))
    expect(Buffer.from(one).includes(secret)).toBe(false)
  })

  it('cut short, as a plain hash, or as nothing fits no secret, and nothing throws', () => {
    const plain = crypto.createHash('sha256').update(secret).digest()
    for (const kept of [secretDigestOf(secret).subarray(0, 63), plain, new Uint8Array()])
      expect(isSecretOf(kept, secret)).toBe(false)
  })
})

it('a secret that is generated has 256 random bits and more', () => {
  const [one, other] = [newSecret(), newSecret()]
  expect(one.split('-', 1)).not.toEqual(other.split('-', 1))
  expect(one).toMatch(/^[\w-]{65}$/)
  expect(Buffer.from(one.slice(0, 32), 'base64url').length + Buffer.from(one.slice(33), 'base64url').length).toBe(48)
  expect(judgeSecret(one, { development: false, clientSecret: true })).toBeUndefined()
})

describe('the cost of a secret', () => {
  const { hash, createHmac, timingSafeEqual, scrypt, pbkdf2, scryptSync, pbkdf2Sync } = crypto
  const calls: string[] = []
  // Node's own functions are counted, and do what they always do.
  const counted = { hash, createHmac, timingSafeEqual, scrypt, pbkdf2, scryptSync, pbkdf2Sync }
  beforeAll(() => {
    for (const [name, original] of Object.entries(counted))
      Object.assign(crypto, {
        [name]: (...given: unknown[]) => {
          calls.push(name)
          return Reflect.apply(original, crypto, given)
        },
      })
    syncBuiltinESMExports()
  })
  afterAll(() => {
    Object.assign(crypto, counted)
    syncBuiltinESMExports()
  })

  const client: Client = {
    id: 'robot',
    enabled: true,
    authMethods: ['client_secret_basic'],
    secretDigest: secretDigestOf(secret),
  }
  const attempt = async (id: string, shown: string) => {
    calls.length = 0
    const attempted = async () =>
      await authenticateClient(
        { authorization: [`Basic ${btoa(`${id}:${shown}`)}`], form: parseForm('') },
        {
          issuer: 'https://auth.chat.example',
          findClient: async (known) => (known === client.id ? client : undefined),
          skew: 30,
          ports: { now: () => 1_800_000_000, once: async () => true, fence: () => 0 },
        },
      )
    const granted = await attempted().then(
      () => true,
      () => false,
    )
    return { granted, calls: [...calls] }
  }

  it('[ATK-075] is one keyed hash and one comparison, for the right one, a wrong one, and a client that is unknown', async () => {
    const cost = ['hash', 'timingSafeEqual']
    expect(await attempt('robot', secret)).toEqual({ granted: true, calls: cost })
    expect(await attempt('robot', `${secret.slice(1)}x`)).toEqual({ granted: false, calls: cost })
    expect(await attempt('robot', 'x')).toEqual({ granted: false, calls: cost })
    expect(await attempt('nobody', secret)).toEqual({ granted: false, calls: cost })
  })
})
