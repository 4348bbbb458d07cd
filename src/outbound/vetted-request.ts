/** One request to somebody else's server: only to allowed addresses, without redirects, within time and size. */

import { once } from 'node:events'
import { type ClientRequest, request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { LookupFunction } from 'node:net'
import { bodyBytes } from '../protocol/body-bytes.ts'
import { FetchError } from '../protocol/issuer-keys.ts'
import { isLoopbackHost } from '../protocol/loopback.ts'
import type { Seconds } from '../protocol/ports.ts'
import { type AddressRules, addressJudge, isLoopbackAddress, withoutBrackets } from './addresses.ts'
import { type Resolve, resolveBySystem, vettedLookup } from './lookup.ts'

/** Limits of one sender of requests: what it may reach, how long, how many at once. */
export interface RequestLimits extends AddressRules {
  /** For connecting, headers and body together. */
  deadline?: Seconds
  /** How many requests are under way at the same time. Further calls wait for their turn, and their time starts with it. */
  atOnce?: number
  userAgent?: string
  /** Resolves host names; the system's resolver unless given. */
  resolve?: Resolve
}

/** What is asked. */
export interface VettedRequest {
  address: string
  method: 'GET' | 'POST'
  /** Sent as they are, besides `accept-encoding` and `user-agent`. */
  headers: { [name: string]: string }
  body?: Uint8Array
  /** The largest body of an answer that is read. */
  maxBytes: number
  /** Ends the request before its time. */
  signal?: AbortSignal
}

/** What came, whatever its status, unless it is a redirect. */
export interface VettedAnswer {
  status: number
  headers: IncomingHttpHeaders
  body: Uint8Array
}

/**
 * Makes the sender (ATK-114…117). https alone, or http where the host is this machine by name and `allowLoopback` is set. It throws
 * {@link FetchError} `fetch_blocked` for an address that may not be asked, before anything is sent; `fetch_failed` for a redirect, an
 * encoded or too large body, a slow or unreachable server.
 */
export function vettedRequests(limits: RequestLimits): (request: VettedRequest) => Promise<VettedAnswer> {
  const { deadline = 5, atOnce = 8, userAgent = 'xaa-broker', resolve = resolveBySystem } = limits
  const mayConnect = addressJudge(limits)
  const takeTurn = turns(atOnce)
  return async ({ address, headers, signal, ...request }) => {
    const url = readAddress(address, limits.allowLoopback)
    // RFC 8252 §8.3: http never leaves this machine, whatever its name resolves to.
    const vetted = url.protocol === 'http:' ? (ip: string) => isLoopbackAddress(ip) && mayConnect(ip) : mayConnect
    const lookup = vettedLookup(resolve, vetted)
    lookup.checkLiteral(withoutBrackets(url.hostname))
    const done = await takeTurn()
    try {
      const timeout = AbortSignal.timeout(deadline * 1000)
      return await send(url, {
        ...request,
        lookup: lookup.lookup,
        headers: { ...headers, 'accept-encoding': 'identity', 'user-agent': userAgent },
        signal: signal === undefined ? timeout : AbortSignal.any([timeout, signal]),
        deadline,
      })
    } finally {
      done()
    }
  }
}

/** The address as a URL object. Throws {@link FetchError} `fetch_blocked`, whose message holds no credential. */
export function readAddress(address: string, allowLoopback: boolean): URL {
  const url = URL.canParse(address) ? new URL(address) : undefined
  if (url === undefined) throw new FetchError('fetch_blocked', 'the address is not a URL')
  if (url.username !== '' || url.password !== '')
    throw new FetchError('fetch_blocked', `the address of ${url.host} holds a credential`)
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && allowLoopback && isLoopbackHost(url.hostname)))
    throw new FetchError('fetch_blocked', `${url.href} is not an https address`)
  return url
}

interface Sending extends Pick<VettedRequest, 'method' | 'headers' | 'body' | 'maxBytes'> {
  lookup: LookupFunction
  signal: AbortSignal
  deadline: Seconds
}

async function send(url: URL, options: Sending): Promise<VettedAnswer> {
  const { method, lookup, headers, body, signal, maxBytes, deadline } = options
  let request: ClientRequest | undefined
  try {
    request = (url.protocol === 'https:' ? httpsRequest : httpRequest)(url, {
      method,
      // A connection of its own for each request, so that every one is made to an address vetted for it.
      agent: false,
      lookup,
      signal,
      headers: body === undefined ? headers : { ...headers, 'content-length': String(body.length) },
    })
    request.on('error', () => {})
    request.end(body)
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    const status = response.statusCode ?? 0
    if (status >= 300 && status < 400)
      throw new FetchError('fetch_failed', `${url.href} answered with a redirect (${status})`)
    const encoding = response.headers['content-encoding']
    if (encoding !== undefined && encoding !== 'identity')
      throw new FetchError('fetch_failed', `${url.href} answered in an encoding that was not asked for`)
    return { status, headers: response.headers, body: await bodyOf(response, url, maxBytes) }
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
  return await bodyBytes(response, maxBytes, tooLarge)
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
