/** The store in memory: one wins, for as long as it matters, and never by forgetting. */

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { memoryStore } from '../../src/store/memory.ts'

describe('once', () => {
  it('is true for exactly one of any number of callers', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 2, max: 20 }),
        fc.array(fc.string(), { minLength: 1, maxLength: 5 }),
        async (callers, keys) => {
          const store = memoryStore({ now: () => 1000 })
          for (const key of new Set(keys)) {
            const answers = await Promise.all(Array.from({ length: callers }, () => store.once(key, 2000)))
            expect(answers.filter(Boolean)).toHaveLength(1)
          }
        },
      ),
    )
  })

  it('is false until the moment the record ends, and true again from then', async () => {
    let now = 1000
    const store = memoryStore({ now: () => now })
    expect(await store.once('a', 1060)).toBe(true)
    now = 1059.9
    expect(await store.once('a', 2000)).toBe(false)
    now = 1060
    expect(await store.once('a', 2000)).toBe(true)
    expect(store.size).toBe(1)
  })

  it('[ATK-065] rejects when it is full, and never forgets what is still of use', async () => {
    let now = 1000
    const store = memoryStore({ now: () => now, maxEntries: 50 })
    for (let id = 0; id < 50; id++) await store.once(`k${id}`, id < 10 ? 1002 : 2000)
    await expect(store.once('more', 2000)).rejects.toMatchObject({ name: 'StoreFullError' })
    for (let id = 0; id < 50; id++) expect(await store.once(`k${id}`, 2000)).toBe(false)
    now = 1002
    expect(await store.once('more', 2000)).toBe(true)
    expect(store.size).toBe(41)
  })

  it('[ATK-065] takes again a key whose record has ended, also when it is full', async () => {
    let now = 1000
    const store = memoryStore({ now: () => now, maxEntries: 1 })
    await store.once('a', 1000.5)
    now = 1000.6
    expect(await store.once('a', 2000)).toBe(true)
    await expect(store.once('b', 2000)).rejects.toThrow('the store holds 1 spent ids')
  })

  it('keeps no record longer than half a minute after its end', async () => {
    let now = 1000
    const store = memoryStore({ now: () => now })
    for (let id = 0; id < 100; id++) await store.once(`k${id}`, 1001)
    now = 1030
    await store.once('other', 2000)
    expect(store.size).toBe(1)
  })
})
