/** Refresh tokens of this identity provider's own: a sign-in that lasts, got for a subject token (ID-JAG §4.5, SAML-02, SAML-03). */

import { type Blocks, blockOf } from '../protocol/blocks.ts'
import type { Branches } from '../protocol/branches.ts'
import { possessionOf } from '../protocol/confirmation.ts'
import { OAuthError } from '../protocol/errors.ts'
import { notAnAccessToken, tokenType } from '../protocol/names.ts'
import { type Seconds, tokenIdHash } from '../protocol/ports.ts'
import type { Grant } from '../protocol/token-endpoint.ts'
import { belongs, namesOf, type User } from './connections.ts'
import {
  asksForRefreshToken,
  type RefreshTokenRequest,
  readRefreshTokenRequest,
  signInScopes,
} from './refresh-token-request.ts'
import { tooOld } from './refresh-token-use.ts'
import { type RefreshTokenRecord, type Subject, type SubjectRules, validateSubject } from './subject.ts'
import { findTarget, type Target, type Targets } from './target.ts'
import { isForTenant } from './tenants.ts'

/** Where refresh tokens are made and ended. Both throw `temporarily_unavailable` when that cannot be done now. */
export interface RefreshTokenIssue {
  /** The longest time from a sign-in to the end of its refresh tokens. */
  sessionAge: Seconds
  /** The issuers of all resource servers. */
  audiences(): readonly string[]
  /** Keeps a new token until its record expires: durable when this resolves. The token itself is nowhere written down. */
  keep(token: string, record: RefreshTokenRecord): Promise<void>
  /** Forgets a token. Resolves too when there is none. */
  end(token: string): Promise<void>
}

/** Of an identity provider, what this grant is made with. */
export interface RefreshTokenIssuer extends Targets, Pick<SubjectRules, 'findIssuer' | 'samlAssertions'> {
  issuer: string
  /** Absent: none is given. */
  refreshTokenIssue?: RefreshTokenIssue
  blocks?: Blocks
  branches?: Branches | undefined
  skew: Seconds
}

/** The exchange for a refresh token where that is asked for and given here, and the other grant for everything else (ID-JAG §4.5). */
export function orRefreshToken(idp: RefreshTokenIssuer, otherwise: Grant): Grant {
  if (idp.refreshTokenIssue === undefined) return otherwise
  const issue = refreshTokenIssue(idp, idp.refreshTokenIssue)
  return (request, ports) => (asksForRefreshToken(request.form) ? issue : otherwise)(request, ports)
}

/**
 * The exchange of a subject token for a refresh token, as a grant. Given is one to a client with at least one connection that takes
 * refresh tokens and is for this person. It lasts from the sign-in, or where that is not known from now, as long as the most patient
 * of these connections allows, and is never prolonged: it is no subject token here. It may be limited to one audience, and to scopes.
 */
