/** What a store says of the policy, read beside the servers: its version, and every block that stands or was lifted. */

import type { Block } from '../../../src/protocol/blocks.ts'
import { kinds, namesOfBlock } from '../../../src/server/policy/policy-records.ts'
import { lmdbStore } from '../../../src/store/lmdb.ts'

/** A block, or the mark that it was lifted, at the version of the policy that brought it. */
export interface StoredBlock {
  names: Block
  version: number
}

export interface PolicyInStore {
  /** Of the latest change; 0 before the first. */
  version: number
  blocks: StoredBlock[]
  lifted: StoredBlock[]
}

/** Reads an LMDB directory that servers use. */
export async function policyInStore(directory: string): Promise<PolicyInStore> {
  const store = await lmdbStore({ directory, now: () => Date.now() / 1000, skew: 30 })
  try {
    const { records } = store
    const read = async (kind: string) =>
      (await records.list(kind)).map(({ value, version }) => ({ names: namesOfBlock(value as Block), version }))
    const [head] = await records.list(kinds.policy)
    return { version: head?.version ?? 0, blocks: await read(kinds.block), lifted: await read(kinds.lifted) }
  } finally {
    await store.close()
  }
}
