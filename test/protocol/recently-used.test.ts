/** A map that forgets what was unused for longest. */

import { expect, it } from 'vitest'
import { recentlyUsed } from '../../src/protocol/recently-used.ts'

it('holds so many, and makes room by what was not read', () => {
  const map = recentlyUsed<number>(2)
  map.set('a', 1)
  map.set('b', 2)
  expect(map.get('a')).toBe(1)
  map.set('c', 3)
  expect(['a', 'b', 'c'].map(map.get)).toEqual([1, undefined, 3])
})

it('makes room among those that were all read, by the oldest', () => {
  const map = recentlyUsed<number>(2)
  map.set('a', 1)
  map.set('b', 2)
  map.get('b')
  map.get('a')
  map.set('c', 3)
  expect(['a', 'b', 'c'].map(map.get)).toEqual([undefined, 2, 3])
})

it('changes what it has without room for another, and deletes', () => {
  const map = recentlyUsed<number>(1)
  map.set('a', 1)
  map.set('a', 2)
  expect(map.get('a')).toBe(2)
  map.delete('a')
  expect(map.get('a')).toBeUndefined()
})

it('holds nothing where it may hold none, and everything where there is no bound', () => {
  const none = recentlyUsed<number>(0)
  none.set('a', 1)
  expect(none.get('a')).toBeUndefined()
  const all = recentlyUsed<number>(Number.POSITIVE_INFINITY)
  for (let at = 0; at < 1000; at++) all.set(String(at), at)
  expect(all.get('0')).toBe(0)
})
