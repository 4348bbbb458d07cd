/** What of a verified ID-JAG is granted here: resources, scopes, and whether at all (ID-JAG §4.4.1, RAS-08…RAS-13). */

import type { DetailTypes } from '../protocol/authorization-details.ts'
import { type Awaitable, following } from '../protocol/awaitable.ts'
import { type Blocks, blockOf } from '../protocol/blocks.ts'
import { type Branches, usualBranches } from '../protocol/branches.ts'
import { confirmationOf, type Possession } from '../protocol/confirmation.ts'
import { OAuthError } from '../protocol/errors.ts'
import { scopeTokens } from '../protocol/form.ts'
import type { IdJagClaims } from '../protocol/id-jag.ts'
import type { Reason } from '../protocol/reasons.ts'
import { sameResource } from '../protocol/resource.ts'
import type { ClientPolicy, GovernedResource, TrustedIssuer } from './trust.ts'

/** What this server governs, and whom it lets in. */
export interface ResourcePolicy {
  issuer: string
  resources: readonly GovernedResource[]
  /** The types of authorization details it understands (RFC 9396). Absent: an ID-JAG with details is refused. */
  detailTypes?: DetailTypes | undefined
  /** What a client may be given. Undefined: nothing. */
  findClientPolicy(client: string): Awaitable<ClientPolicy | undefined>
  /** Absent: nobody can be blocked. */
  blocks?: Blocks
  /** Absent: as usual. */
  branches?: Branches | undefined
}

/**
 * RAS-12, D-11, FL-ISS-05: one foreign identifier spoils the claim; a parameter must lie within it. Where neither names one, every resource
 * here is meant, and {@link narrow} keeps those of the client.
 */
export function grantedResources(
  claims: Pick<IdJagClaims, 'resource'>,
  asked: string[],
  server: ResourcePolicy,
): GovernedResource[] {
  const governed = (one: string) => server.resources.find(({ resource }) => sameResource(resource, one))
  const claimed = claims.resource?.map((one) => {
    const found = governed(one)
    if (found === undefined) throw foreignClaim(server)
    return found
  })
  // RFC 9068 §3: a default; the identity provider may be one that cannot name resources, and its clients send none then (T17, T39).
  if (asked.length === 0) return eachOnce(claimed ?? [...server.resources])
  const granted = asked.map((one) => {
    const found = governed(one)
    if (found === undefined || (claimed !== undefined && !claimed.includes(found)))
      throw noTarget('resource: not one that the assertion and this server give')
    return found
  })
  return eachOnce(granted)
}

/** D-11: by the branch, the assertion is bad; by revision -04, which reads the claim as RFC 8707 does, the resource is. */
function foreignClaim({ branches = usualBranches }: ResourcePolicy): OAuthError {
  const message = "unexpected 'resource' claim value"
  return branches['resource-iss-validation'] ? refused('resource_denied', message) : noTarget(`assertion: ${message}`)
}

/** FL-ISS-03: a resource that was named twice is granted once. */
function eachOnce(resources: GovernedResource[]): GovernedResource[] {
  return resources.length < 2 ? resources : [...new Set(resources)]
}

/** What a client may be given on the word of an issuer; undefined where that may not speak for it. */
export function policyUnder(
  trusted: TrustedIssuer,
  client: string,
  server: ResourcePolicy,
): Awaitable<ClientPolicy | undefined> {
  return following(server.findClientPolicy(client), (policy) => {
    const { clients } = trusted
    const named = Array.isArray(clients) ? clients.includes(client) : (clients as ReadonlySet<string>).has(client)
    const speaksFor = named || (trusted.metadataDocuments === true && policy?.byDocument === true)
    return speaksFor && policy !== undefined ? withinTrust(policy, trusted) : undefined
  })
}

/** The client's own policy, narrowed to what is granted on the word of this issuer. */
function withinTrust(policy: ClientPolicy, { scopes, resources }: TrustedIssuer): ClientPolicy {
  if (scopes === undefined && resources === undefined) return policy
  return {
    ...policy,
    // An issuer that is kept to certain scopes is not let past them by details.
    ...(scopes === undefined ? {} : { details: [] }),
    scopes: scopes === undefined ? policy.scopes : policy.scopes.filter((scope) => scopes.includes(scope)),
    resources:
      resources === undefined
        ? policy.resources
        : policy.resources.filter((resource) => resources.some((one) => sameResource(one, resource))),
  }
}

