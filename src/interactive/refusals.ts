/** What the provider refuses, in the words of this server: the same codes, a sentence, and a reason for the audit. */

import { OAuthError, type OAuthErrorCode } from '../protocol/errors.ts'
import type { Reason } from '../protocol/reasons.ts'
import { SpentError } from './kept-models.ts'
import type { ProviderAnswer } from './provider-call.ts'

/** An error of the provider. */
interface ProviderError extends Error {
  error?: string
  error_description?: string
  error_detail?: string
  expose?: boolean
}

/** By what the provider notes about it: the sentence for the caller, and the reason. */
const meanings: readonly [RegExp, string, Reason][] = [
  [/code_verifier|PKCE|code_challenge/, 'code_verifier does not fit the code_challenge', 'pkce_failed'],
  [/redirect_uri/, 'redirect_uri is not the one of the authorization request', 'redirect_uri_mismatch'],
  [/client mismatch/, 'it was issued to another client', 'client_mismatch'],
  [/grant (not found|is expired)/, 'the authorization has ended; ask the person again', 'token_ended'],
]

/**
 * The error of a token request that the provider refused. An OAuthError that a hook of ours threw comes out as it was; a failure of the
 * provider's own as itself.
 */
export function tokenRefusal({ error }: ProviderAnswer, grantType: string): unknown {
  const code = grantType === 'authorization_code'
  const invalid = code ? 'code_invalid' : 'refresh_token_invalid'
  if (error instanceof OAuthError) return error
  const what = code ? 'code' : 'refresh_token'
  if (error instanceof SpentError)
    return new OAuthError('invalid_grant', `${what} was used before`, { reason: invalid, cause: error })
  const known: ProviderError | undefined = error
  if (known?.expose !== true) return known ?? new Error('the provider refused without an error')
  const detail = `${known.error_detail ?? known.error_description ?? known.message}`
  const missing = /^missing required parameters? (.*)$/.exec(known.error_description ?? '')?.[1]
  if (missing !== undefined)
    return new OAuthError('invalid_request', `${missing.replace(/[^a-z_, ]/g, '')} is required`, {
      reason: 'missing_parameter',
    })
  const [, sentence, reason] = meanings.find(([pattern]) => pattern.test(detail)) ?? []
  const fallback = /consumed|already used/.test(detail) ? 'was used before' : 'is unknown or has expired'
  return new OAuthError(codeOf(known.error), sentence ?? `${what} ${fallback}`, {
    reason: reason ?? invalid,
    detail,
    cause: known,
  })
}

/** Why an authorization request was refused. */
export function authorizationReason(error: ProviderError): Reason {
  if (error.error === 'invalid_redirect_uri') return 'redirect_uri_mismatch'
  if (error.error === 'invalid_client') return 'client_unauthenticated'
  if (error.error === 'invalid_target') return 'resource_denied'
  if (error.error === 'invalid_scope') return 'scope_denied'
  if (/PKCE|code_challenge/.test(error.error_description ?? '')) return 'pkce_failed'
  return /missing required/.test(error.error_description ?? '') ? 'missing_parameter' : 'malformed'
}

const passed: readonly OAuthErrorCode[] = [
  'invalid_request',
  'invalid_grant',
  'invalid_scope',
  'invalid_target',
  'unauthorized_client',
]

function codeOf(error: string | undefined): OAuthErrorCode {
  return passed.find((one) => one === error) ?? 'invalid_request'
}
