/** The store that lives in one process and dies with it: for tests, the demo, and a first look. */

import type { Seconds } from '../protocol/ports.ts'
import { spentIds } from './spent-ids.ts'
import {
  checkNames,
  conflict,
  type RecordChange,
  type Records,
  type Store,
  type StoredRecord,
  StoreFullError,
} from './store.ts'

export { StoreFullError } from './store.ts'

export interface MemoryStoreOptions {
  now(): Seconds
  /** How many spent ids it holds before it refuses another, and how many counters, at most a million. It never forgets one that is of use. */
  maxEntries?: number
  /** Gives the salt of the table of spent ids. Absent: whoever chooses many ids with care can make it slow. */
  newId?(): string
  /** How many records it holds before it refuses another: 2 KB each are usual. */
  maxRecords?: number
  /** How far ahead of ours the clocks of issuers may be: the fence lies so much after the start. */
  skew?: Seconds
}

export interface MemoryStore extends Store {
  once(key: string, until: Seconds): boolean
  /** Spent ids it holds. */
  readonly size: number
}

/**
 * A store in memory. What was spent before it was made is not known: its fence is the moment of its making plus the skew.
 * Test and insert happen in one step. Throws {@link StoreFullError} when full.
 */
export function memoryStore({
  now,
  maxEntries = 4_000_000,
  maxRecords = 200_000,
  skew = 30,
  newId = () => '',
}: MemoryStoreOptions): MemoryStore {
  const maxCounters = Math.min(maxEntries, 1_000_000)
  const counts = new Map<string, number>()
  const spent = spentIds(maxEntries, newId())
  const counters = moments(maxCounters, 'counters', (key) => counts.delete(key))
  const fence = now() + skew
  const once = (key: string, until: Seconds): boolean => {
    const outcome = spent.spend(key, until, now())
    // Evicting an id that is still of use would let its token be spent twice.
    if (outcome === 'no room') throw new StoreFullError(`the store holds ${maxEntries} spent ids that are still of use`)
    return outcome === 'spent'
  }
  return {
    once,
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
    records: memoryRecords(now, maxRecords),
    spentIds: () => spent.size,
    async check() {},
    async close() {},
    get size() {
      return spent.size
    },
  }
}

/** Keys with the moment at which each ends. */
function moments(maxEntries: number, what: string, forgotten: (key: string) => void) {
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
      if (ends.size >= maxEntries && !ends.has(key))
        throw new StoreFullError(`the store holds ${maxEntries} ${what} that are still of use`)
      ends.set(key, until)
    },
  }
}

function memoryRecords(now: () => Seconds, maxRecords: number): Records {
  const kinds = new Map<string, Map<string, StoredRecord>>()
  let revision = 0
  let held = 0
  let sweptAt = Number.NEGATIVE_INFINITY
  const live = (record: StoredRecord | undefined) =>
    record !== undefined && (record.until === undefined || record.until > now()) ? record : undefined
  const find = (kind: string, id: string) => live(kinds.get(kind)?.get(id))
  const remove = (kind: string, id: string) => {
    if (kinds.get(kind)?.delete(id) === true) held -= 1
  }
  const sweep = () => {
    for (const [kind, records] of kinds)
      for (const [id, record] of records) if (live(record) === undefined) remove(kind, id)
    sweptAt = now()
  }
  /** Of the live ones after a change, before it is made: a record that is refused must leave the others as they were. */
  const makeRoom = (changes: readonly RecordChange[]) => {
    const grows = () =>
      changes.reduce((sum, { kind, id, value }) => {
        const isHeld = kinds.get(kind)?.has(id) === true
        return sum + (value === undefined ? (isHeld ? -1 : 0) : isHeld ? 0 : 1)
      }, 0)
    const isFull = () => grows() > 0 && held + grows() > maxRecords
    if (now() - sweptAt >= (isFull() ? 1 : 30)) sweep()
    if (isFull()) throw new StoreFullError(`the store holds ${maxRecords} records that are still of use`)
  }
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
      makeRoom(changes)
      revision += 1
      for (const { kind, id, value, until } of changes) {
        remove(kind, id)
        if (value === undefined) continue
        const records = kinds.get(kind) ?? new Map<string, StoredRecord>()
        kinds.set(kind, records)
        records.set(id, structuredClone({ id, version: revision, value, ...(until === undefined ? {} : { until }) }))
        held += 1
      }
      return revision
    },
    async revision() {
      return revision
    },
  }
}
