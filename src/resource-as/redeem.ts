/** The redemption at a resource authorization server: an ID-JAG in, an access token out (ID-JAG §4.4, RFC 7523). */

import { type AuthorizationDetail, typesOf } from '../protocol/authorization-details.ts'
import { type Awaitable, following, isPromise } from '../protocol/awaitable.ts'
import { possessionOf } from '../protocol/confirmation.ts'
import { OAuthError } from '../protocol/errors.ts'
import { type Form, parseScope } from '../protocol/form.ts'
import type { IdJagClaims } from '../protocol/id-jag.ts'
import { grantType } from '../protocol/names.ts'
import { policyRefusals } from '../protocol/policy-refusal.ts'
import { type AuditFacts, onceKey, type Ports, type Seconds, tokenIdHash } from '../protocol/ports.ts'
import { isResourceIndicator } from '../protocol/resource.ts'
import { resourceMember } from '../protocol/resource-answer.ts'
import type { Grant } from '../protocol/token-endpoint.ts'
import { noAccount, type ResolveSubject } from './accounts.ts'
import { refuseActor } from './actor.ts'
import { type AssertionRules, verifyAssertion } from './assertion.ts'
import { readDetails, withDetails } from './authorization-details.ts'
import { boundTo, type Issue } from './issue.ts'
import {
  clientMayUse,
  grantedResources,
  narrow,
  type ResourcePolicy,
  refuseBlocked,
  refused,
  refuseUnbound,
} from './narrowing.ts'
import type { TokenStatuses } from './status.ts'
import { refuseWeakSignIn } from './step-up.ts'
import { refuseForeignNames, type SamlIssuers } from './subject-identifier.ts'
import { judgeTenants, stoppableTenant } from './tenants.ts'
import type { TrustedIssuer } from './trust.ts'
import { judgeWorkload } from './workload.ts'

export interface ResourceAuthorizationServer extends ResourcePolicy, AssertionRules, SamlIssuers {
  resolveSubject: ResolveSubject
  issue: Issue
  /**
   * Asked when every check has passed and nothing is spent: a host whose tokens cannot say what would be granted refuses it here, with
   * {@link OAuthError}. Absent: `issue` can make a token for whatever is granted.
   */
  mayIssue?(granted: IssuableAccess): Promise<void>
  /** Gives every access token a status, so that it can be ended before its time. */
  statuses?: TokenStatuses
  /** The longest life of an access token that `issue` makes. To be given with `statuses`, which remember for as long. */
  accessTokenLifetime?: Seconds
  /** How far the clocks of this server's instances and its store may be apart, beyond the skew. */
  clockAllowance: Seconds
}

/** What {@link ResourceAuthorizationServer.mayIssue} is asked about. */
export interface IssuableAccess {
  client: string
  resources: readonly string[]
  scopes: readonly string[]
  /** Absent: none. A host whose tokens cannot carry them refuses them. */
  authorizationDetails?: readonly AuthorizationDetail[]
}

/**
 * The jwt-bearer grant for ID-JAGs, for a token endpoint (RFC 7523 §2.1, ID-JAG §4.4.1); and the jwt-dpop grant, which is the same with a
 * proof (D-06). Throws TypeError for a server with statuses and without the life of its tokens.
 */
export function redemption(server: ResourceAuthorizationServer): Grant {
  return policyRefusals(server, redeem(server))
}

