import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe } from 'vitest'
import { lmdbStore } from '../../src/store/lmdb.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { describeStore, type Subject } from './contract.ts'

function movedClock() {
  let now = 1_800_000_000
  return {
    now: () => now,
    pass: (seconds: number) => {
      now += seconds
    },
  }
}

async function memory(): Promise<Subject> {
  const clock = movedClock()
  return { ...clock, store: memoryStore(clock), others: [], close: async () => {} }
}

async function lmdb(): Promise<Subject> {
  const clock = movedClock()
  const directory = await mkdtemp(join(tmpdir(), 'xaa-store-'))
  const store = await lmdbStore({ directory, now: clock.now, skew: 30 })
  return {
    ...clock,
    store,
    others: [],
    async close() {
      await store.close()
      await rm(directory, { recursive: true })
    },
  }
}

describe.each([
  ['memory', memory],
  ['embedded', lmdb],
])('the %s store', (_, open) => describeStore(open, true))
