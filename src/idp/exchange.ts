/** The token exchange of an identity provider: a subject token in, an ID-JAG out, under policy (ID-JAG §4.3, RFC 8693). */

import { typesOf } from '../protocol/authorization-details.ts'
import { following, isPromise } from '../protocol/awaitable.ts'
import { type Blocks, blockOf } from '../protocol/blocks.ts'
import type { Branches } from '../protocol/branches.ts'
import { confirmationOf, possessionOf } from '../protocol/confirmation.ts'
import { OAuthError } from '../protocol/errors.ts'
import { signIdJag } from '../protocol/id-jag.ts'
import type { JsonObject } from '../protocol/json.ts'
import type { SigningKeys } from '../protocol/keys.ts'
import { notAnAccessToken, tokenType } from '../protocol/names.ts'
import { policyRefusals } from '../protocol/policy-refusal.ts'
import { type Seconds, tokenIdHash } from '../protocol/ports.ts'
import { resourceMember } from '../protocol/resource-answer.ts'
import type { Grant } from '../protocol/token-endpoint.ts'
import { type VerifiedTokens, verifiedTokens } from '../protocol/verified-tokens.ts'
import { type Actors, actorClaim, judgeActor } from './actor.ts'
import { grantDetails, readDetails } from './authorization-details.ts'
import { decideAccess, namesOf, type ResourceServer } from './connections.ts'
import type { AccessDecision } from './decision.ts'
import { sealFor } from './encryption.ts'
import { readExchangeRequest } from './exchange-request.ts'
import { checkBinding, withinSession } from './refresh-token-use.ts'
import { orRefreshToken, type RefreshTokenIssue } from './refresh-tokens.ts'
import type { SamlAssertions } from './saml-subject.ts'
import { type IdTokenIssuer, type RefreshTokens, type Subject, validateSubject } from './subject.ts'
import { subjectIdentifierFor } from './subject-identifier.ts'
import { findTarget, type Targets } from './target.ts'
import { tenantClaims } from './tenants.ts'
import {
  refuseActorOfWorkload,
  subjectWithin,
  type Workloads,
  withoutSignIn,
  workloadReader,
} from './workload-subject.ts'

export interface IdentityProvider extends Targets {
  issuer: string
  signingKeys: SigningKeys
  /** By `iss`, exact. It finds this IdP itself, too, where it issues ID Tokens. */
  findIssuer(issuer: string): IdTokenIssuer | undefined
  /** Absent: refresh tokens are no subject tokens here. */
  refreshTokens?: RefreshTokens
  /** Absent: SAML assertions are no subject tokens here. */
  samlAssertions?: SamlAssertions | undefined
  /** Makes refresh tokens of this IdP's own and ends them. Absent: none is given for a subject token (ID-JAG §4.5). */
  refreshTokenIssue?: RefreshTokenIssue
  /** Keeps pairwise subjects unguessable. Needed only where a connection maps subjects pairwise. */
  pairwiseSecret?: string
  /** Absent: no client shows an actor. */
  actors?: Actors | undefined
  /** Absent, or without the branch `workload-agent-principal`: subjects are people. */
  workloads?: Workloads | undefined
  /** Absent: nobody can be blocked. */
  blocks?: Blocks
  /** Absent: as usual. */
  branches?: Branches | undefined
  /** Which ID Tokens are known by their signature when they come again, and how many. Absent: 10 000. */
  subjectTokens?: VerifiedTokens | undefined
  skew: Seconds
}

/** The exchange as a grant for a token endpoint (RFC 8693 §2.1 with the ID-JAG profile). */
export function tokenExchange(idp: IdentityProvider): Grant {
  return policyRefusals(idp, orRefreshToken(idp, exchange(idp)))
}

