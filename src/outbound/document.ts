/** Fetches a document of somebody else's server: only from allowed addresses, without redirects, within time and size. */

import type { IncomingHttpHeaders } from 'node:http'
import type { FetchDocument } from '../protocol/issuer-keys.ts'
import type { Seconds } from '../protocol/ports.ts'
import { type RequestLimits, vettedRequests } from './vetted-request.ts'

/** Limits of one fetcher: what it may reach, how long, how many at once. */
export type DocumentFetchOptions = RequestLimits

/**
 * A {@link FetchDocument} for addresses that come from configuration or from a document of a configured issuer (ATK-114…117).
 * https alone, or http where the host is this machine by name and `allowLoopback` is set. Throws {@link FetchError}
 * `fetch_blocked` for an address that may not be asked, before anything is sent; `fetch_failed` for a redirect, an encoded or
 * too large body, a slow or unreachable server. Sends no cookie and no credential. Any other status than 3xx is the caller's
 * to judge. Does NOT look at the media type.
 */
export function documentFetch(options: DocumentFetchOptions): FetchDocument {
  const send = vettedRequests(options)
  return async (address, { maxBytes, accept = 'application/json' }) => {
    const { status, headers, body } = await send({ address, method: 'GET', headers: { accept }, maxBytes })
    return { status, body, ...freshnessOf(headers) }
  }
}

/** RFC 9111 §4.2: what is left of the lifetime that the server gives, as a member of the result. */
function freshnessOf(headers: IncomingHttpHeaders): { maxAge?: Seconds } {
  const directives = (headers['cache-control'] ?? '').toLowerCase().split(',')
  const named = directives.map((one) => one.trim())
  if (named.includes('no-store') || named.includes('no-cache')) return { maxAge: 0 }
  const maxAge = named.flatMap((one) => /^max-age="?(\d{1,10})"?$/.exec(one)?.[1] ?? [])[0]
  if (maxAge === undefined) return {}
  const age = /^\d{1,10}$/.test(headers.age ?? '') ? Number(headers.age) : 0
  return { maxAge: Math.max(0, Number(maxAge) - age) }
}
