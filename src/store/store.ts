/** The contract of every store: single use, counters, and records that several processes may change at once. */

import type { Awaitable } from '../protocol/awaitable.ts'
import type { Seconds } from '../protocol/ports.ts'

/** State that outlives a request. Every method rejects when it cannot tell, and then nothing may be issued. */
export interface Store {
  /**
   * True exactly one time for a key until `until`, a moment: for all callers in all processes that share the store. The record
   * is durable before there is an answer and is never forgotten sooner; the caller has put every clock difference into `until`.
   * Throws, or rejects with, {@link StoreFullError} or {@link StoreUnavailableError}; the key may then be spent all the same.
   */
  once(key: string, until: Seconds): Awaitable<boolean>
  /**
   * What was issued before this moment may have been spent without this store knowing. Zero when nothing can have been lost.
   * It may rise at any time, so whoever relies on it asks before {@link Store.once} and again after.
   */
  fence(): Seconds
  /** Adds one to a counter that starts anew `window` seconds after its first use. Counters need not survive a crash. */
  count(key: string, window: Seconds): Promise<Count>
  /** A counter as it stands, without counting. Undefined when it is not running. */
  countOf(key: string): Promise<Count | undefined>
  records: Records
  /** How many spent ids it holds now, also some that may be forgotten. Absent: it cannot tell for the price of a look. */
  spentIds?(): number
  /** Resolves when the store can be relied on now. Rejects with {@link StoreUnavailableError} or {@link StoreUnsafeError}. */
  check(): Promise<void>
  /** To be called once, after the last call. */
  close(): Promise<void>
}

/** A counter. */
export interface Count {
  /** When it was counted up: with this one. */
  count: number
  /** The moment at which it starts anew. */
  resetsAt: Seconds
}

/**
 * Small JSON documents by kind and id, made at run time: connections, account links, blocks, refresh tokens. One number, the
 * revision, grows with every change of any of them: who remembers it sees by one cheap question that something is new.
 */
export interface Records {
  get(kind: string, id: string): Promise<StoredRecord | undefined>
  /** Every record of a kind, in no order. */
  list(kind: string): Promise<StoredRecord[]>
  /**
   * Makes all of the changes or none, durable before it resolves to the new revision, which is then the version of each changed
   * record. Rejects with {@link ConflictError} when one of them is not at the version that its change expects. Throws
   * `TypeError` for a kind or id that is empty or longer than 200 characters.
   */
  change(changes: readonly RecordChange[]): Promise<number>
  /** The revision of the latest change; 0 when there was none. */
  revision(): Promise<number>
}

/** A record as it stands. */
export interface StoredRecord {
  id: string
  /** The revision at which it was last changed: never used twice, also not after a deletion. */
  version: number
  value: RecordValue
  /** From this moment on it counts as deleted. */
  until?: Seconds
}

/** What a record may hold: an object of JSON. */
export type RecordValue = { readonly [member: string]: unknown }

/** What is to become of one record. */
export interface RecordChange {
  kind: string
  id: string
  /** The version that the change was decided on; 0 when there must be no such record. */
  expected: number
  /** Absent: the record is deleted. */
  value?: RecordValue
  until?: Seconds
}

/** The store holds as much as it may, and will not forget something of use to make room. */
export class StoreFullError extends Error {
  override readonly name = 'StoreFullError'
}

/** The store cannot answer now. What was asked may have happened or not. */
export class StoreUnavailableError extends Error {
  override readonly name = 'StoreUnavailableError'
}

/** The store is set up in a way that cannot keep the promise of single use: a sentence with the setting and its remedy. */
export class StoreUnsafeError extends Error {
  override readonly name = 'StoreUnsafeError'
}

/** Somebody else changed the record meanwhile: read it again and decide anew. */
export class ConflictError extends Error {
  override readonly name = 'ConflictError'
}

const longestName = 200

/** Throws `TypeError` for a change whose kind or id no store could keep. */
export function checkNames(changes: readonly Pick<RecordChange, 'kind' | 'id'>[]): void {
  for (const name of changes.flatMap(({ kind, id }) => [kind, id]))
    if (name === '' || name.length > longestName || !name.isWellFormed())
      throw new TypeError(`kind and id of a record must be well-formed texts of 1 to ${longestName} characters`)
}

/** The error for a change that came too late. */
export function conflict({ kind, id, expected }: RecordChange, found: number): ConflictError {
  const was = found === 0 ? 'there is none' : `it is at ${found}`
  return new ConflictError(`${kind} ${id} was expected at version ${expected}, and ${was}`)
}
