/** Spent ids in tables: what a map of the same ids would say, however many there are and whatever was forgotten. */

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { spentIds } from '../../src/store/spent-ids.ts'

describe('spent ids', () => {
  it('are remembered as long as a map would, for any order of uses and any passing of time', () => {
    const use = fc.record({ id: fc.nat(40), life: fc.integer({ min: 1, max: 90 }), later: fc.nat(40) })
    fc.assert(
      fc.property(fc.array(use, { maxLength: 300 }), (uses) => {
        const spent = spentIds(1000)
        const ends = new Map<string, number>()
        let at = 1000
        for (const { id, life, later } of uses) {
          at += later
          const name = `id-${id}`
          const isKnown = (ends.get(name) ?? 0) > at
          expect(spent.spend(name, at + life, at)).toBe(isKnown ? 'known' : 'spent')
          if (!isKnown) ends.set(name, at + life)
        }
        for (const [name, end] of ends) if (end > at) expect(spent.spend(name, at + 1, at)).toBe('known')
      }),
    )
  })

  it('are each found again while their tables grow, and what was not spent is not found', () => {
    const spent = spentIds(100_000)
    for (const expected of ['spent', 'known'])
      for (let id = 0; id < 50_000; id++)
        if (spent.spend(`id-${id}`, 2000, 1000) !== expected) throw new Error(`id ${id} is not ${expected}`)
    expect(spent.size).toBe(50_000)
  })

  it('make room when they may be forgotten, and none that is of use is', () => {
    const spent = spentIds(20_000)
    for (let id = 0; id < 20_000; id++) spent.spend(`id-${id}`, id % 2 === 0 ? 1010 : 5000, 1000)
    expect(spent.spend('one more', 5000, 1005)).toBe('no room')
    expect(spent.spend('id-0', 6000, 1010)).toBe('spent')
    expect(spent.spend('one more', 5000, 1010)).toBe('spent')
    expect(spent.size).toBe(10_002)
    for (let id = 1; id < 20_000; id += 2) expect(spent.spend(`id-${id}`, 6000, 1010)).toBe('known')
  })

  it('are forgotten a few at a time, so that nobody waits for all of them', () => {
    const spent = spentIds(100_000)
    for (let id = 0; id < 60_000; id++) spent.spend(`id-${id}`, 1001, 1000)
    spent.spend('later', 2000, 1031)
    expect(spent.size).toBeLessThan(60_000)
    expect(spent.size).toBeGreaterThan(10_000)
    for (let id = 0; id < 300; id++) spent.spend(`later-${id}`, 2000, 1031)
    expect(spent.size).toBe(301)
  })
})
