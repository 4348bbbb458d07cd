/** Makes, changes and removes entries at run time: each on the version its administrator saw, atomic and durable. */

import type { Seconds } from '../../protocol/ports.ts'
import type { RecordChange, Records, RecordValue } from '../../store/store.ts'
import { type Actor, decider, endings, longestSession, type Outcome } from './decision.ts'
import { type EntryKind, entryId, entryKinds, namesOfEntry } from './entry-records.ts'

/** Which entry. */
export interface EntryPlace {
  kind: EntryKind
  /** The issuer identifier of the server it belongs to. */
  server: string
  key: readonly string[]
  /** The entry of the configuration in this place, if there is one. */
  configured?: { disabled: boolean } | undefined
}

/** What the administrator saw: the version of the entry, 0 for one of the configuration; or that there was none. */
export type Seen = number | 'none'

/** The entry is not what its administrator saw: read it again and decide anew. */
export class EntryConflictError extends Error {
  override readonly name = 'EntryConflictError'
  /** The version it has; undefined when there is no such entry. */
  readonly version: number | undefined
  constructor(version: number | undefined) {
    super(version === undefined ? 'there is no such entry now' : `the entry is at version ${version} now`)
    this.version = version
  }
}

/**
 * Every method throws {@link EntryConflictError} when the entry is another than was seen, and changes nothing then. Rejects when the
 * store cannot answer: then it is unknown whether the change was made. Does NOT check what an entry says.
 */
export interface EntryAdministration {
  /** `value` is the entry in the shape of the configuration. Tokens from before it was off, refresh tokens too, stay ended when it is on again. */
  put(place: EntryPlace, value: RecordValue & { disabled: boolean }, seen: Seen, actor: Actor): Promise<Outcome>
  /** Hides the entry of the configuration too. */
  remove(place: EntryPlace, seen: Seen, actor: Actor): Promise<Outcome>
}

/** Works on the records of a store, beside any number of servers that follow them. */
export function entryAdministration(records: Records, now: () => Seconds): EntryAdministration {
  const decide = decider(records, now)
  /** The record as it is, when the entry is what was seen. */
  const found = async ({ kind, server, key, configured }: EntryPlace, seen: Seen) => {
    const record = await records.get(entryKinds[kind], entryId(server, key))
    const expected = record?.version ?? 0
    const entry = record === undefined ? configured : (record.value.entry as { disabled: boolean } | undefined)
    if ((entry === undefined ? 'none' : expected) !== seen)
      throw new EntryConflictError(entry === undefined ? undefined : expected)
    return { expected, wasOff: entry === undefined ? record !== undefined : entry.disabled }
  }
  const changeOf = ({ kind, server, key }: EntryPlace, expected: number, value: RecordValue): RecordChange => {
    return { kind: entryKinds[kind], id: entryId(server, key), expected, value: { server, key, ...value } }
  }
  return {
    put: (place, entry, seen, actor) =>
      decide(`put ${entryKinds[place.kind]}`, actor, async ({ at, by, note }) => {
        const { expected, wasOff } = await found(place, seen)
        const names = namesOfEntry(place.kind, place.server, place.key)
        return [
          ...(wasOff && !entry.disabled ? await endings(records, names, at) : []),
          changeOf(place, expected, withNote({ entry, at, by }, note)),
        ]
      }),
    remove: (place, seen, actor) =>
      decide(`remove ${entryKinds[place.kind]}`, actor, async ({ at, by, note }) => {
        const { expected } = await found(place, seen)
        const mark = changeOf(place, expected, withNote({ removed: true, at, by }, note))
        // What was issued under it must be found and ended, also when the entry is made again; after that, only an entry of the configuration needs the mark.
        return [place.configured === undefined ? { ...mark, until: at + longestSession } : mark]
      }),
  }
}

function withNote(value: RecordValue, note: string | undefined): RecordValue {
  return note === undefined ? value : { ...value, note }
}
