/** A `fetch` for libraries that talk to somebody else's server: the guards of a document, for GET and POST. */

import { FetchError } from '../protocol/issuer-keys.ts'
import { type RequestLimits, readAddress, vettedRequests } from './vetted-request.ts'

export interface GuardedFetchOptions extends RequestLimits {
  /** The largest body that is read; 256 KiB unless given. */
  maxBytes?: number
}

const withoutBody = [204, 205]

/**
 * A `fetch` with the guards of {@link documentFetch}: vetted addresses, a time limit, a size limit, no redirects (whatever `redirect`
 * says), no cookies, no encoded body. It rejects with {@link FetchError} where they refuse, and with `TypeError` for a method other
 * than GET and POST. The whole answer has been read when it resolves. Headers of the request go out as given, credentials included.
 */
export function guardedFetch({ maxBytes = 256 * 1024, ...limits }: GuardedFetchOptions): typeof fetch {
  const send = vettedRequests(limits)
  return async (input, init) => {
    const address = input instanceof Request ? input.url : String(input)
    // Before a Request is made: its error quotes the address, and what is secret in it.
    readAddress(address, limits.allowLoopback)
    const request = new Request(input, init)
    if (request.method !== 'GET' && request.method !== 'POST')
      throw new TypeError(`${request.method} is not a method of this fetch`)
    const headers = Object.fromEntries(request.headers)
    delete headers.cookie
    const answer = await send({
      address,
      method: request.method,
      headers,
      ...(request.method === 'GET' ? {} : { body: new Uint8Array(await request.arrayBuffer()) }),
      maxBytes,
      signal: request.signal,
    })
    return responseOf(answer, address)
  }
}

function responseOf(
  { status, headers, body }: Awaited<ReturnType<ReturnType<typeof vettedRequests>>>,
  address: string,
) {
  if (status < 200 || status > 599)
    throw new FetchError('fetch_failed', `${new URL(address).href} answered with the status ${status}, which is none`)
  const lines = Object.entries(headers).flatMap(([name, value]) =>
    [value ?? []].flat().map((one): [string, string] => [name, one]),
  )
  return new Response(withoutBody.includes(status) ? null : Uint8Array.from(body), { status, headers: lines })
}
