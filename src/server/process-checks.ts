/** Whether the processes that serve the same issuers can share the store: single use must hold for all of them together. */

import type { Finding, Part } from './config-part.ts'

/**
 * What is wrong with `store` for as many workers and instances. How many instances there are, only the operator can say: two
 * processes that were told of no other are NOT found out.
 */
export function checkProcesses(top: Part): Finding[] {
  const store = top.at('store')
  const workers = numberOf(top.at('workers'))
  const instances = numberOf(top.at('instances'))
  const inMemory = store.text === 'memory'
  const embedded = !store.exists || store.text === 'lmdb' || (store.text === undefined && store.at('lmdb').exists)
  if (inMemory && (workers > 1 || instances > 1)) {
    const [number, what, remedy] =
      workers > 1
        ? [workers, 'workers', 'set store to lmdb or redis://…, which they can share, or workers to 1']
        : [instances, 'instances', 'set store to redis://…, which they can share, or instances to 1']
    return [{ path: store.path, message: `memory would let each of ${number} ${what} accept the same token`, remedy }]
  }
  if (embedded && instances > 1) {
    const remedy = 'set store to redis://…; or, on one machine, instances to 1 and workers to their number'
    return [{ path: store.path, message: `lmdb is of one machine, and instances is ${instances}`, remedy }]
  }
  return []
}

function numberOf({ value }: Part): number {
  return typeof value === 'number' ? value : 1
}