function redeem(server: ResourceAuthorizationServer): Grant {
  const newStatus = statusGiver(server)
  return async (request, ports) => {
    const { form, client, proofKey, facts, namePolicy, spendCredentials, recordGranted } = request
    refuseUnproven(form, proofKey)
    const possession = possessionOf(request, server.branches)
    const assertion = form.required('assertion')
    const asked = readNarrowing(form)
    const shown = { assertion, client: client.id, possession }
    const verified = await verifyAssertion(shown, server, ports, facts)
    const { claims, trusted } = judgeWorkload(verified, server.branches, facts)
    judgeTenants(claims, trusted, facts)
    const stoppable = stoppableTenant(claims, trusted)
    const details = readDetails(claims, form, server)
    if (claims.sub_id !== undefined || trusted.subjectId !== undefined)
      await refuseForeignNames(claims, trusted, server)
    refuseForgotten(claims, trusted, ports)

    const resolving = server.resolveSubject(claims, trusted)
    const resolution = isPromise(resolving) ? await resolving : resolving
    if (resolution === undefined) throw noAccount(`nobody here is ${claims.sub} of ${claims.iss}`)
    const resources = grantedResources(claims, asked.resources, server)
    const finding = clientMayUse(client.id, trusted, server)
    const policy = isPromise(finding) ? await finding : finding
    const granted = withDetails(narrow(claims, asked.scopes, resources, policy), details, policy, server)
    refuseUnbound(granted.resources, possession, server)
    const { auth_time: authTime, acr, amr, sub_profile: subjectProfile } = claims
    refuseActor(claims, trusted)
    refuseWeakSignIn({ authTime, acr, subjectProfile }, policy, granted.resources, server, ports.now())
    namePolicy()
    const { resources: places } = granted
    refuseBlocked({ claims, account: resolution, client: client.id, resources: places, tenant: stoppable }, server)
    if (server.mayIssue !== undefined) await server.mayIssue({ client: client.id, ...granted })

    const credentials = spendCredentials()
    if (isPromise(credentials)) await credentials
    const spending = spend(claims, trusted, server, ports, facts)
    if (isPromise(spending)) await spending
    // The store may have found only now that it lost its memory.
    refuseForgotten(claims, trusted, ports)
    const account = typeof resolution === 'string' ? resolution : await resolution.settle()
    const { authorizationDetails } = granted
    const scope = granted.scopes.join(' ')
    const resource = granted.resources.length === 1 ? (granted.resources[0] as string) : granted.resources
    const status = { claims, account, client: client.id, resources: places, tenant: stoppable }
    const indexing = newStatus(status, ports.now())
    const statusIndex = isPromise(indexing) ? await indexing : indexing
    const tokenId = ports.newId()
    facts.account = account
    facts.scope = scope
    facts.resource = resource
    facts.detailTypes = typesOf(authorizationDetails)
    facts.issuedTokenId = tokenIdHash(server.issuer, tokenId)
    await recordGranted()
    const bound = boundTo(possession)
    const issuing = server.issue({
      account,
      client: client.id,
      audience: resource,
      scope,
      tokenId,
      now: ports.now(),
      proofKey: bound.proofKey,
      certificate: bound.certificate,
      statusIndex,
      tenant: trusted.audTenant,
      authorizationDetails,
      signIn: { authTime, acr, amr },
      assertion: claims,
    })
    const { accessToken, tokenType, expiresIn } = isPromise(issuing) ? await issuing : issuing
    // ID-JAG §4.4.1: the answer says what was granted. §4.4.3: no refresh token.
    return {
      access_token: accessToken,
      token_type: tokenType,
      expires_in: expiresIn,
      scope: scope === '' ? undefined : scope,
      resource: resourceMember(granted.resources, server.branches),
      authorization_details: authorizationDetails,
    }
  }
}

type NewStatus = (
  token: { claims: IdJagClaims; account: string; client: string; resources: string[]; tenant: string | undefined },
  now: Seconds,
) => Awaitable<number | undefined>

/** Asks for the index of a token that is about to be issued, where the server keeps statuses. */
function statusGiver(server: ResourceAuthorizationServer): NewStatus {
  const { issuer: self, statuses, accessTokenLifetime, skew, clockAllowance } = server
  if (statuses === undefined) return () => undefined
  if (accessTokenLifetime === undefined)
    throw new TypeError('a server with statuses needs accessTokenLifetime: they are kept for as long as a token lives')
  return ({ claims: { sub, email, iss: issuer }, account, client, resources, tenant }, now) => {
    const users = email === undefined ? [sub, account] : [sub, account, email]
    const access = { users, client, audiences: [self, ...resources], issuer, account, tenant }
    // A guard takes a token until exp + skew.
    return statuses.indexFor(access, now + accessTokenLifetime + skew + clockAllowance)
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

/** D-06: a grant that is named for the proof is none without it. */
function refuseUnproven(form: Form, proofKey: string | undefined): void {
  if (proofKey === undefined && form.required('grant_type') === grantType.jwtDpop)
    throw new OAuthError('invalid_grant', 'this grant_type needs a DPoP proof', { reason: 'pop_missing' })
}

/** A store that lost its memory would take a spent assertion again (D-05). */
function refuseForgotten({ iat }: IdJagClaims, { assertions }: TrustedIssuer, ports: Ports): void {
  if (assertions === 'single-use' && iat < ports.fence())
    throw refused('replay_fence', 'was issued before this server can remember; get a new one')
}

/**
 * ID-JAG §4.4.3, D-05: spends the assertion. The record outlives every moment at which some instance could still accept the
 * token. An issuer set to `until-exp` leaves its mark too, so that a change back to single use finds it.
 */
function spend(
  { iss, tenant, jti, exp }: IdJagClaims,
  { assertions }: TrustedIssuer,
  { skew, clockAllowance }: ResourceAuthorizationServer,
  ports: Ports,
  facts: AuditFacts,
): Awaitable<void> {
  // JAG-08: keys may have been fetched since the times were checked, and after this moment the record of a use may be gone.
  if (ports.now() >= exp + skew) throw refused('expired', 'has expired')
  const mark = () => ports.once(onceKey('id-jag', iss, tenant ?? null, jti), exp + skew + clockAllowance)
  return assertions === 'single-use' ? following(mark(), refuseReplay) : leaveMark(mark, facts)
}

function refuseReplay(first: boolean): void {
  if (!first) throw refused('replay', 'was redeemed before')
}

async function leaveMark(mark: () => Awaitable<boolean>, facts: AuditFacts): Promise<void> {
  try {
    await mark()
  } catch {
    // Nothing depends on the mark while the issuer is set so; the audit says that it is missing.
    facts.degraded = true
  }
}
