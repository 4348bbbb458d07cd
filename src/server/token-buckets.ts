/** Buckets that fill as time goes by: how often each of many may do something. */

import type { Seconds } from '../protocol/ports.ts'
import { recentlyUsed } from '../protocol/recently-used.ts'

export interface TokenBucketOptions {
  perSecond: number
  /** How many a bucket holds that was left alone. */
  most: number
  now(): Seconds
}

/**
 * Gives a function that takes one out of the bucket of this name. It answers 0 when there was one, otherwise after how many seconds there
 * will be. Remembers the 100,000 that were used last; one that was forgotten is full again.
 */
export function tokenBuckets({ perSecond, most, now }: TokenBucketOptions): (name: string) => Seconds {
  const buckets = recentlyUsed<{ left: number; at: Seconds }>(100_000)
  return (name) => {
    const at = now()
    const bucket = buckets.get(name) ?? { left: most, at }
    const left = Math.min(most, bucket.left + Math.max(0, at - bucket.at) * perSecond)
    buckets.set(name, { left: left < 1 ? left : left - 1, at })
    return left < 1 ? (1 - left) / perSecond : 0
  }
}
