/** How one resource server knows a person: the same id as here, one of its own, or a claim (ID-JAG §5; IDP-32). */

import { createHmac } from 'node:crypto'
import { OAuthError } from '../protocol/errors.ts'
import type { Connection, User } from './connections.ts'

/**
 * ID-JAG §5 note: the `sub` that this resource server knows the person by, not the one of the client's ID Token. Throws
 * `access_denied` for a person without the claim that is the subject there, and TypeError for a pairwise connection without a secret.
 */
export function subjectFor(
  user: User,
  { audience, subject }: Pick<Connection, 'audience' | 'subject'>,
  pairwiseSecret: string | undefined,
): string {
  // FL-WL-02: a workload is called as the administrator calls it, everywhere.
  if (subject.kind === 'same' || user.profile !== undefined) return user.sub
  if (subject.kind === 'pairwise') {
    // OpenID Connect Core §8.1: from the sector (the resource server), the local id, and a secret.
    if (pairwiseSecret === undefined) throw new TypeError('a pairwise connection needs pairwiseSecret')
    return createHmac('sha256', pairwiseSecret)
      .update(JSON.stringify([audience, user.sub, ...(user.tenant === undefined ? [] : [user.tenant])]))
      .digest('base64url')
  }
  const value = user.claims[subject.claim]
  if (typeof value === 'string' && value !== '') return value
  throw new OAuthError('access_denied', 'policy does not allow this client to act for this user at this audience', {
    reason: 'policy_denied',
    detail: `${user.sub} has no claim ${subject.claim}, which is the subject at ${audience}`,
  })
}
