/** Spent ids as numbers: what a map of the same ids would say, however many there are and whatever was forgotten. */

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

  it('are neither lost nor invented while thousands come and go in waves', () => {
    const spent = spentIds(100_000)
    const ends = new Map<string, number>()
    let at = 1000
    let id = 0
    for (const [count, life] of [
      [3000, 90],
      [12_000, 40],
      [10, 300],
      [9000, 45],
      [200, 200],
    ] as const)
      for (let done = 0; done < count; done++) {
        at += done % 100 === 0 ? 1 : 0
        // Every third is one that was spent a while ago, and may be of use still.
        const name = done % 3 === 0 ? `id-${(id * 7919) % (id + 1)}` : `id-${id++}`
        const isKnown = (ends.get(name) ?? 0) > at
        const outcome = spent.spend(name, at + life, at)
        if (outcome !== (isKnown ? 'known' : 'spent')) throw new Error(`${name} is ${outcome} at ${at}`)
        if (!isKnown) ends.set(name, at + life)
      }
    const live = [...ends].filter(([, end]) => end > at)
    for (const [name] of live) expect(spent.spend(name, at + 1, at)).toBe('known')
    expect(live.length).toBeGreaterThan(200)
    expect(spent.size).toBeGreaterThanOrEqual(live.length)
  })

  it('are remembered until their very end, be it a part of a second or never', () => {
    const spent = spentIds(10)
    spent.spend('a part of a second', 1010.25, 1000)
    spent.spend('for ever', Number.POSITIVE_INFINITY, 1000)
    expect(spent.spend('a part of a second', 2000, 1010.2)).toBe('known')
    expect(spent.spend('a part of a second', 2000, 1010.25)).toBe('spent')
    expect(spent.spend('for ever', 5000, 1e15)).toBe('known')
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
    expect(spent.spend('one more', 5000, 1005)).toBe('no room')
    expect(spent.spend('id-0', 6000, 1010)).toBe('spent')
    expect(spent.spend('one more', 5000, 1010)).toBe('spent')
    expect(spent.size).toBeLessThan(19_990)
    expect(spent.spend('id-0', 6000, 1010)).toBe('known')
    for (let id = 1; id < 20_000; id += 2) expect(spent.spend(`id-${id}`, 6000, 1010)).toBe('known')
  })

  it('are forgotten a few at a time, so that nobody waits for all of them', () => {
    const spent = spentIds(100_000)
    for (let id = 0; id < 60_000; id++) spent.spend(`id-${id}`, 1001, 1000)
    spent.spend('later', 2000, 1031)
    expect(spent.size).toBeLessThan(60_000)
    expect(spent.size).toBeGreaterThan(10_000)
    for (let id = 0; id < 600; id++) spent.spend(`later-${id}`, 2000, 1031)
    expect(spent.size).toBe(601)
  })
})
