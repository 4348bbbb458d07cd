/** The records of the embedded store: read without waiting, changed in one transaction with the revision. */

import type { Database, RootDatabase } from 'lmdb'
import type { Seconds } from '../protocol/ports.ts'
import type { BoundedCalls } from './bounded-calls.ts'
import { checkNames, conflict, type RecordChange, type Records, type RecordValue, type StoredRecord } from './store.ts'

/** The parts of the directory. */
export interface LmdbPlaces {
  root: RootDatabase<unknown, string>
  /** The end of the transaction that is being written; undefined when none is. Never rejects. */
  commit(): Promise<unknown> | undefined
  /** Digests of keys, each with the moment at which it ends. */
  spent: Database<number[], string> & NewEntries
  /** The same with a count. */
  counters: Database<number[], string>
  facts: Database<number, string>
  records: Database<KeptRecord, [kind: string, id: string]>
}

/** What the driver can do and its types do not say. */
export interface NewEntries {
  /** False, and nothing is written, when there is such a key. */
  put(key: string, value: number[], options: { noOverwrite: true }): Promise<boolean>
}

/** A record as it lies on the disk. */
export interface KeptRecord {
  version: number
  value: RecordValue
  until?: Seconds
}

/** {@link Records} in a directory. */
export function lmdbRecords({ root, facts, records }: LmdbPlaces, now: () => Seconds, calls: BoundedCalls): Records {
  const live = (kept: KeptRecord | undefined) =>
    kept !== undefined && (kept.until === undefined || kept.until > now()) ? kept : undefined
  const recordOf = (id: string, kept: KeptRecord): StoredRecord => ({ id, ...kept })
  const apply = (changes: readonly RecordChange[]): number => {
    for (const change of changes) {
      const version = live(records.get([change.kind, change.id]))?.version ?? 0
      if (version !== change.expected) throw conflict(change, version)
    }
    const revision = (facts.get('revision') ?? 0) + 1
    facts.putSync('revision', revision)
    for (const { kind, id, value, until } of changes) {
      if (value === undefined) records.removeSync([kind, id])
      else records.putSync([kind, id], { version: revision, value, ...(until === undefined ? {} : { until }) })
    }
    return revision
  }
  const ofKind = (kind: string) => {
    const found: { id: string; kept: KeptRecord }[] = []
    for (const { key, value } of records.getRange({ start: [kind, ''] })) {
      const [its, id] = key
      if (its !== kind) break
      found.push({ id, kept: value })
    }
    return found
  }
  let sweptTo: [string, string] = ['', '']
  return {
    get: (kind, id) =>
      calls.run(async () => {
        const kept = live(records.get([kind, id]))
        return kept === undefined ? undefined : recordOf(id, kept)
      }),
    list: (kind) =>
      calls.run(async () =>
        ofKind(kind).flatMap(({ id, kept }) => (live(kept) === undefined ? [] : [recordOf(id, kept)])),
      ),
    change: (changes) =>
      calls.run(async () => {
        checkNames(changes)
        const revision = root.transactionSync(() => apply(changes))
        forgetSomeEnded()
        return revision
      }),
    revision: () => calls.run(async () => facts.get('revision') ?? 0),
  }

  /** Walks over the records a few at each change, and so comes round to all of them. */
  function forgetSomeEnded(): void {
    const some = [...records.getRange({ start: sweptTo, limit: 50 })]
    sweptTo = some.length < 50 ? ['', ''] : (some.at(-1)?.key ?? ['', ''])
    const ended = some.filter(({ value }) => live(value) === undefined)
    if (ended.length === 0) return
    root.transactionSync(() => {
      for (const { key } of ended) if (live(records.get(key)) === undefined) records.removeSync(key)
    })
  }
}
