/** Errors on their way between our grants and an oidc-provider application: each side gets its own kind. */

import { OAuthError, type OAuthErrorCode } from '../../protocol/errors.ts'
import type { Reason } from '../../protocol/reasons.ts'

/** The members by which oidc-provider knows an error that it may show to the caller. */
interface ShownError extends Error {
  error: string
  error_description?: string
  statusCode: number
  expose: true
}

/**
 * A refusal in the shape of oidc-provider's own errors, for its answer and its `grant.error` event; `cause` is the {@link OAuthError}.
 * It is no instance of the package's classes: those of the application's copy cannot be reached from here.
 */
export class GrantError extends Error implements ShownError {
  override readonly name = 'GrantError'
  readonly error: OAuthErrorCode
  readonly error_description: string
  readonly error_detail: string | undefined
  readonly status: number
  readonly statusCode: number
  // A 503 of ours says `temporarily_unavailable`, and nothing that nobody may know.
  readonly expose = true
  readonly allow_redirect = false
  override readonly cause: OAuthError

  constructor(cause: OAuthError) {
    // oidc-provider answers with the message as `error`.
    super(cause.code)
    this.error = cause.code
    this.error_description = cause.message
    this.error_detail = cause.detail
    this.status = cause.status
    this.statusCode = cause.status
    this.cause = cause
  }
}

export function isShownError(error: unknown): error is ShownError {
  return (
    error instanceof Error && 'statusCode' in error && 'error' in error && 'expose' in error && error.expose === true
  )
}

/**
 * Runs a check of the application's own provider inside one of our grants. Its refusal comes out as {@link OAuthError} for the audit, and
 * is answered with the provider's own words ({@link thrownTo}). Whatever is no refusal comes out as it is.
 */
export async function askProvider<Answer>(
  code: OAuthErrorCode,
  reason: Reason,
  ask: () => Answer | Promise<Answer>,
): Promise<Answer> {
  try {
    return await ask()
  } catch (cause) {
    if (!isShownError(cause)) throw cause
    const { error, error_description: description = error } = cause
    throw new OAuthError(code, description, { reason, detail: `${error}: ${description}`, cause })
  }
}

/** What is thrown to oidc-provider for an error of our grant. */
export function thrownTo(error: unknown): unknown {
  if (!(error instanceof OAuthError)) return error
  return isShownError(error.cause) ? error.cause : new GrantError(error)
}
