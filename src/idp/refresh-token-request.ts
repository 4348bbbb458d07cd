/** The parameters of an exchange for a refresh token, judged for form alone (ID-JAG §4.5, RFC 8693 §2.1). */

import { OAuthError } from '../protocol/errors.ts'
import { type Form, parseScope } from '../protocol/form.ts'
import { tokenType } from '../protocol/names.ts'
import { refuseActor } from './exchange-request.ts'

/** What one request asks for. */
export interface RefreshTokenRequest {
  /** Absent: wherever the client may go. */
  audience: string | undefined
  scopes: string[]
  subjectToken: string
  subjectTokenType: string
}

/** Scopes of the sign-in itself (OpenID Connect Core §5.4, §11): they limit nothing of what ID-JAGs are for. */
export const signInScopes: readonly string[] = ['openid', 'offline_access', 'profile', 'email', 'address', 'phone']

/** True for an exchange that asks for a refresh token. Judges nothing else of the form. */
export function asksForRefreshToken(form: Form): boolean {
  return form.optional('requested_token_type') === tokenType.refreshToken
}

/** Reads them. Throws {@link OAuthError} for the first that is not as it must be; judges no token. */
export function readRefreshTokenRequest(form: Form): RefreshTokenRequest {
  // To overlook a limit would give more than was asked for.
  if (form.all('resource').length > 0)
    throw new OAuthError('invalid_target', 'resource: a refresh token is limited by audience and scope alone', {
      reason: 'resource_denied',
    })
  if (form.optional('authorization_details') !== undefined)
    throw new OAuthError('invalid_authorization_details', 'authorization_details: not for a refresh token', {
      reason: 'details_invalid',
    })
  const audience = form.optional('audience')
  const scopes = parseScope(form.optional('scope') ?? '')
  const subjectToken = form.required('subject_token')
  const subjectTokenType = form.required('subject_token_type')
  refuseActor(form)
  return { audience, scopes, subjectToken, subjectTokenType }
}
