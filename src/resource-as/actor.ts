/** The actors that an issuer may name here (ID-JAG §4.4.1, §9.7; AC-04): who acts for the person is local policy. */

import { OAuthError } from '../protocol/errors.ts'
import type { IdJagClaims } from '../protocol/id-jag.ts'
import type { TrustedIssuer } from './trust.ts'

/**
 * Refuses an ID-JAG whose actor the issuer's entry does not allow. One that names no actor is the client's own business, and passes. The
 * actor is NOT taken for the client or the person (JAG-13). Throws OAuthError `actor_unauthorized`.
 */
export function refuseActor({ act }: Pick<IdJagClaims, 'act'>, { issuer, actors }: TrustedIssuer): void {
  if (act === undefined || actors === undefined) return
  const { sub } = act
  if (typeof sub === 'string' && actors.includes(sub)) return
  throw new OAuthError('actor_unauthorized', 'policy does not allow this actor', {
    reason: 'policy_denied',
    detail: `${JSON.stringify(sub)} is not among the actors of ${issuer}`,
  })
}
