/** A map of bounded size that forgets what was unused for longest. */

export interface RecentlyUsed<Value> {
  get(key: string): Value | undefined
  set(key: string, value: Value): void
  delete(key: string): void
}

/**
 * Holds at most `maxEntries`; Infinity for no bound. Reading an entry uses it. There are two halves: what is set or read stands in the young
 * one, and when that is full, it is the old one, and what was in the old one and not read since is forgotten. So reading costs a look, and
 * making room costs nothing.
 */
export function recentlyUsed<Value>(maxEntries: number): RecentlyUsed<Value> {
  const half = Math.ceil(maxEntries / 2)
  let young = new Map<string, Value>()
  let old = new Map<string, Value>()
  const set = (key: string, value: Value) => {
    old.delete(key)
    if (young.size >= half && !young.has(key)) {
      old = maxEntries < 2 ? new Map() : young
      young = new Map()
    }
    if (maxEntries > 0) young.set(key, value)
  }
  return {
    get(key) {
      const value = young.get(key)
      if (value !== undefined || old.size === 0) return value
      const before = old.get(key)
      if (before !== undefined) set(key, before)
      return before
    },
    set,
    delete(key) {
      young.delete(key)
      old.delete(key)
    },
  }
}
