/** A map of bounded size that forgets what was unused for longest. */

export interface RecentlyUsed<Value> {
  get(key: string): Value | undefined
  set(key: string, value: Value): void
  delete(key: string): void
}

/** Holds at most `maxEntries`; Infinity for no bound. Reading an entry uses it. */
export function recentlyUsed<Value>(maxEntries: number): RecentlyUsed<Value> {
  // A Map keeps the order in which keys were set.
  const entries = new Map<string, Value>()
  const set = (key: string, value: Value) => {
    entries.delete(key)
    entries.set(key, value)
    if (entries.size <= maxEntries) return
    for (const oldest of entries.keys()) {
      entries.delete(oldest)
      break
    }
  }
  return {
    get(key) {
      const value = entries.get(key)
      if (value !== undefined) set(key, value)
      return value
    },
    set,
    delete: (key) => void entries.delete(key),
  }
}
