/** Reads the entries of run time from the store: all of them once, and after that those that changed. */

import type { Records, StoredRecord } from '../../store/store.ts'
import { type EntryKind, entryKinds, type PolicyEntries, readEntry, type StoredEntry } from './entry-records.ts'

/** What was read. */
export interface EntryReading {
  entries: PolicyEntries
  /** The same as records, so that they can be written again to a store that lost them. */
  records: readonly { kind: string; record: StoredRecord }[]
}

type Lists = { [kind in EntryKind]: readonly StoredEntry<unknown>[] }
const allKinds = Object.keys(entryKinds) as EntryKind[]

/**
 * Reads all of them; what did not change since `before` is not judged again. Rejects for a record of a form that this version does
 * not know.
 */
export async function readEntries(records: Records, before: PolicyEntries): Promise<EntryReading> {
  const kept: { kind: string; record: StoredRecord }[] = []
  const lists: Lists = { ...before }
  await Promise.all(
    allKinds.map(async (kind) => {
      const list = await records.list(entryKinds[kind])
      for (const record of list) kept.push({ kind: entryKinds[kind], record })
      const earlier = new Map<string, StoredEntry<unknown>>(before[kind].map((one) => [one.id, one]))
      const entries: StoredEntry<unknown>[] = []
      for (const record of list) {
        const known = earlier.get(record.id)
        entries.push(known?.version === record.version ? known : await readEntry(kind, record))
      }
      lists[kind] = entries
    }),
  )
  return { entries: asEntries(lists), records: kept }
}

/** Reads these again, by kind and id of their records, and takes the others from what was read before. Rejects as {@link readEntries} does. */
export async function readChangedEntries(
  records: Records,
  before: EntryReading,
  touched: readonly (readonly [kind: string, id: string])[],
): Promise<EntryReading> {
  if (touched.length === 0) return before
  const lists: Lists = { ...before.entries }
  let kept = before.records
  for (const kind of allKinds) {
    const ids = new Set(touched.filter(([name]) => name === entryKinds[kind]).map(([, id]) => id))
    if (ids.size === 0) continue
    const found = await Promise.all([...ids].map((id) => records.get(entryKinds[kind], id)))
    const present = found.filter((record) => record !== undefined)
    const entries = await Promise.all(present.map((record) => readEntry(kind, record)))
    lists[kind] = [...lists[kind].filter(({ id }) => !ids.has(id)), ...entries]
    kept = [
      ...kept.filter((one) => one.kind !== entryKinds[kind] || !ids.has(one.record.id)),
      ...present.map((record) => ({ kind: entryKinds[kind], record })),
    ]
  }
  return { entries: asEntries(lists), records: kept }
}

/** Each list holds what its own schema let through. */
function asEntries(lists: Lists): PolicyEntries {
  return lists as PolicyEntries
}
