/** What an administrator does at run time: block and unblock, end tokens, and give up keys; each step atomic and durable. */

import type { Block } from '../../protocol/blocks.ts'
import type { Seconds } from '../../protocol/ports.ts'
import type { RecordChange, Records } from '../../store/store.ts'
import { type Actor, decider, endings, type Outcome } from './decision.ts'
import { type BlockRecord, blockId, kinds, namesOfBlock, readPolicyRecords } from './policy-records.ts'

export type { Actor, Outcome } from './decision.ts'

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

/** Works on the records of a store, beside any number of servers that follow them. */
export function administration(records: Records, now: () => Seconds): Administration {
  const decide = decider(records, now)
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
        return [...(await endings(records, named, at)), { kind: kinds.block, id: block.id, expected: block.version }]
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
