/** Bounds what strangers can make this server fetch: how many documents at once, how many in a minute, and how large. */

import { unavailable } from './errors.ts'
import type { FetchDocument } from './issuer-keys.ts'
import type { Seconds } from './ports.ts'

export interface FetchLimits {
  now(): Seconds
  /** Fetches under way at the same time. */
  atOnce: number
  /** Further ones that wait for their turn. */
  maxWaiting: number
  /** Fetches begun in any minute. */
  perMinute: number
  /** No document may be larger, whatever the caller would take. */
  maxBytes: number
}

/**
 * The same fetch within limits (ATK-124). Beyond them it throws `temporarily_unavailable` (503) with `cimd_limited` at once: nothing is
 * wrong with the document, and the caller may come again.
 */
export function limitedFetch(fetchDocument: FetchDocument, limits: FetchLimits): FetchDocument {
  const { now, atOnce, maxWaiting, perMinute, maxBytes: most } = limits
  const waiting: (() => void)[] = []
  let begun: Seconds[] = []
  let free = atOnce
  const turnOver = () => {
    const next = waiting.shift()
    if (next === undefined) free++
    else next()
  }
  return async (url, { maxBytes, ...rest }) => {
    begun = begun.filter((at) => now() - at < 60)
    if (begun.length >= perMinute) throw limited(`${perMinute} documents of unlisted clients were fetched in a minute`)
    if (free === 0 && waiting.length >= maxWaiting)
      throw limited(`${atOnce} documents of unlisted clients are being fetched, and ${maxWaiting} wait`)
    begun.push(now())
    if (free > 0) free--
    else await new Promise<void>((go) => waiting.push(go))
    try {
      return await fetchDocument(url, { ...rest, maxBytes: Math.min(maxBytes, most) })
    } finally {
      turnOver()
    }
  }
}

function limited(detail: string): Error {
  return unavailable('cimd_limited', detail)
}
