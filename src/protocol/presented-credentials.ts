/** The credentials that a token request brings: in which single way they are shown, and for which client (RFC 6749 §2.3, RFC 7521 §4.2). */

import { OAuthError, unauthenticated } from './errors.ts'
import type { Form } from './form.ts'
import { readJwt, type UnverifiedJwt } from './jwt.ts'
import { JwtError } from './jwt-error.ts'
import { clientAssertionType } from './names.ts'

/** What one request shows, and for whom. */
export type Presented =
  | { method: 'none'; clientId: string }
  | { method: 'client_secret_basic' | 'client_secret_post'; clientId: string; secret: string }
  | { method: 'private_key_jwt'; clientId: string; assertion: string; jwt?: UnverifiedJwt }

/**
 * The client that a request claims to be, whatever becomes of the claim: for a limit on wrong credentials. Undefined where it names none
 * or cannot be read.
 */
export function clientNamed(authorization: string | undefined, body: string): string | undefined {
  try {
    if (authorization !== undefined) return basicCredentials(authorization).clientId
    const form = new URLSearchParams(body)
    const assertion = form.get('client_assertion')
    return form.get('client_id') ?? (assertion === null ? undefined : subjectOf(assertion).sub)
  } catch {
    return undefined
  }
}

/** Reads which single method the request uses. Throws {@link OAuthError} for more than one, and for what cannot be read. */
export function presentedCredentials(authorization: readonly string[], form: Form): Presented {
  const named = form.optional('client_id')
  const secret = form.optional('client_secret')
  const assertion = form.optional('client_assertion')
  const assertionType = form.optional('client_assertion_type')
  const header = authorization[0]
  if (authorization.length > 1)
    throw new OAuthError('invalid_request', 'more than one Authorization header', { reason: 'malformed_auth' })
  // RFC 6749 §2.3: not more than one method in a request.
  if ([header, secret, assertion ?? assertionType].filter((one) => one !== undefined).length > 1)
    throw new OAuthError('invalid_request', 'more than one way of client authentication', { reason: 'multiple_auth' })
  if (header !== undefined) {
    const { clientId, secret: password } = basicCredentials(header)
    // The same client_id again in the body is harmless, and real clients send it. Another one is not.
    if (named !== undefined && named !== clientId)
      throw new OAuthError('invalid_request', 'client_id is not the client of the Authorization header', {
        reason: 'multiple_auth',
      })
    return { method: 'client_secret_basic', clientId, secret: password }
  }
  if (assertion !== undefined || assertionType !== undefined) {
    // RFC 7521 §4.2: both or neither.
    if (assertionType !== clientAssertionType)
      throw new OAuthError('invalid_request', `client_assertion_type must be ${clientAssertionType}`, {
        reason: assertionType === undefined ? 'missing_parameter' : 'unsupported_type',
      })
    if (assertion === undefined)
      throw new OAuthError('invalid_request', 'client_assertion is required', { reason: 'missing_parameter' })
    if (named !== undefined) return { method: 'private_key_jwt', clientId: named, assertion }
    const { jwt, sub } = subjectOf(assertion)
    return { method: 'private_key_jwt', clientId: sub, assertion, jwt }
  }
  if (named === undefined) throw unauthenticated('client_unauthenticated', 'no credentials came')
  if (secret === undefined) return { method: 'none', clientId: named }
  return { method: 'client_secret_post', clientId: named, secret }
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true })

/**
 * RFC 6749 §2.3.1: both halves were form-encoded before base64. Clients that leave that out are understood too as long
 * as id and secret hold no `%`, `+` or `:`, which is why ours never do.
 */
function basicCredentials(header: string): { clientId: string; secret: string } {
  const encoded = /^basic +([A-Za-z0-9+/]+={0,2})$/i.exec(header)?.[1]
  if (encoded === undefined) throw unauthenticated('malformed_auth', 'the Authorization header is not Basic')
  const bytes = Buffer.from(encoded, 'base64')
  // RFC 4648 §4: padded, and without stray bits, which Node overlooks.
  if (bytes.toString('base64') !== encoded) throw unauthenticated('malformed_auth', 'the credentials are not base64')
  try {
    const text = strictUtf8.decode(bytes)
    const colon = text.indexOf(':')
    if (colon === -1 || /[\u0000-\u001f\u007f]/.test(text)) throw new Error('no colon, or a control character')
    return { clientId: formDecoded(text.slice(0, colon)), secret: formDecoded(text.slice(colon + 1)) }
  } catch (cause) {
    throw unauthenticated('malformed_auth', 'the Basic credentials cannot be read', cause)
  }
}

function formDecoded(half: string): string {
  return /[+%]/.test(half) ? decodeURIComponent(half.replaceAll('+', ' ')) : half
}

function subjectOf(assertion: string): { jwt: UnverifiedJwt; sub: string } {
  try {
    const jwt = readJwt(assertion)
    const { sub } = jwt.claims
    if (typeof sub === 'string' && sub !== '') return { jwt, sub }
  } catch (cause) {
    throw assertionRefused(cause)
  }
  throw unauthenticated('client_assertion_invalid', 'the client assertion has no sub')
}

/** What is thrown for an assertion: a {@link JwtError} as the refusal of the client, and all else as it is. */
export function assertionRefused(cause: unknown): unknown {
  if (!(cause instanceof JwtError)) return cause
  return unauthenticated('client_assertion_invalid', `client_assertion: ${cause.message}`, cause)
}