function exchange(idp: IdentityProvider): Grant {
  const subjectTokens = idp.subjectTokens ?? verifiedTokens()
  return async (request, ports) => {
    const { form, client, facts, namePolicy, spendCredentials, recordGranted } = request
    const shown = possessionOf(request, idp.branches)
    const asked = readExchangeRequest(form)
    facts.audience = asked.audience
    const now = ports.now()
    const { issuer: self, actors, skew } = idp
    const actor =
      asked.actor === undefined
        ? undefined
        : await judgeActor(asked.actor, { self, actors, client, form, ports, skew, facts })

    const validating = validateSubject(asked.subjectToken, asked.subjectTokenType, {
      self: idp.issuer,
      findIssuer: idp.findIssuer,
      refreshTokens: idp.refreshTokens,
      samlAssertions: idp.samlAssertions,
      workload: workloadReader(idp, { self, client, form, ports, skew, facts }),
      subjectTokens,
      client,
      ports,
      now,
      skew: idp.skew,
      facts,
    })
    const subject = isPromise(validating) ? await validating : validating

    refuseActorOfWorkload(asked.actor, subject.user)
    checkBinding(subject, shown, idp.branches)
    const finding = findTarget(idp, client.id, asked.audience, subject.user)
    const { server, connection } = isPromise(finding) ? await finding : finding
    const { clientThere, audTenant } = connection
    facts.audience = server.issuer
    facts.clientThere = clientThere
    facts.tenant = subject.user.tenant
    facts.audTenant = audTenant
    withinContext(subject, server)
    refuseEnded(subject, client.id, server, idp)
    const details = readDetails(asked.details, server, subject)
    namePolicy()
    const judged = withoutSignIn(
      subject.user,
      decideAccess({
        user: subject.user,
        connection,
        server,
        scopes: withinScopes(asked.scopes, subject),
        resources: asked.resources,
        details: details !== undefined,
        authentication: subject,
        scopesAsked: asked.scopes.length > 0,
        stepUpLast: idp.branches?.['step-up'] === true,
        issuer: subject.issuer,
        blocks: idp.blocks?.inForce() ?? [],
        now,
        skew: idp.skew,
      }),
    )
    // FL-STEP-01: details that nobody gets are refused before a sign-in is demanded that would not help.
    const granted = grantDetails(details, { server, connection, user: subject.user, resources: giveable(judged) })
    const decision = allowedOrThrow(judged)
    withinSession(subject, connection, now)

    // ID-JAG §4.3.3: the token says what was granted, not what was asked.
    const scope = decision.scopes.length === 0 ? undefined : decision.scopes.join(' ')
    const jti = ports.newId()
    const iat = Math.floor(now)
    const { tenant, aud_tenant, aud_sub } = tenantClaims(subject.user, connection)
    const claims = {
      iss: idp.issuer,
      sub: subjectWithin(subject.user, connection, idp),
      sub_profile: subject.user.profile,
      // ID-JAG §4.3: whatever the client called it, aud is the issuer identifier.
      aud: server.issuer,
      client_id: connection.clientThere,
      jti,
      iat,
      exp: iat + connection.lifetime,
      scope,
      resource: decision.resources.length === 0 ? undefined : decision.resources,
      authorization_details: granted,
      act: actorClaim(actor, subject.act),
      auth_time: subject.authTime,
      acr: subject.acr,
      amr: subject.amr,
      tenant,
      aud_tenant,
      aud_sub,
      sub_id: subjectIdentifierFor(subject.user, connection, idp),
      // ID-JAG §9.8.1.1
      cnf: confirmationOf(shown),
      userClaims: pick(subject.user.claims, connection.userClaims),
    }

    const sealing = sealFor(server, idp.branches)
    const seal = isPromise(sealing) ? await sealing : sealing
    const spending = spendCredentials()
    if (isPromise(spending)) await spending
    if (actor !== undefined) await actor.spend()
    if (subject.spend !== undefined) await subject.spend()
    subject.remember?.()
    facts.scope = scope
    facts.resource = claims.resource
    facts.detailTypes = typesOf(granted)
    facts.issuedTokenId = tokenIdHash(idp.issuer, jti)
    await recordGranted()
    const signing = following(signIdJag(claims, idp.signingKeys.current(), ports.signatures), seal)
    return {
      issued_token_type: tokenType.idJag,
      // RFC 8693 names it so; it is no access token (ID-JAG §4.3.4).
      access_token: isPromise(signing) ? await signing : signing,
      // ID-JAG §4.3.4, §9.8.1.1: bound or not.
      token_type: notAnAccessToken,
      expires_in: connection.lifetime,
      scope,
      authorization_details: granted,
      resource: resourceMember(claims.resource, idp.branches),
    }
  }
}

/** What a block ended stays ended when it is lifted: whoever held the refresh token meanwhile may not be its owner. */
function refuseEnded(
  { user, issuer, kept, issuedAt = 0 }: Subject,
  client: string,
  server: ResourceServer,
  { issuer: self, blocks }: Pick<IdentityProvider, 'issuer' | 'blocks'>,
): void {
  if (!kept || blocks === undefined) return
  const later = blocks.lifted().filter(({ liftedAt }) => issuedAt <= liftedAt)
  // A source of sign-ins is switched off with this identity provider as the audience, too.
  const audiences = [self, server.issuer, ...server.aliases, ...server.resources]
  const access = { users: namesOf(user), client, audiences, issuer, tenant: user.tenant }
  if (blockOf(later, access) === undefined) return
  throw new OAuthError('invalid_grant', 'subject_token: the refresh token was ended', {
    reason: 'blocked',
    detail: 'it was issued before a block that was lifted since; a new sign-in gives a new one',
  })
}

/** IDP-21: a refresh token that was issued for certain audiences is good for those only. */
function withinContext(subject: Subject, server: ResourceServer): void {
  if (subject.audiences !== undefined && !subject.audiences.includes(server.issuer))
    throw new OAuthError('invalid_target', 'audience: outside what the refresh token was issued for', {
      reason: 'target_unknown',
    })
}

/** IDP-21: the same for scopes. Nothing left of what was asked is refused; nothing asked means all of the context. */
function withinScopes(asked: string[], { scopes }: Subject): string[] {
  if (scopes === undefined) return asked
  const left = asked.length === 0 ? [...scopes] : asked.filter((scope) => scopes.includes(scope))
  if (left.length === 0)
    throw new OAuthError('invalid_scope', 'scope: outside what the refresh token was issued for', {
      reason: 'scope_denied',
    })
  return left
}

/** The resources that are given, or would be after a better sign-in. Throws for every other refusal. */
function giveable(decision: AccessDecision): string[] {
  return decision.resources ?? allowedOrThrow(decision).resources
}

function allowedOrThrow(decision: AccessDecision): AccessDecision & { allowed: true } {
  if (decision.allowed) return decision
  const { error, description, reason, detail, parameters } = decision
  throw new OAuthError(error, description, { reason, detail, ...(parameters === undefined ? {} : { parameters }) })
}

function pick(claims: JsonObject, names: readonly string[]): JsonObject {
  const picked: JsonObject = {}
  for (const name of names) if (Object.hasOwn(claims, name)) picked[name] = claims[name]
  return picked
}
