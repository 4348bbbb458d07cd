/** Authorization details in a token exchange: what an administrator gives a client for a person (ID-JAG §4.3.3, RFC 9396). */

import { type AuthorizationDetail, detailsRefused, readDetailsParameter } from '../protocol/authorization-details.ts'
import { narrowDetails } from '../protocol/detail-narrowing.ts'
import { belongs, type Connection, type ResourceServer, type User } from './connections.ts'
import type { Subject } from './subject.ts'

/**
 * Reads the parameter by the types of the audience (IDP-07, IDP-26). Undefined when it was not sent. Throws OAuthError
 * `invalid_authorization_details` for what is no array of known, well-formed objects, and for details with a refresh token that was
 * issued for certain scopes.
 */
export function readDetails(
  parameter: string | undefined,
  server: ResourceServer,
  subject: Pick<Subject, 'scopes'>,
): AuthorizationDetail[] | undefined {
  const asked = readDetailsParameter(parameter, { types: server.detailTypes, resources: server.resources })
  // IDP-21: details could be more than the scopes that the refresh token stands for.
  if (asked !== undefined && subject.scopes !== undefined)
    throw detailsRefused('is outside what the refresh token was issued for')
  return asked
}

/**
 * What of the details the connection gives this person at the granted resources (ID-JAG §4.3.3, IDP-27). Nothing left of what was asked
 * is refused (D-25): throws OAuthError `invalid_authorization_details`.
 */
export function grantDetails(
  asked: AuthorizationDetail[] | undefined,
  {
    server,
    connection,
    user,
    resources,
  }: { server: ResourceServer; connection: Connection; user: User; resources: readonly string[] },
): AuthorizationDetail[] | undefined {
  if (asked === undefined) return undefined
  const given = (connection.details ?? []).filter(({ who }) => who === undefined || belongs(user, who))
  const granted = narrowDetails(asked, {
    types: server.detailTypes,
    given: given.map(({ detail }) => detail),
    locationsFor: () => resources,
  })
  if (granted.length > 0) return granted
  throw detailsRefused(
    'holds nothing that can be granted',
    '',
    `the connection gives ${user.sub} ${given.map(({ detail }) => detail.type).join(' ') || 'none'}, with no member that its entry does not name`,
  )
}
