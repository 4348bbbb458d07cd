/** What the code grant keeps between requests, and where: small records that every process of the server shares. */

import { createHash } from 'node:crypto'
import type { Seconds } from '../protocol/ports.ts'
import type { RecordValue } from './sign-in/contract.ts'

/** A record as it stands. Its version is never used twice. */
export interface KeptRecord {
  version: number
  value: RecordValue
  until?: Seconds
}

/** What is to become of one record: deleted without `value`. */
export interface KeptChange {
  kind: string
  id: string
  /** The version that the change was decided on; 0 when there must be no such record. */
  expected: number
  value?: RecordValue
  until?: Seconds
}

/**
 * The store, as the code grant needs it. Each method throws `temporarily_unavailable` when it cannot tell, and then nothing is issued;
 * `change` makes all changes or none, and throws an error named `ConflictError` when a record is not at the version expected.
 */
export interface InteractiveState {
  get(kind: string, id: string): Promise<KeptRecord | undefined>
  change(changes: readonly KeptChange[]): Promise<unknown>
  /** Adds one to a counter that starts anew `window` seconds after its first use. */
  count(key: string, window: Seconds): Promise<{ count: number; resetsAt: Seconds }>
}

/** True for the error of a change that came too late. */
export function isConflict(error: unknown): boolean {
  return error instanceof Error && error.name === 'ConflictError'
}

/**
 * The id of a record: of one server, because several may share a store, and a digest, because what it names is often a secret that
 * opens something.
 */
export function recordId(issuer: string, ...names: string[]): string {
  return createHash('sha256')
    .update(JSON.stringify([issuer, ...names]))
    .digest('base64url')
}

const mostAttempts = 20

/** Decides again on what is there now, as often as somebody else was faster. Rejects with the last conflict in the end. */
export async function untilUncontested<Result>(attempt: () => Promise<Result>): Promise<Result> {
  for (let tries = 1; ; tries++) {
    try {
      return await attempt()
    } catch (error) {
      if (!isConflict(error) || tries >= mostAttempts) throw error
    }
  }
}

/** Writes records over whatever is there. */
export async function put(state: InteractiveState, changes: readonly Omit<KeptChange, 'expected'>[]): Promise<void> {
  await untilUncontested(async () => {
    const current = await Promise.all(changes.map(({ kind, id }) => state.get(kind, id)))
    await state.change(changes.map((change, at) => ({ ...change, expected: current[at]?.version ?? 0 })))
  })
}

/** Deletes a record, if it is there. */
export async function remove(state: InteractiveState, kind: string, id: string): Promise<void> {
  await untilUncontested(async () => {
    const record = await state.get(kind, id)
    if (record !== undefined) await state.change([{ kind, id, expected: record.version }])
  })
}
