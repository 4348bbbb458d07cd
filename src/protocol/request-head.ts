/** What the head of a request to an OAuth endpoint must be, before a byte of its body is read; the same behind every framework. */

import { OAuthError } from './errors.ts'

/** The largest body an OAuth endpoint reads. */
export const maxBodyBytes = 64 * 1024

/** The header of every answer that names the audit line of its request. */
export const correlationHeader = 'x-correlation-id'

const formType = /^application\/x-www-form-urlencoded *(; *charset=(utf-8|"utf-8") *)?$/i

/** A request without its body. */
export interface RequestHead {
  method: string
  /** True when the address has a query. */
  hasQuery: boolean
  /** Every line of one header, by its name in lower case. */
  lines(name: string): readonly string[]
}

/** From so many header lines on, Node hides the rest (`server.maxHeadersCount`). */
const maxHeaderLines = 1000

/**
 * Every line of one header from Node's `rawHeaders`: `headers` keeps the first of two and hides the other. Throws `invalid_request` with
 * 431 where further lines may be hidden, among them a second of this one.
 */
export function rawHeaderLines(rawHeaders: readonly string[], name: string): string[] {
  if (rawHeaders.length >= 2 * maxHeaderLines)
    throw new OAuthError('invalid_request', 'too many header lines', { reason: 'too_large', status: 431 })
  const lines: string[] = []
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const there = rawHeaders[at] as string
    if (there.length === name.length && there.toLowerCase() === name) lines.push(rawHeaders[at + 1] as string)
  }
  return lines
}

/**
 * Refuses a request whose head is not one of a form (RFC 6749 §3.2): `invalid_request`, with 415 for what is no plain form. Methods
 * other than POST are checked for their Host alone: see {@link methodNotAllowed}. Does NOT look at `Authorization`.
 */
export function checkHead({ method, hasQuery, lines }: RequestHead): void {
  // RFC 9112 §3.2: two Host headers are answered with 400. Node takes the first.
  if (lines('host').length > 1)
    throw new OAuthError('invalid_request', 'more than one Host header', { reason: 'malformed' })
  if (method !== 'POST') return
  // RFC 6749 §2.3.1, §3.2: nothing of a token request belongs in the address, where logs would keep it.
  if (hasQuery)
    throw new OAuthError('invalid_request', 'parameters must be in the body, not in the query', {
      reason: 'query_parameters',
    })
  // RFC 9110 §10.1.1: 417 for what cannot be promised.
  if (lines('expect').some((one) => one.toLowerCase() !== '100-continue'))
    throw new OAuthError('invalid_request', 'expect can be 100-continue alone', { reason: 'malformed', status: 417 })
  const [type, ...more] = lines('content-type')
  // Servers read more spellings than RFC 6749 §3.2 names, and a second header may be hidden.
  if (type === undefined || more.length > 0 || !formType.test(type)) throw notAForm()
  const encoding = lines('content-encoding')
  if (encoding.length > 0 && encoding.some((one) => one.toLowerCase() !== 'identity'))
    throw new OAuthError('invalid_request', 'content-encoding is not supported', {
      reason: 'content_type',
      status: 415,
    })
}

/** The refusal of every method but POST: 405, at an endpoint that people know by `name`. */
export function methodNotAllowed(name: string): OAuthError {
  return new OAuthError('invalid_request', `${name} takes POST alone`, { reason: 'method_not_allowed', status: 405 })
}

/** The refusal of a body that is no form. */
export function notAForm(cause?: unknown): OAuthError {
  return new OAuthError('invalid_request', 'content-type must be application/x-www-form-urlencoded', {
    reason: 'content_type',
    status: 415,
    cause,
  })
}

/** The refusal of a body beyond {@link maxBodyBytes}. */
export function bodyTooLarge(cause?: unknown): OAuthError {
  return new OAuthError('invalid_request', `the body is larger than ${maxBodyBytes} bytes`, {
    reason: 'too_large',
    status: 413,
    cause,
  })
}

/** The refusal of a request that ended or broke before it was whole. */
export function unreadable(cause: unknown, status = 400): OAuthError {
  return new OAuthError('invalid_request', 'the request cannot be read', { reason: 'malformed', status, cause })
}
