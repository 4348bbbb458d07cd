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

  it('[ATK-065] [T57] rejects when it is full, and never forgets what is still of use', async () => {
    let now = 1000
    const store = memoryStore({ now: () => now, maxEntries: 50 })
    for (let id = 0; id < 50; id++) await store.once(`k${id}`, id < 10 ? 1002 : 2000)
    await expect(async () => await store.once('more', 2000)).rejects.toMatchObject({ name: 'StoreFullError' })
    for (let id = 0; id < 50; id++) expect(await store.once(`k${id}`, 2000)).toBe(false)
    now = 1002
    expect(await store.once('more', 2000)).toBe(true)
    expect(store.size).toBe(41)
  })

  it('[ATK-065] [T57] takes again a key whose record has ended, also when it is full', async () => {
    let now = 1000
    const store = memoryStore({ now: () => now, maxEntries: 1 })
    await store.once('a', 1000.5)
    now = 1000.6
    expect(await store.once('a', 2000)).toBe(true)
    await expect(async () => await store.once('b', 2000)).rejects.toThrow('the store holds 1 spent ids')
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

describe('records', () => {
  const record = (id: string, until?: number) => ({
    kind: 'step',
    id,
    expected: 0,
    value: { id },
    ...(until === undefined ? {} : { until }),
  })

  it('are no more than the store may hold: another one is refused with all that was to come with it, and none is forgotten', async () => {
    const store = memoryStore({ now: () => 1000, maxRecords: 3 })
    await store.records.change([record('a'), record('b')])
    await expect(store.records.change([record('c'), record('d')])).rejects.toMatchObject({ name: 'StoreFullError' })
    expect((await store.records.list('step')).map(({ id }) => id)).toEqual(['a', 'b'])
    const revision = await store.records.change([record('c')])
    expect(await store.records.revision()).toBe(revision)
    // What is there can be changed, and replaced by something else.
    const [a] = await store.records.list('step')
    const changed = await store.records.change([{ ...record('a'), expected: a?.version ?? 0, value: { new: true } }])
    await store.records.change([{ kind: 'step', id: 'a', expected: changed }, record('d')])
    expect((await store.records.list('step')).map(({ id }) => id).sort()).toEqual(['b', 'c', 'd'])
    await expect(store.records.change([record('a')])).rejects.toThrow('holds 3 records that are still of use')
  })

  it('make room when they end', async () => {
    let now = 1000
    const store = memoryStore({ now: () => now, maxRecords: 2 })
    await store.records.change([record('a', 1001), record('b', 2000)])
    await expect(store.records.change([record('c')])).rejects.toThrow()
    now = 1001
    await store.records.change([record('c')])
    expect((await store.records.list('step')).map(({ id }) => id)).toEqual(['b', 'c'])
    await expect(store.records.change([record('d')])).rejects.toThrow()
    now = 2000
    await store.records.change([record('d')])
    expect((await store.records.list('step')).map(({ id }) => id)).toEqual(['c', 'd'])
  })
})
