/** A map of bounded size that forgets what was unused for longest. */

export interface RecentlyUsed<Value> {
  get(key: string): Value | undefined
  set(key: string, value: Value): void
  delete(key: string): void
}

interface Entry<Value> {
  value: Value
  /** Whether it was read since it was last spared. */
  used: boolean
}

/**
 * Holds at most `maxEntries`; Infinity for no bound. Reading an entry uses it, and that costs a look and no more: what was used is spared
 * once when room is needed, and goes to the end of the queue.
 */
export function recentlyUsed<Value>(maxEntries: number): RecentlyUsed<Value> {
  // A Map keeps the order in which keys were set.
  const entries = new Map<string, Entry<Value>>()
  const makeRoom = () => {
    for (const [key, entry] of entries) {
      if (entries.size < maxEntries) return
      entries.delete(key)
      if (entry.used) entries.set(key, { value: entry.value, used: false })
    }
  }
  return {
    get(key) {
      const entry = entries.get(key)
      if (entry === undefined) return undefined
      entry.used = true
      return entry.value
    },
    set(key, value) {
      const known = entries.get(key)
      if (known !== undefined) {
        known.value = value
        known.used = true
        return
      }
      if (entries.size >= maxEntries) makeRoom()
      if (maxEntries > 0) entries.set(key, { value, used: false })
    },
    delete: (key) => void entries.delete(key),
  }
}
