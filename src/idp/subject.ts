/** Who the subject token speaks of, by an ID Token, a refresh token, a SAML assertion or a JWT of a workload, judged anew at every exchange (ID-JAG §4.3.3). */

import { type Awaitable, following, isPromise } from '../protocol/awaitable.ts'
import type { Client } from '../protocol/client-auth.ts'
import { OAuthError } from '../protocol/errors.ts'
import { checkIsIdToken, type IdTokenClaims, verifyIdToken } from '../protocol/id-token.ts'
import { JwtError } from '../protocol/jwt-error.ts'
import type { KeySource, SignatureAlgorithm } from '../protocol/keys.ts'
import { tokenType } from '../protocol/names.ts'
import { type AuditFacts, type Ports, type Seconds, tokenIdHash } from '../protocol/ports.ts'
import type { Reason } from '../protocol/reasons.ts'
import { type VerifiedTokens, verifiedTokens } from '../protocol/verified-tokens.ts'
import type { User } from './connections.ts'
import type { SamlAssertions, SamlPurpose } from './saml-subject.ts'

/** An issuer whose ID Tokens are taken as subject tokens: this IdP itself, or a foreign one that was configured. */
export interface IdTokenIssuer {
  issuer: string
  enabled: boolean
  keys: KeySource
  algorithms: readonly SignatureAlgorithm[]
  /** The id by which this issuer knows one of our clients: the `aud` of its ID Tokens. */
  clientIdOf(client: string): string
  /** The person as known now; undefined when nobody is. */
  findUser(claims: IdTokenClaims): Awaitable<User | undefined>
}

/** A refresh token that this IdP issued, at sign-in or for a subject token. */
export interface RefreshTokenRecord {
  client: string
  sub: string
  expiresAt: Seconds
  revoked: boolean
  /** When it was first given out. Without it, a block that was lifted meanwhile ends it too. */
  issuedAt?: Seconds | undefined
  authTime?: Seconds | undefined
  acr?: string | undefined
  amr?: string[] | undefined
  /** The context it was issued in, where it was limited to audiences or scopes (IDP-21). */
  audiences?: readonly string[] | undefined
  scopes?: readonly string[] | undefined
  /** Who signed the person in. Absent: this IdP. */
  issuer?: string | undefined
  /** From when on the age counts that each connection allows. Absent: the host alone says how long a token lasts. */
  sessionStart?: Seconds | undefined
  /** The thumbprint of the key whose proof each use needs (RFC 9449 §5). Absent: it is not bound. */
  boundTo?: string | undefined
  /** The person as of the sign-in, for hosts without a directory of their own. */
  remembered?: User | undefined
}

/** Where refresh tokens are looked up. An exchange reads them and changes nothing (ID-JAG D-20). */
export interface RefreshTokens {
  find(token: string): Promise<RefreshTokenRecord | undefined>
  /** The person as known now, by the `sub` of the record. */
  findUser(sub: string, record: RefreshTokenRecord): Promise<User | undefined>
}

export interface Subject {
  user: User
  /** Who issued the subject token. */
  issuer: string
  /** True for a token that this IdP keeps and can end. */
  kept: boolean
  issuedAt?: Seconds | undefined
  authTime?: Seconds | undefined
  acr?: string | undefined
  amr?: string[] | undefined
  /** The actors that an ID Token names; unchecked. */
  act?: unknown
  audiences?: readonly string[] | undefined
  scopes?: readonly string[] | undefined
  /** Of a token that is good once: spends it, after every check. */
  spend?: (() => Promise<void>) | undefined
  /** Of a token that may come again: to be called after every check. */
  remember?: (() => void) | undefined
  /** When the session at the issuer ends, where it says so. */
  sessionEnd?: Seconds | undefined
  /** Of a refresh token: as {@link RefreshTokenRecord} says. */
  sessionStart?: Seconds | undefined
  boundTo?: string | undefined
}

export interface SubjectRules {
  /** The issuer of the refresh tokens. */
  self: string
  findIssuer(issuer: string): IdTokenIssuer | undefined
  refreshTokens?: RefreshTokens | undefined
  samlAssertions?: SamlAssertions | undefined
  /** The ID Tokens whose signature is known. Absent: each is verified from the beginning. */
  subjectTokens?: VerifiedTokens | undefined
  /** What the token is sent for; absent: an ID-JAG. */
  purpose?: SamlPurpose
  /** Reads a JWT of a workload. Absent: subjects are people. Throws OAuthError `invalid_grant` for whatever a client can send. */
  workload?: ((token: string) => Promise<Subject>) | undefined
  client: Client
  ports: Ports
  now: Seconds
  skew: Seconds
  facts: AuditFacts
}

/**
 * Validates a subject token fully (ID-JAG §4.3.3, IDP-20…22). A token that cannot be good, whatever the cause, is
 * `invalid_grant` (D-01); a type that is not served is `invalid_request`.
 */
export function validateSubject(token: string, type: string, rules: SubjectRules): Awaitable<Subject> {
  return following(subjectOf(token, type, rules), (subject) => {
    rules.facts.subject = subject.user.sub
    // IDP-22, and the same for an ID Token: the record as it is now, not as it was at sign-in.
    if (!subject.user.enabled) throw refused('subject_disabled', 'the user may not sign in now')
    return subject
  })
}

