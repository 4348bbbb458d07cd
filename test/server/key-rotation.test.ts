/** The life of signing keys as times: what a rotation, a retirement and a purge leave in the file. */

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isPublishedAt, signerAt } from '../../src/protocol/key-schedule.ts'
import {
  newPrivateKey,
  privateJwksOf,
  purged,
  retired,
  rotated,
  type TimedKey,
  timedKeysOf,
} from '../../src/server/key-rotation.ts'

const key = (kid: string, times: Omit<TimedKey, 'kid' | 'jwk'> = {}): TimedKey => ({
  kid,
  jwk: { kty: 'EC', kid },
  ...times,
})
const make = async () => key('made')
const times = { now: 1000, lead: 600, keep: 3700 }
const refused = (fact: string) =>
  expect.objectContaining({ name: 'RotationError', message: expect.stringContaining(fact) })

describe('a rotation', () => {
  it('gives the new key a time to sign, and the one that signs an end', () => {
    expect(rotated([key('a'), key('spare')], key('b'), times)).toEqual([
      key('a', { publishedUntil: 5300 }),
      key('spare'),
      key('b', { signsFrom: 1600 }),
    ])
  })

  it('is refused while another has not taken effect, with the moment from which it can begin', () => {
    const keys = rotated([key('a')], key('b'), times)
    expect(() => rotated(keys, key('c'), { ...times, now: 1599 })).toThrow(refused('1970-01-01T00:26:40Z'))
    expect(rotated(keys, key('c'), { ...times, now: 1600 })).toEqual([
      key('a', { publishedUntil: 5300 }),
      key('b', { signsFrom: 1600, publishedUntil: 5900 }),
      key('c', { signsFrom: 2200 }),
    ])
  })

  it('takes the keys away whose time is over', () => {
    const keys = rotated([key('a')], key('b'), times)
    expect(rotated(keys, key('c'), { ...times, now: 5300 }).map(({ kid }) => kid)).toEqual(['b', 'c'])
  })
})

describe('a retirement', () => {
  it('removes what is over, and says otherwise when that will be', () => {
    const keys = rotated([key('a')], key('b'), times)
    expect(() => retired(keys, 5299)).toThrow(refused('a stays published until 1970-01-01T01:28:20Z'))
    expect(retired(keys, 5300)).toEqual([key('b', { signsFrom: 1600 })])
    expect(() => retired([key('a')], 5300)).toThrow(refused('holds no key that comes to an end'))
    const two = rotated(keys, key('c'), { ...times, now: 1700 })
    expect(() => retired(two, 1800)).toThrow(refused('a stays published until'))
  })
})

describe('a purge', () => {
  const keys = [
    key('old', { publishedUntil: 3000 }),
    key('signer', { signsFrom: 500, publishedUntil: 5300 }),
    key('next', { signsFrom: 1600 }),
  ]
  const without = async (kid: string, from: TimedKey[] = keys) => await purged(from, kid, 1000, make)

  it('of the signer lets the key before it sign, in its place and until its end', async () => {
    expect(await without('signer')).toEqual({
      keys: [key('old', { publishedUntil: 5300 }), keys[2]],
      signer: key('old', { publishedUntil: 5300 }),
      unknownYet: false,
    })
    expect(await without('signer', [key('old', { publishedUntil: 3000 }), key('signer', { signsFrom: 500 })])).toEqual({
      keys: [key('old')],
      signer: key('old'),
      unknownYet: false,
    })
  })

  it('of a signer with no key before it lets the next sign now', async () => {
    const next = key('next', { signsFrom: 1000 })
    expect(await without('signer', keys.slice(1))).toEqual({ keys: [next], signer: next, unknownYet: true })
    const over = key('over', { publishedUntil: 900 })
    expect(await without('signer', [over, ...keys.slice(1)])).toMatchObject({ signer: next, unknownYet: true })
  })

  it('of the only key leaves a new one', async () => {
    expect(await without('a', [key('a'), key('over', { publishedUntil: 900 })])).toEqual({
      keys: [key('made')],
      signer: key('made'),
      unknownYet: true,
    })
  })

  it('of the next key leaves the signer without an end: the rotation is taken back', async () => {
    const signer = key('signer', { signsFrom: 500 })
    expect(await without('next')).toEqual({ keys: [keys[0], signer], signer, unknownYet: false })
  })

  it('of a key that signed before changes nothing else', async () => {
    expect(await without('old')).toEqual({ keys: keys.slice(1), signer: keys[1], unknownYet: false })
  })

  it('of a key that is not there is refused', async () => {
    await expect(without('b')).rejects.toEqual(refused('holds no key b'))
  })
})

