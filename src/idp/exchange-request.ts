/** The parameters of a token exchange, judged for form alone (ID-JAG §4.3, RFC 8693 §2.1). */

import { OAuthError } from '../protocol/errors.ts'
import { type Form, parseScope } from '../protocol/form.ts'
import { tokenType } from '../protocol/names.ts'
import { isResourceIndicator } from '../protocol/resource.ts'

/** What one request asks for. */
export interface ExchangeRequest {
  audience: string
  subjectToken: string
  subjectTokenType: string
  scopes: string[]
  resources: string[]
  /** `authorization_details` as it came, to be read by the types of the audience. */
  details: string | undefined
  /** Absent: nobody acts for the person but the client. */
  actor?: ActorRequest | undefined
}

/** An actor token as it came. */
export interface ActorRequest {
  token: string
  type: string
}

/** Reads them in the order of ID-JAG §4.3. Throws {@link OAuthError} for the first that is not as it must be; judges no token. */
export function readExchangeRequest(form: Form): ExchangeRequest {
  const requested = form.required('requested_token_type')
  if (requested !== tokenType.idJag)
    throw new OAuthError('invalid_request', `requested_token_type must be ${tokenType.idJag}`, {
      reason: 'unsupported_type',
    })
  const audience = form.required('audience')
  const resources = form.all('resource')
  // RFC 8707 §2
  if (!resources.every(isResourceIndicator))
    throw new OAuthError('invalid_target', 'resource must be an absolute URI without a fragment', {
      reason: 'resource_denied',
    })
  const scopes = parseScope(form.optional('scope') ?? '')
  const details = form.optional('authorization_details')
  const subjectToken = form.required('subject_token')
  const subjectTokenType = form.required('subject_token_type')
  const actor = readActor(form)
  return { audience, resources, scopes, details, subjectToken, subjectTokenType, actor }
}

/** RFC 8693 §2.1: both or neither. Never ignored. Throws OAuthError `invalid_request`. */
function readActor(form: Form): ActorRequest | undefined {
  const token = form.optional('actor_token')
  const type = form.optional('actor_token_type')
  if (token !== undefined && type !== undefined) return { token, type }
  if (token === undefined && type === undefined) return undefined
  throw unsupportedActor(
    token === undefined
      ? 'actor_token_type must not be sent without actor_token'
      : 'actor_token_type is required with actor_token',
  )
}

/** ID-JAG D-21: where nobody has an actor, nobody shows one. Throws OAuthError `invalid_request`. */
export function refuseActor(form: Form): void {
  if (readActor(form) !== undefined) throw unsupportedActor()
}

/** The refusal of an actor that is not asked for. */
export function unsupportedActor(description = 'actor_token is not supported'): OAuthError {
  return new OAuthError('invalid_request', description, { reason: 'actor_unsupported' })
}
