/** Our own signing keys: what is published of them, who signs at which moment, and which sets are refused. */

import type { JWK } from 'jose'
import { describe, expect, it } from 'vitest'
import type { TimedJwk } from '../../src/protocol/key-schedule.ts'
import { ownKeysOf, signingKeysAt, signingKeysOf } from '../../src/protocol/own-keys.ts'
import { privateJwk, publicJwk, rsaJwk } from '../fixture/keys.ts'

const because = (reason: string) => expect.objectContaining({ name: 'JwtError', reason })
const refusedSet = (message: string) =>
  expect.objectContaining({ name: 'KeySetError', message: expect.stringContaining(message) })
const timed = async (kid: string, from?: number, until?: number): Promise<TimedJwk> => ({
  ...(await privateJwk(kid)),
  ...(from === undefined ? {} : { xaa_signs_from: from }),
  ...(until === undefined ? {} : { xaa_published_until: until }),
})

describe('our own keys', () => {
  it('[ATK-137] are published without what is private, and the first signs', async () => {
    const keys = await signingKeysOf({ keys: [await privateJwk('one'), await privateJwk('two', 'RS256')] })
    expect(keys.current()).toMatchObject({ kid: 'one', alg: 'ES256' })
    const [one, two] = keys.published().keys
    expect(Object.keys(one ?? {}).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'])
    expect(Object.keys(two ?? {}).sort()).toEqual(['alg', 'e', 'kid', 'kty', 'n', 'use'])
    expect(await keys.source.find({ alg: 'RS256', kid: 'two' })).toBeDefined()
  })

  it('without a kid are named by their thumbprint', async () => {
    const { kid: _, ...nameless } = await privateJwk('one')
    const keys = await signingKeysOf({ keys: [nameless] })
    expect(keys.current().kid).toMatch(/^[\w-]{43}$/)
    expect(keys.published().keys[0]?.kid).toBe(keys.current().kid)
  })

  it.each<[string, () => Promise<JWK[]>, string]>([
    ['none', async () => [], 'holds no key'],
    [
      'times that are text',
      async () => [{ ...(await privateJwk('one')), xaa_signs_from: '5' }],
      'times cannot be used: one',
    ],
    ['a time before 1970', async () => [await timed('one', -1)], 'times cannot be used: one'],
    [
      'a key that ends before it signs',
      async () => [await timed('one', 5, 5), await timed('two')],
      'times cannot be used',
    ],
    [
      'keys that all come to an end',
      async () => [await timed('one', 5, 6), await timed('two', 5, 9)],
      'without an end',
    ],
    ['a key without alg', async () => [{ ...(await privateJwk('one')), alg: undefined as never }], 'has no alg of'],
    ['a key for HS256', async () => [{ kty: 'oct', k: 'AAAA', alg: 'HS256' }], 'has no alg of'],
    ['a public key', async () => [await publicJwk('one')], 'has no private part'],
    [
      'two keys with one kid',
      async () => [await privateJwk('one'), { ...(await privateJwk('two')), kid: 'one' }],
      'two keys with one kid',
    ],
    ['a weak key', async () => [rsaJwk(1024, 'weak')], 'too weak'],
    ['a weak key in second place', async () => [await privateJwk('one'), rsaJwk(1024, 'weak')], 'too weak'],
    [
      'a key of another kind than its alg',
      async () => [{ ...(await privateJwk('one')), alg: 'RS256' }],
      'no valid RS256 key',
    ],
    ['a broken private part', async () => [{ ...(await privateJwk('one')), d: 'AA' }], 'no valid ES256 key'],
    [
      'a broken key in second place',
      async () => [await privateJwk('one'), { ...(await privateJwk('two')), d: 'AA' }],
      'no valid ES256 key',
    ],
    [
      'a key without its public part',
      async () => [{ kty: 'EC', crv: 'P-256', d: 'AA', alg: 'ES256' }],
      'no valid ES256 key',
    ],
  ])('%s is refused', async (_, jwks, message) => {
    await expect(signingKeysOf({ keys: await jwks() })).rejects.toEqual(refusedSet(message))
  })

  it('with times need a clock', async () => {
    for (const jwk of [await timed('one', 0), await timed('one', 5)])
      await expect(signingKeysOf({ keys: [jwk] })).rejects.toEqual(refusedSet('no clock was given'))
    const ending = { keys: [await timed('old', undefined, 5), await timed('new')] }
    await expect(signingKeysOf(ending)).rejects.toEqual(refusedSet('no clock was given'))
    expect((await signingKeysOf(ending, () => 6)).current().kid).toBe('new')
  })
})

describe('a rotation', () => {
  let now = 0
  const kids = (keys: { published(): { keys: JWK[] } }) => keys.published().keys.map(({ kid }) => kid)

  it('publishes the next key first, lets it sign at its time, and then the old one go, by the clock alone', async () => {
    const keys = await signingKeysOf({ keys: [await timed('old', undefined, 300), await timed('new', 200)] }, () => now)
    for (const [at, signer, published] of [
      [100, 'old', ['old', 'new']],
      [199.9, 'old', ['old', 'new']],
      [200, 'new', ['old', 'new']],
      [299.9, 'new', ['old', 'new']],
      [300, 'new', ['new']],
    ] as const) {
      now = at
      expect(keys.current().kid).toBe(signer)
      expect(kids(keys)).toEqual(published)
      for (const kid of published) await keys.source.find({ alg: 'ES256', kid })
    }
    await expect(keys.source.find({ alg: 'ES256', kid: 'old' })).rejects.toEqual(because('key_unknown'))
    expect(await keys.source.find({ alg: 'ES256', kid: undefined })).toBeDefined()
  })

  it('is ordered by time, and among equals by the file', async () => {
    const all = [await timed('b', 200), await timed('a', 100), await timed('c', 200), await timed('d')]
    const keys = await signingKeysOf({ keys: all }, () => now)
    for (const [at, signer] of [
      [50, 'd'],
      [100, 'a'],
      [200, 'b'],
    ] as const) {
      now = at
      expect(keys.current().kid).toBe(signer)
    }
  })

  it('leaves the next key to sign while a clock stands before the time of every key', async () => {
    const keys = await signingKeysOf(
      { keys: [await timed('b', 300), await timed('a', 200), await timed('c', 250)] },
      () => now,
    )
    now = 1
    expect(keys.current().kid).toBe('a')
  })

  it('shows none of its times to anybody', async () => {
    const keys = await signingKeysOf({ keys: [await timed('old', 1, 300), await timed('new', 200)] }, () => 100)
    expect(JSON.stringify(keys.published())).not.toContain('xaa')
  })
})

describe('a key that is refused', () => {
  it('neither signs nor is published nor found, and another signs at once; without another nothing is signed', async () => {
    const refused = new Set<string>()
    const read = await ownKeysOf({ keys: [await timed('one'), await timed('two')] })
    const keys = signingKeysAt({ keys: () => read, now: () => 0, isRefused: (kid) => refused.has(kid) })
    expect(keys.current().kid).toBe('one')
    refused.add('one')
    expect(keys.current().kid).toBe('two')
    expect(keys.published().keys.map(({ kid }) => kid)).toEqual(['two'])
    await expect(keys.source.find({ alg: 'ES256', kid: 'one' })).rejects.toEqual(because('key_unknown'))
    await keys.source.find({ alg: 'ES256', kid: 'two' })
    refused.add('two')
    expect(() => keys.current()).toThrow(
      expect.objectContaining({ code: 'temporarily_unavailable', reason: 'key_unusable' }),
    )
  })
})
