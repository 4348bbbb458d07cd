/** The SAML name of a person at one resource server: what `sub_id` of the ID-JAG says (ID-JAG §3.2.1). */

import type { Branches } from '../protocol/branches.ts'
import { OAuthError } from '../protocol/errors.ts'
import type { JsonObject } from '../protocol/json.ts'
import { nameIdFormat as formats, subjectIdentifierOf } from '../protocol/subject-identifier.ts'
import type { Connection, SamlNameMapping, User } from './connections.ts'
import { subjectFor } from './subject-mapping.ts'

/**
 * `sub_id` for a connection that is set to have one; undefined for every other (SAML-10). It follows from the user record alone, and the
 * subject token has no say in it (SAML-06). Throws `access_denied` for a person without the name, and TypeError for a mapping that can
 * name nobody for good: a transient name, a missing pairwise secret, or a missing entity id.
 */
export function subjectIdentifierFor(
  user: User,
  { audience, subjectId }: Pick<Connection, 'audience' | 'subjectId'>,
  { pairwiseSecret, branches }: { pairwiseSecret?: string; branches?: Branches | undefined },
): JsonObject | undefined {
  // A workload signs in nowhere, so that it has no SAML name.
  if (subjectId === undefined || user.profile !== undefined) return undefined
  const { nameId: mapping, spProvidedIdClaim, serviceProvider, ...fixed } = subjectId
  // FL-NID-01: whoever has the name today is somebody else tomorrow. No switch allows it.
  if (fixed.nameIdFormat === formats.transient) throw new TypeError('a transient name is no subject')
  // FL-NID-01: the resource server is a service provider, and the identity provider knows which.
  if (serviceProvider === undefined && branches?.['saml-nameid-stability'] !== false)
    throw new TypeError(
      `the SAML name for ${audience} needs serviceProvider, the entity id that the server has in SAML`,
    )
  const nameId = subjectFor(user, { audience: serviceProvider ?? audience, subject: mapping }, pairwiseSecret)
  refuseUnusable(nameId, subjectId, user, audience)
  const spProvidedId = spProvidedIdClaim === undefined ? undefined : user.claims[spProvidedIdClaim]
  return subjectIdentifierOf({
    ...fixed,
    nameId,
    ...(typeof spProvidedId === 'string' && spProvidedId !== '' ? { spProvidedId } : {}),
  })
}

/** SAML 2.0 Core §8.3.2, ATK-041: an e-mail name is an address, and one that nobody has verified names nobody. */
function refuseUnusable(
  nameId: string,
  { nameId: mapping, nameIdFormat }: SamlNameMapping,
  user: User,
  at: string,
): void {
  const { claims, sub } = user
  const unverified = mapping.kind === 'claim' && mapping.claim === 'email' && claims.email_verified !== true
  const noAddress = nameIdFormat === formats.emailAddress && !/^[^\s@]+@[^\s@]+$/.test(nameId)
  if (!unverified && !noAddress) return
  throw new OAuthError('access_denied', 'policy does not allow this client to act for this user at this audience', {
    reason: 'policy_denied',
    detail: `the SAML name of ${sub} at ${at} would be ${unverified ? 'an e-mail address that is not verified' : 'no e-mail address'}`,
  })
}
