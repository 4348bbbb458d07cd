/** The requests the client makes on its own account (metadata and tokens): address, redirects, size and time are bounded. */

import { bodyBytes } from '../protocol/body-bytes.ts'
import { FetchError } from '../protocol/issuer-keys.ts'
import type { Seconds } from '../protocol/ports.ts'
import { isSafeAddress } from './address.ts'

/** The part of the global `fetch` that is used here. */
export type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>

export type StepName =
  | 'call'
  | 'resource-metadata'
  | 'authorization-server-metadata'
  | 'identity-provider-metadata'
  | 'exchange'
  | 'redemption'

/**
 * One request of the flow and its answer, word for word. It holds secrets, assertions and tokens: for tools that show
 * the flow to the person who runs it, never for a log. The bodies of a `call` belong to the caller and are left out.
 */
export interface Step {
  name: StepName
  request: { method: string; url: string; headers: { [name: string]: string }; body?: string }
  answer: { status: number; headers: { [name: string]: string }; body?: string }
}

export interface OwnRequest {
  url: string
  /** What named this address; see {@link isSafeAddress}. */
  source: string
  headers?: Headers
  /** Makes it a POST of a form. */
  form?: URLSearchParams
}

/** An answer read to its end. */
export interface Answer {
  url: string
  status: number
  headers: Headers
  body: Uint8Array
}

/** Sends one request. Throws {@link FetchError}: the address may not be used, nobody answered, or with too much. */
export type Send = (name: StepName, request: OwnRequest) => Promise<Answer>

export interface SendingOptions {
  fetch: Fetch
  timeout: Seconds
  onStep: (step: Step) => void
}

const maxBytes = 256 * 1024

export function sending({ fetch, timeout, onStep }: SendingOptions): Send {
  return async (name, { url, source, headers = new Headers(), form }) => {
    if (!isSafeAddress(url, source))
      throw new FetchError(
        'fetch_blocked',
        `${url} may not be used: it must be https, or http on loopback from loopback`,
      )
    headers.set('accept', 'application/json')
    if (form !== undefined) headers.set('content-type', 'application/x-www-form-urlencoded')
    const method = form === undefined ? 'GET' : 'POST'
    const body = form?.toString()
    let response: Response
    let bytes: Uint8Array
    try {
      response = await fetch(url, {
        method,
        headers,
        ...(body === undefined ? {} : { body }),
        // RFC 9700 §4.12: a redirect would carry the credentials on. It is an answer like any other, and never 200.
        redirect: 'manual',
        signal: AbortSignal.timeout(timeout * 1000),
      })
      bytes = await readBounded(response, url)
    } catch (cause) {
      if (cause instanceof FetchError) throw cause
      throw new FetchError('fetch_failed', `${url} cannot be reached: ${describe(cause, timeout)}`, { cause })
    }
    onStep({
      name,
      request: { method, url, headers: Object.fromEntries(headers), ...(body === undefined ? {} : { body }) },
      answer: {
        status: response.status,
        headers: Object.fromEntries(response.headers),
        body: new TextDecoder().decode(bytes),
      },
    })
    return { url, status: response.status, headers: response.headers, body: bytes }
  }
}

async function readBounded(response: Response, url: string): Promise<Uint8Array> {
  // Bytes are counted after decompression, which is what fills the memory.
  const tooLarge = () => new FetchError('fetch_failed', `${url} answered with more than ${maxBytes} bytes`)
  return await bodyBytes((response.body ?? []) as AsyncIterable<Uint8Array>, maxBytes, tooLarge)
}

function describe(cause: unknown, timeout: Seconds): string {
  if (!(cause instanceof Error)) return 'unknown'
  if (cause.name === 'TimeoutError') return `no complete answer within ${timeout} s`
  // Node's fetch says only "fetch failed" and keeps the reason one below.
  const below = cause.cause
  return below instanceof Error && below.message !== '' ? below.message : cause.message
}
