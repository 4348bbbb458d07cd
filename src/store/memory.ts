/** The store that lives in one process and dies with it: for tests, the demo, and a first look. */

import type { Seconds } from '../protocol/ports.ts'

export interface MemoryStoreOptions {
  now(): Seconds
  /** How many spent ids it holds before it refuses to take another. It never forgets one that is still of use. */
  maxEntries?: number
}

export interface MemoryStore {
  /** True the first time for a key until `until` (a moment). Test and insert happen in one step. Rejects when full. */
  once(key: string, until: Seconds): Promise<boolean>
  readonly size: number
}

export class StoreFullError extends Error {
  override readonly name = 'StoreFullError'
}

/** Spent ids in a Map. What was spent before this process started is not known: see `fence` in {@link Ports}. */
export function memoryStore({ now, maxEntries = 1_000_000 }: MemoryStoreOptions): MemoryStore {
  const spent = new Map<string, Seconds>()
  let sweptAt = now()
  const sweep = (at: Seconds) => {
    for (const [key, until] of spent) if (until <= at) spent.delete(key)
    sweptAt = at
  }
  return {
    async once(key, until) {
      const at = now()
      const known = spent.get(key)
      if (known !== undefined && known > at) return false
      if (spent.size >= maxEntries && at - sweptAt >= 1) sweep(at)
      // Evicting an id that is still of use would let its token be spent twice.
      if (known === undefined && spent.size >= maxEntries)
        throw new StoreFullError(`the store holds ${maxEntries} spent ids that are still of use`)
      if (at - sweptAt >= 30) sweep(at)
      spent.set(key, until)
      return true
    },
    get size() {
      return spent.size
    },
  }
}
