/** What a refresh token asks of each use beside being alive: the key it is bound to, and a connection that takes it at its age. */

import type { Branches } from '../protocol/branches.ts'
import { checkConfirmation, confirmationOf, type Possession } from '../protocol/confirmation.ts'
import { OAuthError } from '../protocol/errors.ts'
import { JwtError } from '../protocol/jwt-error.ts'
import type { Seconds } from '../protocol/ports.ts'
import type { Connection } from './connections.ts'
import type { Subject } from './subject.ts'

/**
 * RFC 9449 §5: a bound refresh token is used with a proof by its key. Throws `invalid_grant`; under the branch `sec-subject-tokens` also
 * for one that is not bound. Any other subject passes.
 */
export function checkBinding({ kept, boundTo }: Subject, shown: Possession, branches: Branches | undefined): void {
  if (!kept) return
  try {
    checkConfirmation(confirmationOf({ proofKey: boundTo }), shown)
    if (branches?.['sec-subject-tokens'] === true && boundTo === undefined)
      throw new JwtError('pop_required', 'is not bound to a key, and no other is taken')
  } catch (cause) {
    const { reason, message } = cause as JwtError
    throw new OAuthError('invalid_grant', `subject_token: the refresh token ${message}`, { reason, cause })
  }
}

/**
 * A refresh token of our own serves the connections that take such, each as long after the sign-in as it says. Throws `access_denied`,
 * and for a sign-in that is too long ago `insufficient_user_authentication`. Any other subject passes.
 */
export function withinSession({ sessionStart }: Subject, connection: Connection, now: Seconds): void {
  if (sessionStart === undefined) return
  const { client, audience, refreshTokens, signIn } = connection
  if (refreshTokens === undefined)
    throw new OAuthError('access_denied', 'policy does not allow this client to act for this user at this audience', {
      reason: 'policy_denied',
      detail: `the connection ${client} -> ${audience} takes no refresh tokens`,
    })
  const { maxAge } = refreshTokens
  if (now - sessionStart >= maxAge)
    throw tooOld(Math.min(maxAge, signIn.maxAge ?? maxAge), `the session began at ${sessionStart}`)
}

/** ID-JAG §9.2: only a new sign-in helps, and the answer says so. */
export function tooOld(maxAge: Seconds, detail: string): OAuthError {
  return new OAuthError('insufficient_user_authentication', 'a more recent sign-in is required', {
    reason: 'step_up',
    detail,
    parameters: { max_age: maxAge },
  })
}