describe('the keys of a file', () => {
  it('are the same after reading and writing, and get the id that others know them by', async () => {
    const jwk = await newPrivateKey('ES256')
    const { kid, ...nameless } = jwk
    const stored = [{ ...nameless, xaa_signs_from: 5, xaa_published_until: 9 }, jwk]
    const read = await timedKeysOf(stored)
    expect(read).toMatchObject([
      { kid, signsFrom: 5, publishedUntil: 9 },
      { kid, jwk },
    ])
    expect(privateJwksOf(read)).toEqual([{ ...stored[0], kid }, jwk])
  })
})

describe('at every moment of any life', () => {
  const lead = 700
  const keep = 4000
  /** The longest token, with the difference between clocks. */
  const tokenLives = keep - 30
  const steps = fc.array(
    fc.oneof(
      { arbitrary: fc.record({ act: fc.constant('pass' as const), by: fc.integer({ min: 1, max: 5000 }) }), weight: 3 },
      { arbitrary: fc.constant({ act: 'rotate' as const }), weight: 3 },
      { arbitrary: fc.constant({ act: 'retire' as const }), weight: 1 },
      { arbitrary: fc.record({ act: fc.constant('purge' as const), at: fc.nat(4) }), weight: 1 },
    ),
    { maxLength: 60 },
  )

  it('every live token verifies, and whoever signs was published for the lead before', async () => {
    let rotations = 0
    await fc.assert(
      fc.asyncProperty(steps, async (life) => {
        let now = 10_000
        let keys = [key('k0')]
        let made = 0
        const publishedSince = new Map([['k0', 0]])
        const signedLast = new Map<string, number>()
        const fresh = () => key(`k${++made}`)
        const sign = (at: number) => {
          const kid = signerAt(keys, at)?.kid ?? 'nobody'
          signedLast.set(kid, at)
          expect(at - (publishedSince.get(kid) ?? at)).toBeGreaterThanOrEqual(lead)
        }
        for (const step of life) {
          if (step.act === 'pass') {
            const then = now + step.by
            for (const { signsFrom = 0 } of keys)
              if (now < signsFrom && signsFrom <= then) for (const at of [signsFrom - 1, signsFrom]) sign(at)
            now = then
          } else if (step.act === 'purge') {
            const { kid } = keys[step.at % keys.length] ?? { kid: '' }
            const purge = await purged(keys, kid, now, async () => fresh())
            keys = purge.keys
            signedLast.delete(kid)
            expect(signerAt(keys, now)?.kid).toBe(purge.signer.kid)
            // An emergency may let a key sign before everybody knows it, and then says so.
            if (purge.unknownYet) publishedSince.set(purge.signer.kid, 0)
          } else
            try {
              keys = step.act === 'retire' ? retired(keys, now) : rotated(keys, fresh(), { now, lead, keep })
              if (step.act === 'rotate') rotations += 1
            } catch (error) {
              expect(error).toMatchObject({ name: 'RotationError' })
            }
          for (const { kid } of keys) if (!publishedSince.has(kid)) publishedSince.set(kid, now)
          sign(now)
          const published = keys.filter((one) => isPublishedAt(one, now)).map(({ kid }) => kid)
          for (const [kid, at] of signedLast) if (now < at + tokenLives) expect(published).toContain(kid)
          expect(keys.some(({ publishedUntil }) => publishedUntil === undefined)).toBe(true)
          expect(keys.length).toBeLessThan(100)
        }
      }),
      { numRuns: 500 },
    )
    expect(rotations).toBeGreaterThan(500)
  })
})