/** RAS-08 (3): the issuer may speak for this client, and the client may be given something. */
export function clientMayUse(client: string, trusted: TrustedIssuer, server: ResourcePolicy): Awaitable<ClientPolicy> {
  return following(policyUnder(trusted, client, server), (policy) => {
    if (policy !== undefined) return policy
    throw new OAuthError('access_denied', 'policy does not allow this client to use assertions of this issuer', {
      reason: 'policy_denied',
      detail: `${client} is not among the clients of ${trusted.issuer}`,
    })
  })
}

/** Whom the operator of this server has stopped, under any name that is known by now (D-02). */
export function refuseBlocked(
  found: {
    claims: Pick<IdJagClaims, 'iss' | 'sub' | 'email'>
    account: string | { account?: string }
    client: string
    resources: string[]
    tenant?: string | undefined
  },
  { blocks, issuer: self }: ResourcePolicy,
): void {
  if (blocks === undefined) return
  const { claims, account, client, resources, tenant } = found
  const id = typeof account === 'string' ? account : account.account
  const users = [claims.sub]
  if (id !== undefined) users.push(id)
  if (claims.email !== undefined) users.push(claims.email)
  const access = { users, client, audiences: [self, ...resources], issuer: claims.iss, tenant }
  if (blockOf(blocks.inForce(), access) === undefined) return
  throw new OAuthError('access_denied', 'policy does not allow this access', { reason: 'blocked' })
}

/** RAS-13: the scopes of the ID-JAG, of the request, of the client and of the resources: what all of them allow. */
export function narrow(
  claims: Pick<IdJagClaims, 'scope' | 'authorization_details'>,
  asked: string[],
  governed: GovernedResource[],
  policy: ClientPolicy,
): { scopes: string[]; resources: string[] } {
  const allowed = governed.filter(({ resource }) => policy.resources.some((one) => sameResource(one, resource)))
  if (allowed.length === 0)
    throw noTarget(
      'resource: none that this client may be given',
      `the client's own resources are ${policy.resources.join(', ')}`,
    )
  // RFC 9396 §3: details may stand alone, and then no scope is meant.
  const without = claims.authorization_details === undefined ? undefined : []
  const claimed = claims.scope === undefined ? without : scopeTokens(claims.scope)
  const detailsAlone = without !== undefined && claimed?.length === 0 && asked.length === 0
  const scopes = policy.scopes.filter(
    (scope) =>
      allowed.some((one) => one.scopes.includes(scope)) &&
      // D-12: an ID-JAG without scope is limited by this server's own policy.
      (claimed === undefined || claimed.includes(scope)) &&
      (asked.length === 0 || asked.includes(scope)),
  )
  if (scopes.length === 0 && !detailsAlone)
    throw new OAuthError('invalid_scope', 'none of the scope of the assertion and the request can be granted', {
      reason: 'scope_denied',
      detail: `assertion ${claims.scope ?? '(none)'}; request ${asked.join(' ') || '(none)'}; client ${policy.scopes.join(' ')}`,
    })
  // RFC 9068 §3: every scope of the token means something at every resource of it, or one would be good where nobody gave it.
  const resources = allowed.filter((one) => scopes.every((scope) => one.scopes.includes(scope)))
  if (resources.length === 0)
    throw new OAuthError('invalid_scope', 'no single resource has all of the scope: name one resource', {
      reason: 'scope_denied',
      detail: `${scopes.join(' ')} belong to different ones of ${allowed.map(({ resource }) => resource).join(', ')}`,
    })
  return { scopes, resources: resources.map(({ resource }) => resource) }
}

/** POP-07: a resource that takes bound tokens alone is told of nobody else's. */
export function refuseUnbound(granted: readonly string[], shown: Possession, server: ResourcePolicy): void {
  if (confirmationOf(shown) !== undefined) return
  const demanding = server.resources.find(
    ({ resource, boundTokens }) => boundTokens === true && granted.includes(resource),
  )
  if (demanding !== undefined)
    throw new OAuthError(
      'invalid_grant',
      `${demanding.resource} takes sender-constrained tokens alone: send a DPoP proof${shown.certificate === null ? ', or come with a certificate' : ''}`,
      {
        reason: 'pop_required',
      },
    )
}

/** The refusal of the assertion itself (RFC 7521 §4.1.1). */
export function refused(reason: Reason, message: string, cause?: unknown): OAuthError {
  return new OAuthError('invalid_grant', `assertion: ${message}`, { reason, ...(cause === undefined ? {} : { cause }) })
}

/** The refusal of a resource (RFC 8707 §2). */
function noTarget(description: string, detail?: string): OAuthError {
  return new OAuthError('invalid_target', description, {
    reason: 'resource_denied',
    ...(detail === undefined ? {} : { detail }),
  })
}