function refreshTokenIssue(idp: RefreshTokenIssuer, { sessionAge, audiences, keep }: RefreshTokenIssue): Grant {
  return async (request, ports) => {
    const { form, client, proofKey, facts, namePolicy, spendCredentials, recordGranted } = request
    // RFC 8705 §3.4: a client that promised to come with its certificate comes with it here, too.
    possessionOf(request, idp.branches)
    const asked = readRefreshTokenRequest(form)
    if (asked.audience !== undefined) facts.audience = asked.audience
    // Branch sec-subject-tokens, FL-SUB-02: what is stolen must be worth nothing.
    if (idp.branches?.['sec-subject-tokens'] === true && proofKey === undefined)
      throw new OAuthError('invalid_request', 'refresh tokens are bound to a key here: send a DPoP proof', {
        reason: 'pop_required',
      })
    const now = ports.now()
    const subject = await validateSubject(asked.subjectToken, asked.subjectTokenType, {
      self: idp.issuer,
      findIssuer: idp.findIssuer,
      samlAssertions: idp.samlAssertions,
      purpose: 'refresh-token',
      client,
      ports,
      now,
      skew: idp.skew,
      facts,
    })
    const reachable = await targetsOf(idp, client.id, asked, subject.user, audiences())
    if (asked.audience !== undefined) for (const { server } of reachable) facts.audience = server.issuer
    namePolicy()
    const targets = allowedTargets(reachable, subject, client.id, idp.blocks)
    const scopes = limitsOf(asked, targets, subject)

    const sessionStart = Math.min(subject.authTime ?? now, now)
    const longest = Math.min(sessionAge, Math.max(...targets.map(({ connection }) => connection.refreshTokens.maxAge)))
    // SAML 2.0 core §2.7.2: SessionNotOnOrAfter, beyond which nobody counts on that sign-in.
    const expiresAt = Math.min(sessionStart + longest, subject.sessionEnd ?? Number.POSITIVE_INFINITY)
    const lifetime = Math.floor(expiresAt - now)
    if (lifetime < 1) throw tooOld(longest, `signed in at ${sessionStart}`)

    await spendCredentials()
    await subject.spend?.()
    // RFC 6749 §10.10: two ids of 128 random bits or more.
    const token = `${ports.newId()}${ports.newId()}`
    const { user, issuer, authTime, acr, amr } = subject
    // Nobody has the token yet: should the audit fail now, what is kept is of no use to anybody.
    await keep(token, {
      client: client.id,
      sub: user.sub,
      expiresAt,
      revoked: false,
      issuedAt: now,
      authTime,
      acr,
      amr,
      issuer,
      sessionStart,
      remembered: user,
      ...(proofKey === undefined ? {} : { boundTo: proofKey }),
      ...(asked.audience === undefined ? {} : { audiences: targets.map(({ server }) => server.issuer) }),
      ...(scopes.length === 0 ? {} : { scopes }),
    })
    const scope = [...asked.scopes.filter((one) => signInScopes.includes(one)), ...scopes].join(' ') || 'offline_access'
    Object.assign(facts, { scope, issuedTokenId: tokenIdHash(idp.issuer, token) })
    await recordGranted()
    return {
      issued_token_type: tokenType.refreshToken,
      // RFC 8693 names it so; it is no access token (ID-JAG §4.5).
      access_token: token,
      token_type: notAnAccessToken,
      expires_in: lifetime,
      scope,
    }
  }
}

/** Where the client may go at all: to the audience it names, or everywhere it is connected. */
async function targetsOf(
  idp: Targets,
  client: string,
  { audience }: RefreshTokenRequest,
  user: User,
  audiences: readonly string[],
): Promise<Target[]> {
  if (audience !== undefined) return [await findTarget(idp, client, audience, user)]
  const found = await Promise.all(
    audiences.map(async (issuer) => ({
      server: await idp.findResourceServer(issuer),
      connection: await idp.findConnection(client, issuer, user.tenant),
    })),
  )
  return found.flatMap(({ server, connection }) =>
    server?.enabled === true && connection?.enabled === true && isForTenant(connection, user)
      ? [{ server, connection }]
      : [],
  )
}

type LastingTarget = Target & { connection: { refreshTokens: { maxAge: Seconds } } }

/** Those that take refresh tokens, and are for this person, whom nobody has blocked there. Throws `access_denied` when none is left. */
function allowedTargets(
  targets: readonly Target[],
  { user, issuer }: Subject,
  client: string,
  blocks: Blocks | undefined,
): LastingTarget[] {
  const inForce = blocks?.inForce() ?? []
  const theirs = targets.filter(
    (target): target is LastingTarget =>
      target.connection.refreshTokens !== undefined && belongs(user, target.connection.who),
  )
  const open = theirs.filter(({ server, connection }) => {
    const audiences = [server.issuer, ...server.aliases, ...connection.resources]
    return blockOf(inForce, { users: namesOf(user), client, audiences, issuer, tenant: user.tenant }) === undefined
  })
  if (open.length > 0) return open
  throw new OAuthError('access_denied', 'policy does not give this client a refresh token for this user', {
    reason: theirs.length > 0 ? 'blocked' : 'policy_denied',
    detail:
      theirs.length > 0
        ? `${user.sub} is blocked at every connection of ${client} that takes refresh tokens`
        : `no connection of ${client} that takes refresh tokens is for ${user.sub}`,
  })
}

/** What of the scope asked for limits the token: each of it is given to this person by at least one of the connections. */
function limitsOf({ scopes }: RefreshTokenRequest, targets: readonly Target[], { user }: Subject): string[] {
  const asked = scopes.filter((scope) => !signInScopes.includes(scope))
  const given = asked.filter((scope) =>
    targets.some(({ connection }) =>
      connection.scopes.some(({ name, who }) => name === scope && (who === undefined || belongs(user, who))),
    ),
  )
  if (asked.length === 0 || given.length > 0) return given
  throw new OAuthError('invalid_scope', 'none of the requested scope can be granted', {
    reason: 'scope_denied',
    detail: `asked ${asked.join(' ')}, and no connection gives it to ${user.sub}`,
  })
}
