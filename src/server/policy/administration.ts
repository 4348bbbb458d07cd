/** What an administrator does at run time: block and unblock, end tokens, and give up keys; each step atomic and durable. */

import { setTimeout as pause } from 'node:timers/promises'
import { type Block, blockOf } from '../../protocol/blocks.ts'
import type { Seconds } from '../../protocol/ports.ts'
import { ConflictError, type RecordChange, type Records } from '../../store/store.ts'
import { knownAccesses, longestTokenLife } from './access-records.ts'
import {
  type BlockRecord,
  blockId,
  type Change,
  headChange,
  headId,
  kinds,
  namesOfBlock,
  readPolicyRecords,
} from './policy-records.ts'

/** Who acts, and why. */
export interface Actor {
  by: string
  note?: string | undefined
}

/** What became of a change: done, and the version of the policy since; or it was so already. */
export interface Outcome {
  changed: boolean
  version: number
}

/** Every method rejects when the store cannot answer, and then it is unknown whether the change was made: do it again. */
export interface Administration {
  blocks(): Promise<readonly BlockRecord[]>
  /** From now on nobody whom the names fit gets anything, and what they were issued ends. Throws `TypeError` without a name. */
  block(names: Block, actor: Actor): Promise<Outcome>
  /** Lifts the block with exactly these names. What was issued before stays ended. */
  unblock(names: Block, actor: Actor): Promise<Outcome>
  /** Keys of this foreign issuer that were fetched before are not used again. */
  purgeIssuerKeys(issuer: string, actor: Actor): Promise<Outcome>
  /** A key of our own is not believed any more, whoever published it. */
  purgeKey(kid: string, actor: Actor): Promise<Outcome>
}

/** Refresh tokens live no longer: a lifted block is remembered this long. */
const longestSession: Seconds = 90 * 24 * 3600
/** The most records that one change touches. */
const most = 500

/** Works on the records of a store, beside any number of servers that follow them. */
export function administration(records: Records, now: () => Seconds): Administration {
  /** Decides anew, from what is there now, until nobody else was faster. */
  const decide = async (
    what: string,
    { by, note }: Actor,
    plan: (at: Change) => Promise<RecordChange[] | undefined>,
  ): Promise<Outcome> => {
    for (let attempt = 0; ; attempt++) {
      const version = (await records.get(kinds.policy, headId))?.version ?? 0
      const change = { at: now(), by, note }
      const changes = await plan(change)
      if (changes === undefined) return { changed: false, version }
      try {
        return { changed: true, version: await records.change([headChange(version, { ...change, what }), ...changes]) }
      } catch (error) {
        if (!(error instanceof ConflictError) || attempt >= 20) throw error
        await pause(5 + attempt * 5)
      }
    }
  }
  const put = async (
    kind: string,
    id: string,
    value: RecordChange['value'],
    until?: Seconds,
  ): Promise<RecordChange> => {
    const expected = (await records.get(kind, id))?.version ?? 0
    return { kind, id, expected, ...(value === undefined ? {} : { value }), ...(until === undefined ? {} : { until }) }
  }
  const find = async (names: Block) => await records.get(kinds.block, blockId(names))

  return {
    blocks: async () => (await readPolicyRecords(records)).blocks,
    async block(names, actor) {
      const named = namesOfBlock(names)
      if (Object.keys(named).length === 0)
        throw new TypeError('a block names a user, client, audience, tenant or issuer')
      return await decide('block', actor, async (change) => {
        if ((await find(named)) !== undefined) return undefined
        const value = JSON.parse(JSON.stringify({ ...named, ...change })) as { [member: string]: unknown }
        return [{ kind: kinds.block, id: blockId(named), expected: 0, value }]
      })
    },
    async unblock(names, actor) {
      const named = namesOfBlock(names)
      return await decide('unblock', actor, async ({ at }) => {
        const block = await find(named)
        if (block === undefined) return undefined
        const until = at + 2 * longestTokenLife
        const accesses = (await knownAccesses(records)).filter(({ access }) => blockOf([named], access) !== undefined)
        const ends = accesses.flatMap(({ id, index }): RecordChange[] => [
          { kind: kinds.ended, id: String(index), expected: 0, value: {}, until },
          { kind: kinds.access, id, expected: index },
        ])
        // While the block still stands, everything may be ended in steps; the last step lifts it.
        while (ends.length > most) await records.change(ends.splice(0, most)).catch(ignoreConflict)
        const lifted = { ...named, liftedAt: at }
        return [
          ...ends,
          await put(kinds.lifted, blockId(named), lifted, at + longestSession),
          { kind: kinds.block, id: block.id, expected: block.version },
        ]
      })
    },
    purgeIssuerKeys: (issuer, actor) =>
      decide('purge-issuer-keys', actor, async ({ at }) => [
        await put(kinds.purgedIssuer, digestId(issuer), { issuer, at }),
      ]),
    purgeKey: (kid, actor) =>
      decide('purge-key', actor, async () => {
        const change = await put(kinds.purgedKey, digestId(kid), { kid })
        return change.expected === 0 ? [change] : undefined
      }),
  }
}

function digestId(name: string): string {
  return blockId({ user: name })
}

function ignoreConflict(error: unknown): void {
  if (!(error instanceof ConflictError)) throw error
}