function subjectOf(token: string, type: string, rules: SubjectRules): Awaitable<Subject> {
  if (type === tokenType.idToken) return fromIdToken(token, rules)
  if (type === tokenType.refreshToken && rules.refreshTokens !== undefined)
    return fromRefreshToken(token, rules.refreshTokens, rules)
  if (type === tokenType.saml2 && takesSaml(rules)) return fromAssertion(token, rules.samlAssertions, rules)
  if (type === tokenType.jwt && rules.workload !== undefined) return rules.workload(token)
  return unsupported(rules)
}

const noTokens = verifiedTokens(0)

function fromIdToken(token: string, rules: SubjectRules): Awaitable<Subject> {
  try {
    const read = idTokenSubject(token, rules)
    return isPromise(read) ? read.then(undefined, refuseIdToken) : read
  } catch (cause) {
    return refuseIdToken(cause)
  }
}

function refuseIdToken(cause: unknown): never {
  if (!(cause instanceof JwtError)) throw cause
  throw refused(reasonWord(cause.reason), cause.message, cause)
}

function idTokenSubject(token: string, rules: SubjectRules): Awaitable<Subject> {
  const { client, now, skew, facts, ports } = rules
  const { subjectTokens = noTokens } = rules
  const { jwt, signatures, remember } = subjectTokens.take(token, now, ports.signatures)
  checkIsIdToken(jwt)
  const { iss, sub, jti } = jwt.claims
  facts.issuer = textOf(iss)
  facts.subject = textOf(sub)
  facts.unverified = true
  if (typeof iss === 'string' && typeof jti === 'string') facts.tokenId = tokenIdHash(iss, jti)
  const issuer = typeof iss === 'string' ? rules.findIssuer(iss) : undefined
  if (issuer === undefined) throw new JwtError('subject_invalid', "unexpected 'iss' claim value")
  if (!issuer.enabled) throw new JwtError('issuer_disabled', 'its issuer is disabled')
  const clientId = issuer.clientIdOf(client.id)
  const { keys, algorithms } = issuer
  const trust = { issuer: issuer.issuer, keys, algorithms, clientId, now, skew, signatures }
  return following(verifyIdToken(jwt, trust), (claims) => {
    facts.unverified = undefined
    facts.issuer = issuer.issuer
    return following(issuer.findUser(claims), (user) => {
      if (user === undefined) throw new JwtError('subject_unknown', 'its user is not known')
      const { auth_time: authTime, acr, amr, act } = claims
      return { user, issuer: issuer.issuer, kept: false, remember: () => remember(claims.exp), authTime, acr, amr, act }
    })
  })
}

async function fromRefreshToken(token: string, refreshTokens: RefreshTokens, rules: SubjectRules): Promise<Subject> {
  const record = await refreshTokens.find(token)
  // RFC 6749 §6, §10.4: bound to its client; another client's is as good as none.
  if (record === undefined || record.client !== rules.client.id)
    throw refused('subject_invalid', 'the refresh token is not one of this client')
  Object.assign(rules.facts, {
    subject: record.sub,
    tokenId: tokenIdHash(rules.self, token),
    ...(record.issuer === undefined ? {} : { issuer: record.issuer }),
  })
  if (record.revoked) throw refused('subject_invalid', 'the refresh token was revoked')
  if (rules.now >= record.expiresAt) throw refused('subject_invalid', 'the refresh token has expired')
  const user = await refreshTokens.findUser(record.sub, record)
  if (user === undefined) throw refused('subject_unknown', 'its user is not known')
  const { issuer = rules.self, issuedAt, authTime, acr, amr, audiences, scopes, sessionStart, boundTo } = record
  return { user, issuer, kept: true, issuedAt, authTime, acr, amr, audiences, scopes, sessionStart, boundTo }
}

function takesSaml(rules: SubjectRules): rules is SubjectRules & { samlAssertions: SamlAssertions } {
  return rules.samlAssertions?.purposes.includes(rules.purpose ?? 'id-jag') === true
}

async function fromAssertion(token: string, assertions: SamlAssertions, rules: SubjectRules): Promise<Subject> {
  const { client, purpose = 'id-jag', ports, skew, facts } = rules
  const read = await assertions.read(token, { client, purpose, ports, skew, facts })
  const { user, issuer, authTime, acr, sessionNotOnOrAfter: sessionEnd, spend } = read
  return { user, issuer, kept: false, authTime, acr, sessionEnd, spend }
}

function unsupported(rules: SubjectRules): never {
  const served = [
    tokenType.idToken,
    ...(rules.refreshTokens === undefined ? [] : [tokenType.refreshToken]),
    ...(takesSaml(rules) ? [tokenType.saml2] : []),
    ...(rules.workload === undefined ? [] : [tokenType.jwt]),
  ]
  throw new OAuthError('invalid_request', `subject_token_type must be ${served.join(' or ')}`, {
    reason: 'unsupported_type',
  })
}

/** The words of the audit's list that say more than "invalid". */
function reasonWord(reason: Reason): Reason {
  const exact: readonly Reason[] = [
    'subject_type_mismatch',
    'subject_audience',
    'subject_unknown',
    'issuer_disabled',
    'tenant_mismatch',
  ]
  return exact.includes(reason) ? reason : 'subject_invalid'
}

function refused(reason: Reason, message: string, cause?: unknown): OAuthError {
  return new OAuthError('invalid_grant', `subject_token: ${message}`, {
    reason,
    ...(cause === undefined ? {} : { cause }),
  })
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value.slice(0, 255) : undefined
}
