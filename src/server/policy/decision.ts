/** How an administrator's change is decided and made: with the head, all of it or nothing, anew whenever somebody else was faster. */

import { setTimeout as pause } from 'node:timers/promises'
import { type Block, blockOf } from '../../protocol/blocks.ts'
import type { Seconds } from '../../protocol/ports.ts'
import { ConflictError, type RecordChange, type Records } from '../../store/store.ts'
import { endOfIndex, knownAccesses } from './access-records.ts'
import { blockId, type Change, headChange, kinds, readHead } from './policy-records.ts'

/** Who acts, and why. */
export interface Actor {
  by: string
  note?: string | undefined
  /**
   * Told once, when it is decided that there is something to change, of the version of the policy before it. When this rejects, nothing
   * is changed.
   */
  announce?(version: number): Promise<void>
}

/** What became of a change: done, and the version of the policy since; or it was so already. */
export interface Outcome {
  changed: boolean
  version: number
}

/** Decides on what is in the store. Undefined: there is nothing to change. */
export type Plan = (change: Change) => Promise<RecordChange[] | undefined>

const mostAttempts = 20

/**
 * Makes changes to these records. Rejects when the store cannot answer, and then it is unknown whether the change was made; and with
 * {@link ConflictError} when others were faster twenty times. What the plan throws passes.
 */
export function decider(records: Records, now: () => Seconds) {
  return async (what: string, { by, note, announce }: Actor, plan: Plan): Promise<Outcome> => {
    let announced = announce === undefined
    for (let attempt = 0; ; attempt++) {
      const head = await readHead(records)
      const { version } = head
      const change = { at: now(), by, note }
      const changes = await plan(change)
      if (changes === undefined) return { changed: false, version }
      if (!announced) await announce?.(version)
      announced = true
      try {
        return {
          changed: true,
          version: await records.change([headChange(head, { ...change, what }, changes), ...changes]),
        }
      } catch (error) {
        if (!(error instanceof ConflictError) || attempt >= mostAttempts) throw error
        await pause(5 + attempt * 5)
      }
    }
  }
}

/** Refresh tokens live no longer: who was stopped is remembered this long. */
export const longestSession: Seconds = 90 * 24 * 3600

/** The most records that one change touches. */
const most = 500

/**
 * The changes that end, for good, what was granted to whomever a block fits: they belong to the change that lifts it, or that switches
 * an entry on again. Access tokens end one by one; when there are more of them than one change may hold, the others are ended now,
 * while the block still stands. Refresh tokens end because they are older.
 */
export async function endings(records: Records, names: Block, at: Seconds): Promise<RecordChange[]> {
  const id = blockId(names)
  const expected = (await records.get(kinds.lifted, id))?.version ?? 0
  const value = { ...names, liftedAt: at }
  return [
    ...(await endingsOfTokens(records, names, at)),
    { kind: kinds.lifted, id, expected, value, until: at + longestSession },
  ]
}

async function endingsOfTokens(records: Records, names: Block, at: Seconds): Promise<RecordChange[]> {
  const accesses = (await knownAccesses(records)).filter(({ access }) => blockOf([names], access) !== undefined)
  const ends = accesses.flatMap(({ id, index }): RecordChange[] => [
    endOfIndex(index, at),
    { kind: kinds.access, id, expected: index },
  ])
  while (ends.length > most) await records.change(ends.splice(0, most)).catch(ignoreConflict)
  return ends
}

function ignoreConflict(error: unknown): void {
  if (!(error instanceof ConflictError)) throw error
}
