/** How often one client may ask for tokens: a bucket for each that fills as time goes by. */

import { OAuthError } from '../protocol/errors.ts'
import type { Seconds } from '../protocol/ports.ts'
import { recentlyUsed } from '../protocol/recently-used.ts'

/**
 * Gives a function that takes one request from the bucket of an authenticated client, and throws 429 `temporarily_unavailable` with
 * `Retry-After` when it is empty. A bucket holds two seconds' worth. A stranger takes nothing from anybody's.
 */
export function clientShare({ perSecond, now }: { perSecond: number; now(): Seconds }): (client: string) => void {
  const buckets = recentlyUsed<{ left: number; at: Seconds }>(100_000)
  const full = 2 * perSecond
  return (client) => {
    const at = now()
    const bucket = buckets.get(client) ?? { left: full, at }
    const left = Math.min(full, bucket.left + Math.max(0, at - bucket.at) * perSecond)
    buckets.set(client, { left: left < 1 ? left : left - 1, at })
    if (left >= 1) return
    throw new OAuthError('temporarily_unavailable', 'this client asks for tokens more often than it may', {
      status: 429,
      headers: { 'retry-after': '1' },
      reason: 'rate_limited',
      detail: `more than ${perSecond} a second: limits.requestsPerSecond`,
    })
  }
}
