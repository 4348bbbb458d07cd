/** Values that expire, are shared while they are made, and never outnumber their limit. */

import { describe, expect, it } from 'vitest'
import { expiringCache } from '../../src/client/expiring-cache.ts'

describe('a value', () => {
  it('is made once for all who wait, kept until its moment, and then made again', async () => {
    let now = 0
    let made = 0
    const cache = expiringCache<number>(() => now)
    const get = () => cache.get('key', async () => ({ value: ++made, until: 10 + now }))
    expect(await Promise.all([get(), get()])).toEqual([1, 1])
    now = 9
    expect(await get()).toBe(1)
    now = 10
    expect(await get()).toBe(2)
  })

  it('that cannot be made fails for all who wait, and the next may succeed', async () => {
    const cache = expiringCache<string>(() => 0)
    const fail = () => cache.get('key', async () => Promise.reject(new Error('no')))
    expect((await Promise.allSettled([fail(), fail()])).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(await cache.get('key', async () => ({ value: 'yes', until: 1 }))).toBe('yes')
  })

  it('is dropped only while it is the one that is kept', async () => {
    const cache = expiringCache<string>(() => 0)
    const get = (value: string) => cache.get('key', async () => ({ value, until: 1 }))
    await get('old')
    cache.drop('key', 'another')
    expect(await get('new')).toBe('old')
    cache.drop('key', 'old')
    expect(await get('new')).toBe('new')
  })

  it('makes room by the oldest, and leaves the others', async () => {
    const cache = expiringCache<string>(() => 0, 2)
    const get = (key: string, value: string) => cache.get(key, async () => ({ value, until: 1 }))
    for (const key of ['a', 'b', 'c']) await get(key, 'first')
    expect([await get('b', 'second'), await get('c', 'second'), await get('a', 'second')]).toEqual([
      'first',
      'first',
      'second',
    ])
  })
})
