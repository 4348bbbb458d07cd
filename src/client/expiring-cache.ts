/** Values kept until a moment, and made once when several ask at the same time. */

import type { Seconds } from '../protocol/ports.ts'

export interface ExpiringCache<T> {
  /** The value that is kept, else the one being made, else a new one. A failure reaches everybody who waits, and is not kept. */
  get(key: string, make: () => Promise<{ value: T; until: Seconds }>): Promise<T>
  /** Forgets this value, and no younger one that has taken its place. */
  drop(key: string, value: T): void
}

/** Expired values go when a new one comes, and the oldest when there are more than `maxEntries`. */
export function expiringCache<T>(now: () => Seconds, maxEntries = 1000): ExpiringCache<T> {
  const kept = new Map<string, { value: T; until: Seconds }>()
  const pending = new Map<string, Promise<T>>()

  function keep(key: string, entry: { value: T; until: Seconds }): void {
    for (const [other, { until }] of kept) if (until <= now() || kept.size >= maxEntries) kept.delete(other)
    if (now() < entry.until) kept.set(key, entry)
  }

  return {
    async get(key, make) {
      const entry = kept.get(key)
      if (entry !== undefined && now() < entry.until) return entry.value
      const waiting = pending.get(key)
      if (waiting !== undefined) return await waiting
      const made = make()
        .then((fresh) => {
          keep(key, fresh)
          return fresh.value
        })
        .finally(() => pending.delete(key))
      pending.set(key, made)
      return await made
    },
    drop(key, value) {
      if (kept.get(key)?.value === value) kept.delete(key)
    },
  }
}
