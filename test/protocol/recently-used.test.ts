/** A map that forgets what was unused for longest. */

import { expect, it } from 'vitest'
import { recentlyUsed } from '../../src/protocol/recently-used.ts'

it('holds so many, and makes room by what was not read', () => {
  const map = recentlyUsed<number>(4)
  for (const [at, key] of ['a', 'b', 'c'].entries()) map.set(key, at)
  expect(map.get('a')).toBe(0)
  map.set('d', 3)
  expect(['a', 'b', 'c', 'd'].map(map.get)).toEqual([0, undefined, 2, 3])
})

it('never holds more', () => {
  for (const most of [0, 1, 2, 3, 10]) {
    const map = recentlyUsed<number>(most)
    const keys = Array.from({ length: 50 }, (_, at) => String(at))
    for (const key of keys) {
      map.set(key, 1)
      map.get(String(Number(key) - 1))
    }
    const held = keys.filter((key) => map.get(key) !== undefined).length
    expect(held).toBeLessThanOrEqual(most)
    expect(held).toBeGreaterThanOrEqual(Math.min(1, most))
  }
})

it('changes what it has, and deletes', () => {
  const map = recentlyUsed<number>(2)
  map.set('a', 1)
  map.set('b', 1)
  map.set('a', 2)
  expect([map.get('a'), map.get('b')]).toEqual([2, 1])
  map.delete('a')
  map.delete('b')
  expect([map.get('a'), map.get('b')]).toEqual([undefined, undefined])
})

it('holds everything where there is no bound', () => {
  const all = recentlyUsed<number>(Number.POSITIVE_INFINITY)
  for (let at = 0; at < 1000; at++) all.set(String(at), at)
  expect(all.get('0')).toBe(0)
})
