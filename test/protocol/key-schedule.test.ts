/** When a key signs and when it is published, by its times alone. */

import type { JWK } from 'jose'
import { describe, expect, it } from 'vitest'
import { isPublishedAt, signerAt, timesOf } from '../../src/protocol/key-schedule.ts'

describe('the times of a key', () => {
  it.each([
    [{}, {}],
    [{ xaa_signs_from: 0 }, { signsFrom: 0 }],
    [{ xaa_published_until: 9 }, { publishedUntil: 9 }],
    [
      { xaa_signs_from: 5, xaa_published_until: 9 },
      { signsFrom: 5, publishedUntil: 9 },
    ],
    [{ xaa_signs_from: 9, xaa_published_until: 9 }, undefined],
    [{ xaa_signs_from: -1 }, undefined],
    [{ xaa_signs_from: '9' }, undefined],
    [{ xaa_published_until: null }, undefined],
    [{ xaa_published_until: Number.POSITIVE_INFINITY }, undefined],
  ])('%j are read as %j', (members, times) => {
    expect(timesOf({ kty: 'EC', ...members } as JWK)).toEqual(times)
  })

  it('end publication at the very moment they name', () => {
    expect([8.9, 9].map((now) => isPublishedAt({ publishedUntil: 9 }, now))).toEqual([true, false])
    expect(isPublishedAt({}, 1e12)).toBe(true)
  })
})

describe('the key that signs', () => {
  it('is never one that is published no longer', () => {
    const over = { signsFrom: 5, publishedUntil: 9 }
    expect(signerAt([over, {}], 8)).toBe(over)
    expect(signerAt([over, {}], 9)).toEqual({})
    expect(signerAt([over], 9)).toBeUndefined()
  })
})
