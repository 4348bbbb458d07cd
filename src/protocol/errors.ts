/** The one kind of error that a caller is told about, and the one table from its code to an HTTP status. */

import type { Reason } from './reasons.ts'

const statusOf = {
  // RFC 6749 §5.2
  invalid_request: 400,
  invalid_client: 401,
  invalid_grant: 400,
  unauthorized_client: 400,
  unsupported_grant_type: 400,
  invalid_scope: 400,
  // RFC 6749 §4.1.2.1; at the token endpoint only in the WG's branch access_denied_error (ID-JAG FL-DEN-01)
  access_denied: 400,
  // RFC 8707 §2, RFC 8693 §2.2.2
  invalid_target: 400,
  // draft-mcguinness-oauth-actor-profile (AC-04)
  actor_unauthorized: 400,
  // RFC 9396 §5
  invalid_authorization_details: 400,
  // RFC 9449 §5, §8
  invalid_dpop_proof: 400,
  use_dpop_nonce: 400,
  // RFC 9470, at the token endpoint by ID-JAG §9.2
  insufficient_user_authentication: 400,
  // RFC 6750 §3.1
  invalid_token: 401,
  insufficient_scope: 403,
  // RFC 6749 §4.1.2.1, the nearest there is
  server_error: 500,
  temporarily_unavailable: 503,
} as const

export type OAuthErrorCode = keyof typeof statusOf

/** Members beside `error` and `error_description` that a code brings along, such as `max_age` (ID-JAG §9.2). */
export type ErrorParameters = Record<string, string | number>

export interface OAuthErrorOptions {
  /** For the audit: why, in one word of the closed list. */
  reason: Reason
  /** For the audit: what was found. It may hold values of the caller, never a secret or token. */
  detail?: string | undefined
  /** For the log: the error below this one. */
  cause?: unknown
  parameters?: ErrorParameters
  /** Headers that the answer needs, by lower-case name, such as `dpop-nonce` (RFC 9449 §8). */
  headers?: { readonly [name: string]: string }
  /** Where HTTP has a more exact status than the table, such as 415 for a media type. */
  status?: number
}

/**
 * A failure with three voices: `code` for the caller's program, `message` for its developer, and `reason`, `detail`
 * and `cause` for our own operator. The message names the parameter and never a secret; characters that RFC 6749 §5.2
 * forbids in `error_description` are replaced.
 */
export class OAuthError extends Error {
  override readonly name = 'OAuthError'
  readonly code: OAuthErrorCode
  readonly reason: Reason
  readonly detail: string | undefined
  readonly parameters: ErrorParameters
  readonly headers: { readonly [name: string]: string }
  readonly status: number

  constructor(code: OAuthErrorCode, description: string, options: OAuthErrorOptions) {
    // RFC 6749 §5.2: %x20-21 / %x23-5B / %x5D-7E
    super(
      description.replace(/["\\]/g, "'").replace(/[^\x20-\x7e]/g, '?'),
      options.cause === undefined ? undefined : { cause: options.cause },
    )
    this.code = code
    this.reason = options.reason
    this.detail = options.detail
    this.parameters = options.parameters ?? {}
    this.headers = options.headers ?? {}
    this.status = options.status ?? statusOf[code]
  }

  /** The body of the answer (RFC 6749 §5.2). */
  toJSON(): Record<string, string | number> {
    return { error: this.code, error_description: this.message, ...this.parameters }
  }
}

/** A dependency that cannot be asked now: 503, and the caller may come again. Fail closed, never a token. */
export function unavailable(reason: Reason, detail: string, cause?: unknown): OAuthError {
  return new OAuthError('temporarily_unavailable', 'a service this server depends on cannot be reached now', {
    reason,
    detail,
    ...(cause === undefined ? {} : { cause }),
  })
}

/** What every failed client authentication looks like from outside (RFC 6749 §5.2): 401 and the same words, whatever the reason. */
export function unauthenticated(reason: Reason, detail: string, cause?: unknown): OAuthError {
  return new OAuthError('invalid_client', 'client authentication failed', {
    reason,
    detail,
    ...(cause === undefined ? {} : { cause }),
  })
}
