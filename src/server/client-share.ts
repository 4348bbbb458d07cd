/** How often one client may ask for tokens, and one sender for the pages of the code grant. */

import { senderOf } from '../http/sender.ts'
import { OAuthError } from '../protocol/errors.ts'
import type { Seconds } from '../protocol/ports.ts'
import { tokenBuckets } from './token-buckets.ts'

/**
 * Gives a function that takes one request from the bucket of an authenticated client, and throws 429 `temporarily_unavailable` with
 * `Retry-After` when it is empty. A bucket holds two seconds' worth. A stranger takes nothing from anybody's.
 */
export function clientShare({ perSecond, now }: { perSecond: number; now(): Seconds }): (client: string) => void {
  const take = tokenBuckets({ perSecond, most: 2 * perSecond, now })
  return (client) => {
    const wait = take(client)
    if (wait > 0)
      throw tooOften(
        'this client asks for tokens more often than it may',
        wait,
        `more than ${perSecond} a second: limits.requestsPerSecond`,
      )
  }
}

/** The same for the pages, by the address of the sender. A bucket holds a minute's worth: a company may be one address. */
export function pageShare({ perMinute, now }: { perMinute: number; now(): Seconds }): (address: string) => void {
  const take = tokenBuckets({ perSecond: perMinute / 60, most: perMinute, now })
  return (address) => {
    const wait = take(senderOf(address))
    if (wait > 0)
      throw tooOften(
        'too many pages were asked for from this address; wait a moment',
        wait,
        `more than ${perMinute} a minute: limits.pagesPerMinute`,
      )
  }
}

function tooOften(description: string, wait: Seconds, detail: string): OAuthError {
  return new OAuthError('temporarily_unavailable', description, {
    status: 429,
    headers: { 'retry-after': String(Math.ceil(wait)) },
    reason: 'rate_limited',
    detail,
  })
}
