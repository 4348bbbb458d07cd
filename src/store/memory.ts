/** The store that lives in one process and dies with it: for tests, the demo, and a first look. */

import type { Seconds } from '../protocol/ports.ts'
import { checkNames, conflict, type Records, type Store, type StoredRecord, StoreFullError } from './store.ts'

export { StoreFullError } from './store.ts'

export interface MemoryStoreOptions {
  now(): Seconds
  /** How many spent ids, and how many counters, it holds before it refuses another. It never forgets one that is of use. */
  maxEntries?: number
  /** How far ahead of ours the clocks of issuers may be: the fence lies so much after the start. */
  skew?: Seconds
}

export interface MemoryStore extends Store {
  /** Spent ids it holds. */
  readonly size: number
}

/**
 * A store in memory. What was spent before it was made is not known: its fence is the moment of its making plus the skew.
 * Test and insert happen in one step. Throws {@link StoreFullError} when full.
 */
export function memoryStore({ now, maxEntries = 1_000_000, skew = 30 }: MemoryStoreOptions): MemoryStore {
  const counts = new Map<string, number>()
  const spent = moments(maxEntries, 'spent ids')
  const counters = moments(maxEntries, 'counters', (key) => counts.delete(key))
  const fence = now() + skew
  return {
    async once(key, until) {
      const at = now()
      if (spent.endOf(key, at) !== undefined) return false
      spent.add(key, until, at)
      return true
    },
    fence: () => fence,
    async count(key, window) {
      const at = now()
      const running = counters.endOf(key, at)
      if (running === undefined) counters.add(key, at + window, at)
      const count = running === undefined ? 1 : (counts.get(key) ?? 0) + 1
      counts.set(key, count)
      return { count, resetsAt: running ?? at + window }
    },
    async countOf(key) {
      const resetsAt = counters.endOf(key, now())
      return resetsAt === undefined ? undefined : { count: counts.get(key) ?? 0, resetsAt }
    },
    records: memoryRecords(now),
    async check() {},
    async close() {},
    get size() {
      return spent.size
    },
  }
}

/** Keys with the moment at which each ends. Numbers, not objects: a million of them cost half as much. */
function moments(maxEntries: number, what: string, forgotten: (key: string) => void = () => {}) {
  const ends = new Map<string, Seconds>()
  let sweptAt = Number.NEGATIVE_INFINITY
  const sweep = (at: Seconds) => {
    for (const [key, until] of ends)
      if (until <= at) {
        ends.delete(key)
        forgotten(key)
      }
    sweptAt = at
  }
  return {
    /** Undefined when the key is unknown or has ended. */
    endOf(key: string, at: Seconds): Seconds | undefined {
      const until = ends.get(key)
      return until !== undefined && until > at ? until : undefined
    },
    add(key: string, until: Seconds, at: Seconds): void {
      const full = ends.size >= maxEntries && !ends.has(key)
      if (at - sweptAt >= (full ? 1 : 30)) sweep(at)
      // Evicting an id that is still of use would let its token be spent twice.
      if (ends.size >= maxEntries && !ends.has(key))
        throw new StoreFullError(`the store holds ${maxEntries} ${what} that are still of use`)
      ends.set(key, until)
    },
    get size() {
      return ends.size
    },
  }
}

function memoryRecords(now: () => Seconds): Records {
  const kinds = new Map<string, Map<string, StoredRecord>>()
  let revision = 0
  const live = (record: StoredRecord | undefined) =>
    record !== undefined && (record.until === undefined || record.until > now()) ? record : undefined
  const find = (kind: string, id: string) => live(kinds.get(kind)?.get(id))
  return {
    async get(kind, id) {
      return structuredClone(find(kind, id))
    },
    async list(kind) {
      return structuredClone([...(kinds.get(kind)?.values() ?? [])].filter((record) => live(record) !== undefined))
    },
    async change(changes) {
      checkNames(changes)
      for (const change of changes) {
        const version = find(change.kind, change.id)?.version ?? 0
        if (version !== change.expected) throw conflict(change, version)
      }
      revision += 1
      for (const { kind, id, value, until } of changes) {
        const records = kinds.get(kind) ?? new Map<string, StoredRecord>()
        kinds.set(kind, records)
        for (const [other, record] of records) if (live(record) === undefined) records.delete(other)
        if (value === undefined) records.delete(id)
        else
          records.set(id, structuredClone({ id, version: revision, value, ...(until === undefined ? {} : { until }) }))
      }
      return revision
    },
    async revision() {
      return revision
    },
  }
}
