/** What the client shows the identity provider for the person: the kept ID Token, else the refresh token (ID-JAG §4.4.3). */

import { readJwt } from '../protocol/jwt.ts'
import { JwtError } from '../protocol/jwt-error.ts'
import { tokenType } from '../protocol/names.ts'
import type { Seconds } from '../protocol/ports.ts'
import { CrossAppError, SignInRequired } from './cross-app-error.ts'

/** What the application kept of one person's sign-in. Each is asked anew whenever an ID-JAG is needed. */
export interface Subject {
  idToken?(): string | undefined | Promise<string | undefined>
  refreshToken?(): string | undefined | Promise<string | undefined>
}

export interface SubjectToken {
  token: string
  type: (typeof tokenType)['idToken' | 'refreshToken' | 'saml2']
}

/**
 * The subject token for the next exchange, in the order of ID-JAG §4.4.3 (CL-07): an ID Token that lives, else the refresh token
 * as it is, else {@link SignInRequired}. One is chosen, and a refusal of it is final: the other is not tried (T81).
 */
export async function chooseSubject(
  subject: Subject,
  issuer: string,
  now: Seconds,
  skew: Seconds,
): Promise<SubjectToken> {
  const idToken = await subject.idToken?.()
  if (idToken !== undefined && now + skew < expiryOf(idToken, issuer))
    return { token: idToken, type: tokenType.idToken }
  const refreshToken = await subject.refreshToken?.()
  if (refreshToken !== undefined) return { token: refreshToken, type: tokenType.refreshToken }
  const missing = idToken === undefined ? 'there is no ID Token' : 'the ID Token has expired'
  throw new SignInRequired(`the person must sign in at ${issuer}: ${missing}, and there is no refresh token`, {
    stop: 'check',
    server: issuer,
  })
}

function expiryOf(idToken: string, issuer: string): Seconds {
  try {
    const { exp } = readJwt(idToken).claims
    if (typeof exp === 'number') return exp
    throw new JwtError('malformed', 'has no exp')
  } catch (cause) {
    const message = `the ID Token that the application gave cannot be used: it ${(cause as JwtError).message}`
    throw new CrossAppError(message, { step: 'exchange', stop: 'check', server: issuer, cause })
  }
}
