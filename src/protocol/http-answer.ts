/** The HTTP side of an OAuth answer as a value, for every framework to send: status, headers and a JSON object. */

import { OAuthError } from './errors.ts'

export interface HttpAnswer {
  status: number
  headers: { readonly [name: string]: string }
  /** Sent as `application/json`. */
  body: object
}

/** RFC 6749 §5.1: on every answer of an OAuth endpoint, also on refusals. */
export const noStore = { 'cache-control': 'no-store', pragma: 'no-cache' } as const

/**
 * How an error is answered (RFC 6749 §5.2): an {@link OAuthError} as it says, anything else as 500 `server_error` and not a word of
 * what it was. `usedAuthorization` is whether the request had an `Authorization` header. Does NOT report: a status from 500 on is the
 * host's to tell its operator about.
 */
export function errorAnswer(error: unknown, usedAuthorization: boolean): HttpAnswer {
  if (!(error instanceof OAuthError))
    return {
      status: 500,
      headers: noStore,
      body: { error: 'server_error', error_description: 'the server failed' },
    }
  const { status, code } = error
  const headers = {
    ...noStore,
    ...error.headers,
    ...(status >= 500 ? { 'retry-after': '1' } : {}),
    // RFC 9110 §15.5.6
    ...(status === 405 ? { allow: 'POST' } : {}),
    // RFC 6749 §5.2: a client that used the Authorization header is told the scheme.
    ...(code === 'invalid_client' && usedAuthorization
      ? { 'www-authenticate': 'Basic realm="token endpoint", charset="UTF-8"' }
      : {}),
  }
  return { status, headers, body: error.toJSON() }
}

/**
 * On the answers of endpoints that applications in browsers call, from whatever origin. They bring no cookie, so a page learns nothing
 * there that its server could not have asked for (OAuth 2.0 for Browser-Based Applications).
 */
export const openOriginHeaders = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers': 'x-correlation-id, www-authenticate, retry-after, dpop-nonce',
} as const

/** The headers that answer a preflight of such an endpoint. */
export const openOriginPreflightHeaders = {
  ...openOriginHeaders,
  'access-control-allow-methods': 'GET, POST, PUT, DELETE',
  // Fetch standard: the wildcard does not stand for Authorization.
  'access-control-allow-headers': '*, authorization',
  'access-control-max-age': '600',
} as const

/** The headers of a public document: readable from any origin, and fresh enough that a rotated key appears within a minute. */
export const documentHeaders = {
  'cache-control': 'public, max-age=60',
  'access-control-allow-origin': '*',
  'content-type': 'application/json',
} as const

/** The headers that answer a preflight of such a document: MCP clients in a browser send MCP-Protocol-Version along. */
export const documentPreflightHeaders = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'GET',
  'access-control-allow-headers': '*, mcp-protocol-version',
} as const
