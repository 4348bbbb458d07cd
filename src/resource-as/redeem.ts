/** The redemption at a resource authorization server: an ID-JAG in, an access token out (ID-JAG §4.4, RFC 7523). */

import { OAuthError } from '../protocol/errors.ts'
import { type Form, parseScope } from '../protocol/form.ts'
import { type IdJagClaims, readIdJagClaims } from '../protocol/id-jag.ts'
import { checkTimes, isType, readJwt, verifySignature } from '../protocol/jwt.ts'
import { JwtError } from '../protocol/jwt-error.ts'
import { jwtType } from '../protocol/names.ts'
import { type AuditFacts, onceKey, type Ports, type Seconds, tokenIdHash } from '../protocol/ports.ts'
import type { Reason } from '../protocol/reasons.ts'
import { isResourceIndicator, sameResource } from '../protocol/resource.ts'
import type { Grant } from '../protocol/token-endpoint.ts'
import { noAccount, type ResolveSubject } from './accounts.ts'
import type { Issue } from './issue.ts'
import type { ClientPolicy, GovernedResource, TrustedIssuer } from './trust.ts'

export interface ResourceAuthorizationServer {
  issuer: string
  /** By `iss`, exact. Undefined: not trusted, and nothing is fetched. */
  findTrustedIssuer(issuer: string): Promise<TrustedIssuer | undefined>
  resources: readonly GovernedResource[]
  /** What a client may be given. Undefined: nothing. */
  findClientPolicy(client: string): Promise<ClientPolicy | undefined>
  resolveSubject: ResolveSubject
  issue: Issue
  skew: Seconds
  /** How far the clocks of this server's instances and its store may be apart, beyond the skew. */
  clockAllowance: Seconds
}

/** The jwt-bearer grant for ID-JAGs, for a token endpoint (RFC 7523 §2.1, ID-JAG §4.4.1). */
export function redemption(server: ResourceAuthorizationServer): Grant {
  return async ({ form, client, facts, spendClientAssertion, recordGranted }, ports) => {
    const assertion = form.required('assertion')
    const asked = readNarrowing(form)
    const { claims, trusted } = await verifyAssertion(assertion, client.id, server, ports.now(), facts)
    refuseUnsupported(claims)
    refuseForgotten(claims, trusted, ports)

    const resolution = await server.resolveSubject(claims, trusted)
    if (resolution === undefined) throw noAccount(`nobody here is ${claims.sub} of ${claims.iss}`)
    const resources = grantedResources(claims, asked.resources, server)
    const policy = await clientMayUse(client.id, trusted, server)
    const granted = narrow(claims, asked.scopes, resources, policy)

    await spendClientAssertion()
    await spend(claims, trusted, server, ports)
    // The store may have found only now that it lost its memory.
    refuseForgotten(claims, trusted, ports)
    const account = typeof resolution === 'string' ? resolution : await resolution.settle()
    const scope = granted.scopes.join(' ')
    const resource = granted.resources.length === 1 ? (granted.resources[0] as string) : granted.resources
    const tokenId = ports.newId()
    Object.assign(facts, { account, scope, resource, issuedTokenId: tokenIdHash(server.issuer, tokenId) })
    await recordGranted()
    const { accessToken, tokenType, expiresIn } = await server.issue({
      account,
      client: client.id,
      audience: resource,
      scope,
      tokenId,
      now: ports.now(),
      assertion: claims,
    })
    // ID-JAG §4.4.1: the answer says what was granted. §4.4.3: no refresh token.
    return { access_token: accessToken, token_type: tokenType, expires_in: expiresIn, scope, resource }
  }
}

/** `scope` and `resource` of the request: they narrow what the ID-JAG gives and never widen it (D-12). */
function readNarrowing(form: Form): { scopes: string[]; resources: string[] } {
  const resources = form.all('resource')
  if (!resources.every(isResourceIndicator))
    throw new OAuthError('invalid_target', 'resource must be an absolute URI without a fragment', {
      reason: 'resource_denied',
    })
  return { scopes: parseScope(form.optional('scope') ?? ''), resources }
}

/** ID-JAG §4.4.1, RFC 7521 §5.2, RFC 7523 §3: every check of the token itself. Consumes nothing. */
async function verifyAssertion(
  assertion: string,
  client: string,
  server: ResourceAuthorizationServer,
  now: Seconds,
  facts: AuditFacts,
): Promise<{ claims: IdJagClaims; trusted: TrustedIssuer }> {
  try {
    const jwt = readJwt(assertion)
    const { iss, jti } = jwt.claims
    if (typeof iss === 'string' && typeof jti === 'string') facts.tokenId = tokenIdHash(iss, jti)
    if (typeof iss === 'string') facts.issuer = iss.slice(0, 255)
    facts.unverified = true
    // ID-JAG §4.4.1: typ first; a plain RFC 7523 assertion is not what this grant takes.
    if (!isType(jwt.header.typ, jwtType.idJag)) throw new JwtError('typ_mismatch', `typ must be ${jwtType.idJag}`)
    // ID-JAG §4.1: iss only chooses the entry of our own configuration.
    if (typeof iss !== 'string') throw new JwtError('malformed', "unexpected 'iss' claim value")
    const trusted = await server.findTrustedIssuer(iss)
    if (trusted === undefined) throw new JwtError('issuer_unknown', "unexpected 'iss' claim value")
    if (!trusted.enabled) throw new JwtError('issuer_disabled', "unexpected 'iss' claim value")
    await verifySignature(jwt, trusted)
    delete facts.unverified
    const claims = readIdJagClaims(jwt.claims)
    Object.assign(facts, { subject: claims.sub, act: claims.act })
    // ID-JAG §4.4.1: this server's issuer identifier and nothing else.
    if (claims.aud !== server.issuer) throw new JwtError('aud_mismatch', "unexpected 'aud' claim value")
    // ID-JAG §4.4.1: binds the token to the client; it authenticates no actor.
    if (claims.client_id !== client) throw new JwtError('client_mismatch', "unexpected 'client_id' claim value")
    checkTimes(jwt.claims, { now, skew: server.skew, maxLifetime: trusted.maxLifetime })
    return { claims, trusted }
  } catch (cause) {
    if (!(cause instanceof JwtError)) throw cause
    throw refused(cause.reason, cause.message, cause)
  }
}

