/** Fetches a document of somebody else's server: only from allowed addresses, without redirects, within time and size. */

import { once } from 'node:events'
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { LookupFunction } from 'node:net'
import { type FetchDocument, FetchError } from '../protocol/issuer-keys.ts'
import { isLoopbackHost } from '../protocol/loopback.ts'
import type { Seconds } from '../protocol/ports.ts'
import { type AddressRules, addressJudge, isLoopbackAddress, withoutBrackets } from './addresses.ts'
import { type Resolve, resolveBySystem, vettedLookup } from './lookup.ts'

/** Limits of one fetcher: what it may reach, how long, how many at once. */
export interface DocumentFetchOptions extends AddressRules {
  /** For connecting, headers and body together. */
  deadline?: Seconds
  /** How many documents are fetched at the same time. Further calls wait for their turn, and their time starts with it. */
  atOnce?: number
  userAgent?: string
  /** Resolves host names; the system's resolver unless given. */
  resolve?: Resolve
}

/**
 * A {@link FetchDocument} for addresses that come from configuration or from a document of a configured issuer (ATK-114…117).
 * https alone, or http where the host is this machine by name and `allowLoopback` is set. Throws {@link FetchError}
 * `fetch_blocked` for an address that may not be asked, before anything is sent; `fetch_failed` for a redirect, an encoded or
 * too large body, a slow or unreachable server. Sends no cookie and no credential. Any other status than 3xx is the caller's
 * to judge. Does NOT look at the media type.
 */
export function documentFetch(options: DocumentFetchOptions): FetchDocument {
  const { deadline = 5, atOnce = 8, userAgent = 'xaa-broker', resolve = resolveBySystem } = options
  const mayConnect = addressJudge(options)
  const takeTurn = turns(atOnce)
  return async (address, { maxBytes, accept = 'application/json' }) => {
    const url = readAddress(address, options.allowLoopback)
    // RFC 8252 §8.3: http never leaves this machine, whatever its name resolves to.
    const vetted = url.protocol === 'http:' ? (ip: string) => isLoopbackAddress(ip) && mayConnect(ip) : mayConnect
    const host = withoutBrackets(url.hostname)
    const lookup = vettedLookup(resolve, vetted)
    lookup.checkLiteral(host)
    const done = await takeTurn()
    try {
      return await get(url, {
        lookup: lookup.lookup,
        headers: { accept, 'accept-encoding': 'identity', 'user-agent': userAgent },
        maxBytes,
        signal: AbortSignal.timeout(deadline * 1000),
        deadline,
      })
    } finally {
      done()
    }
  }
}

function readAddress(address: string, allowLoopback: boolean): URL {
  const url = URL.canParse(address) ? new URL(address) : undefined
  if (url === undefined) throw new FetchError('fetch_blocked', 'the address is not a URL')
  if (url.username !== '' || url.password !== '')
    throw new FetchError('fetch_blocked', `the address of ${url.host} holds a credential`)
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && allowLoopback && isLoopbackHost(url.hostname)))
    throw new FetchError('fetch_blocked', `${url.href} is not an https address`)
  return url
}

interface Get {
  lookup: LookupFunction
  headers: { [name: string]: string }
  maxBytes: number
  signal: AbortSignal
  deadline: Seconds
}

async function get(url: URL, options: Get): Promise<{ status: number; body: Uint8Array }> {
  const { lookup, headers, signal, maxBytes, deadline } = options
  let request: ClientRequest | undefined
  try {
    request = (url.protocol === 'https:' ? httpsRequest : httpRequest)(url, {
      // A connection of its own for each document, so that every one is made to an address vetted for it.
      agent: false,
      lookup,
      signal,
      headers,
    })
    request.on('error', () => {})
    request.end()
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    const status = response.statusCode ?? 0
    if (status >= 300 && status < 400)
      throw new FetchError('fetch_failed', `${url.href} answered with a redirect (${status})`)
    const encoding = response.headers['content-encoding']
    if (encoding !== undefined && encoding !== 'identity')
      throw new FetchError('fetch_failed', `${url.href} answered in an encoding that was not asked for`)
    return { status, body: await bodyOf(response, url, maxBytes) }
  } catch (cause) {
    if (cause instanceof FetchError) throw cause
    if (signal.aborted)
      throw new FetchError('fetch_failed', `${url.href} did not answer within ${deadline} s`, { cause })
    throw new FetchError('fetch_failed', `${url.href} cannot be fetched: ${wordOf(cause)}`, { cause })
  } finally {
    request?.destroy()
  }
}

async function bodyOf(response: IncomingMessage, url: URL, maxBytes: number): Promise<Uint8Array> {
  const tooLarge = () => new FetchError('fetch_failed', `${url.href} is larger than ${maxBytes} bytes`)
  if (Number(response.headers['content-length'] ?? 0) > maxBytes) throw tooLarge()
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response as AsyncIterable<Uint8Array>) {
    size += chunk.length
    if (size > maxBytes) throw tooLarge()
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** The code of a network error, such as ECONNREFUSED. Its message may hold what the other side sent. */
function wordOf(cause: unknown): string {
  const code = (cause as { code?: unknown } | null)?.code
  return typeof code === 'string' ? code : 'the connection failed'
}

/** At most `places` holders at a time, first come, first served. What it gives is to be called when the turn is over. */
function turns(places: number): () => Promise<() => void> {
  const waiting: (() => void)[] = []
  let free = places
  const done = () => {
    const next = waiting.shift()
    if (next === undefined) free++
    else next()
  }
  return async () => {
    if (free > 0) free--
    else await new Promise<void>((go) => waiting.push(go))
    return done
  }
}
