/** Writes the policy back to a store that lost it: what was acknowledged is never forgotten because a server lost its memory. */

import { ConflictError, type RecordChange, type Records } from '../../store/store.ts'
import { headId, headVersion, kinds, type PolicyRecords } from './policy-records.ts'

/** The most records that one change touches. */
const most = 500

/**
 * Writes what this process knows to a store that went back to an earlier state, `ended` being indexes of tokens that a block ended.
 * What is there already stays. The head comes last and changes with whatever was written before it, so that every process reads it.
 */
export async function restorePolicy(
  records: Records,
  { records: all }: PolicyRecords,
  ended: ReadonlySet<number>,
): Promise<void> {
  const lost = all
    .filter(({ kind }) => kind !== kinds.policy)
    .map(({ kind, record: { id, value, until } }): RecordChange => {
      return { kind, id, expected: 0, value, ...(until === undefined ? {} : { until }) }
    })
  const indexes = [...ended].map(
    (index): RecordChange => ({ kind: kinds.ended, id: String(index), expected: 0, value: {} }),
  )
  const missing = [...lost, ...indexes]
  let written = 0
  while (missing.length > 0) {
    const some = missing.splice(0, most)
    if (await made(records, some)) written += some.length
    else for (const one of some) if (await made(records, [one])) written += 1
  }
  const head = all.find(({ kind }) => kind === kinds.policy)
  if (head === undefined) return
  // It tells of versions that this store never had.
  const { recent: _, ...value } = head.record.value
  for (let expected = await headVersion(records); expected === 0 || written > 0; expected = await headVersion(records))
    if (await made(records, [{ kind: kinds.policy, id: headId, expected, value }])) return
}

/** False when something of it is there already. */
async function made(records: Records, changes: readonly RecordChange[]): Promise<boolean> {
  try {
    await records.change(changes)
    return true
  } catch (error) {
    if (error instanceof ConflictError) return false
    throw error
  }
}
