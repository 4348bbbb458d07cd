/** Rich authorization requests in a redemption: the claim by this server's own types and policy, and no more (RFC 9396, ID-JAG §4.4.1). */

import {
  type AuthorizationDetail,
  type DetailTypes,
  detailsRefused,
  judgeDetails,
  readDetailsParameter,
} from '../protocol/authorization-details.ts'
import { narrowDetails } from '../protocol/detail-narrowing.ts'
import type { Form } from '../protocol/form.ts'
import type { IdJagClaims } from '../protocol/id-jag.ts'
import type { ResourcePolicy } from './narrowing.ts'
import type { ClientPolicy } from './trust.ts'

/** The details of one redemption, each known and well-formed. */
export interface ReadDetails {
  claimed: AuthorizationDetail[]
  /** The parameter of the request, which narrows the claim. Undefined: it was not sent. */
  asked: AuthorizationDetail[] | undefined
}

/**
 * Reads claim and parameter by the server's types (RAS-14). Undefined when the ID-JAG has none. Throws OAuthError
 * `invalid_authorization_details`, also for a parameter without a claim, because it may only narrow (RFC 9396 §6.1).
 */
export function readDetails(
  { authorization_details: claim }: IdJagClaims,
  form: Form,
  server: ResourcePolicy,
): ReadDetails | undefined {
  const parameter = form.optional('authorization_details')
  if (claim === undefined && parameter === undefined) return undefined
  const rules = { types: server.detailTypes, resources: server.resources.map(({ resource }) => resource) }
  const asked = readDetailsParameter(parameter, rules)
  if (claim !== undefined) return { claimed: judgeDetails(claim, { ...rules, place: 'assertion: ' }), asked }
  throw detailsRefused('is more than the assertion gives, which has none')
}

const noTypes: DetailTypes = new Map()

/** What a redemption grants. */
export interface Granted {
  scopes: string[]
  resources: string[]
  authorizationDetails?: AuthorizationDetail[]
}

/**
 * Adds the details that the client's policy and the request leave (RAS-13, RAS-15). The token is for those of the granted resources at
 * which each of them means something. Throws OAuthError `invalid_authorization_details` when nothing is left (D-25), and when no single
 * resource has all of the types.
 */
export function withDetails(
  granted: Granted,
  details: ReadDetails | undefined,
  policy: ClientPolicy,
  { detailTypes: types = noTypes, resources: governed }: ResourcePolicy,
): Granted {
  if (details === undefined) return granted
  const understands = (resource: string, type: string) =>
    governed.find((one) => one.resource === resource)?.detailTypes?.includes(type) === true
  const narrowedTo = (places: readonly string[]) => {
    const locationsFor = (type: string) => {
      const known = places.filter((resource) => understands(resource, type))
      return known.length === 0 ? undefined : known
    }
    const allowed = narrowDetails(details.claimed, { types, given: policy.details ?? [], locationsFor })
    return details.asked === undefined ? allowed : narrowDetails(details.asked, { types, given: allowed, locationsFor })
  }
  const left = narrowedTo(granted.resources)
  if (left.length === 0)
    throw detailsRefused(
      'holds nothing that can be granted',
      '',
      `the client may have ${policy.details?.map(({ type }) => type).join(' ') || 'none'} at ${granted.resources.join(', ')}, with no member that its entry does not name`,
    )
  // RFC 9068 §3: every part of the token means something at every resource of it.
  const resources = granted.resources.filter((resource) => left.every(({ type }) => understands(resource, type)))
  const authorizationDetails = narrowedTo(resources)
  if (authorizationDetails.length === 0) throw detailsRefused('has types of different resources: name one resource')
  return { ...granted, resources, authorizationDetails }
}