/** What a token can demand that this server cannot do is refused, never overlooked. */
function refuseUnsupported({ tenant, aud_tenant, cnf, authorization_details }: IdJagClaims): void {
  // ID-JAG §6.3, TEN-03: no issuer and no audience here has tenants.
  if (tenant !== undefined || aud_tenant !== undefined)
    throw refused('tenant_mismatch', 'it names a tenant, and no tenant is connected')
  // RFC 7800 §3.1, POP-08: an unknown binding is not "unbound".
  if (cnf !== undefined) throw refused('pop_unsupported', 'it is bound to a key, and proofs are not offered here')
  // RFC 9396 §5: no type is configured on this server.
  if (authorization_details !== undefined)
    throw new OAuthError('invalid_authorization_details', 'assertion: authorization_details is not supported here', {
      reason: 'details_invalid',
    })
}

/** A store that lost its memory would take a spent assertion again (D-05). */
function refuseForgotten({ iat }: IdJagClaims, { assertions }: TrustedIssuer, ports: Ports): void {
  if (assertions === 'single-use' && iat < ports.fence())
    throw refused('replay_fence', 'was issued before this server can remember; get a new one')
}

/** RAS-12, D-11, FL-ISS-05: one foreign identifier spoils the claim; a parameter must lie within it. */
function grantedResources(
  claims: IdJagClaims,
  asked: string[],
  server: ResourceAuthorizationServer,
): GovernedResource[] {
  const governed = (one: string) => server.resources.find(({ resource }) => sameResource(resource, one))
  const claimed = claims.resource?.map((one) => {
    const found = governed(one)
    if (found === undefined) throw refused('resource_denied', "unexpected 'resource' claim value")
    return found
  })
  if (asked.length === 0) return eachOnce(claimed ?? theOnlyOne(server))
  const granted = asked.map((one) => {
    const found = governed(one)
    if (found === undefined || (claimed !== undefined && !claimed.includes(found)))
      throw noTarget('resource: not one that the assertion and this server give')
    return found
  })
  return eachOnce(granted)
}

/** FL-ISS-03: a resource that was named twice is granted once. */
function eachOnce(resources: GovernedResource[]): GovernedResource[] {
  return [...new Set(resources)]
}

function theOnlyOne({ resources }: ResourceAuthorizationServer): GovernedResource[] {
  // RFC 8707 §2: required where the server cannot know which one is meant.
  if (resources.length !== 1) throw noTarget('resource is required: this server governs several')
  return [...resources]
}

/** RAS-08 (3): the issuer may speak for this client, and the client may be given something. */
async function clientMayUse(
  client: string,
  trusted: TrustedIssuer,
  server: ResourceAuthorizationServer,
): Promise<ClientPolicy> {
  const policy = trusted.clients.includes(client) ? await server.findClientPolicy(client) : undefined
  if (policy !== undefined) return policy
  throw new OAuthError('access_denied', 'policy does not allow this client to use assertions of this issuer', {
    reason: 'policy_denied',
    detail: `${client} is not among the clients of ${trusted.issuer}`,
  })
}

/** RAS-13: the scopes of the ID-JAG, of the request, of the client and of the resources: what all of them allow. */
function narrow(
  claims: IdJagClaims,
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
  const offered = new Set(allowed.flatMap(({ scopes }) => scopes))
  const claimed = claims.scope?.split(' ').filter((scope) => scope !== '')
  const scopes = policy.scopes.filter(
    (scope) =>
      offered.has(scope) &&
      // D-12: an ID-JAG without scope is limited by this server's own policy.
      (claimed === undefined || claimed.includes(scope)) &&
      (asked.length === 0 || asked.includes(scope)),
  )
  if (scopes.length === 0)
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

/**
 * ID-JAG §4.4.3, D-05: spends the assertion. The record outlives every moment at which some instance could still accept the
 * token. An issuer set to `until-exp` leaves its mark too, so that a change back to single use finds it.
 */
async function spend(
  { iss, jti, exp }: IdJagClaims,
  { assertions }: TrustedIssuer,
  { skew, clockAllowance }: ResourceAuthorizationServer,
  ports: Ports,
): Promise<void> {
  // JAG-08: keys may have been fetched since the times were checked, and after this moment the record of a use may be gone.
  if (ports.now() >= exp + skew) throw refused('expired', 'has expired')
  const first = await ports.once(onceKey('id-jag', iss, null, jti), exp + skew + clockAllowance)
  if (!first && assertions === 'single-use') throw refused('replay', 'was redeemed before')
}

function refused(reason: Reason, message: string, cause?: unknown): OAuthError {
  return new OAuthError('invalid_grant', `assertion: ${message}`, { reason, ...(cause === undefined ? {} : { cause }) })
}

function noTarget(description: string, detail?: string): OAuthError {
  return new OAuthError('invalid_target', description, {
    reason: 'resource_denied',
    ...(detail === undefined ? {} : { detail }),
  })
}
