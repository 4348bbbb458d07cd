/** What a grant may ask of the world: the time, an id, a single use, a line in the audit, and the arithmetic of signatures. */

import { hash } from 'node:crypto'
import type { Awaitable } from './awaitable.ts'
import type { Reason } from './reasons.ts'
import type { Signatures } from './signatures.ts'

/** The only unit of time here: seconds since 1970, or a number of seconds. Moments may have a fraction. */
export type Seconds = number

export interface Ports {
  /** The only clock. */
  now(): Seconds
  /** An id nobody can guess: at least 128 random bits, characters `[A-Za-z0-9_-]`. */
  newId(): string
  /**
   * True exactly one time for a key, everywhere, until `until`; atomic. Throws when it cannot tell, and then nothing
   * may be issued. Make keys with {@link onceKey}.
   */
  once(key: string, until: Seconds): Awaitable<boolean>
  /**
   * Assertions issued before this moment are refused, because the record of their use may be lost: a store in memory
   * knows nothing of the process before it. Zero when nothing can have been lost.
   */
  fence(): Seconds
  /** Writes one audit event. Resolves when it is kept; rejects when it is not, and then nothing may be issued. */
  record(event: AuditEvent): Promise<void>
  /** How signatures are computed. Absent: by {@link usualSignatures}. */
  signatures?: Signatures | undefined
}

export type Role = 'idp' | 'resource-as' | 'resource'

/**
 * What one request was and how it was decided. It holds no token, secret, assertion or proof: ids of tokens are hashed
 * by {@link tokenIdHash}, the same at both sides, so that an ID-JAG's issue and its redemption can be laid side by side.
 */
export interface AuditEvent {
  at: Seconds
  role: Role
  /** The issuer identifier (or resource identifier) of the server that decided. */
  server: string
  action:
    | 'exchange'
    | 'redeem'
    | 'call'
    | 'introspect'
    | 'discover'
    | 'revoke'
    | 'token-request'
    | 'admin'
    // The code grant: a person was asked, a code or a refresh token was redeemed, a client registered itself.
    | 'consent'
    | 'code'
    | 'refresh'
    | 'register'
  outcome: 'granted' | 'refused'
  reason: Reason
  /** The OAuth error code the caller was given. */
  error?: string | undefined
  /** For the operator: what was found and expected. Never sent. */
  detail?: string | undefined
  correlationId: string
  /** The authenticated client. Absent when nobody was authenticated. */
  client?: string | undefined
  /** Facts about the token or person of the request, as far as they were known. */
  issuer?: string | undefined
  subject?: string | undefined
  /** What kind of workload the subject is. Absent: a person. */
  subjectProfile?: string | undefined
  account?: string | undefined
  audience?: string | undefined
  clientThere?: string | undefined
  /** Of the issuer of the ID-JAG (ID-JAG §6). */
  tenant?: string | undefined
  /** Of the resource authorization server. */
  audTenant?: string | undefined
  scope?: string | undefined
  resource?: string | string[] | undefined
  /** The types of the authorization details that were granted: what they hold is no business of the audit. */
  detailTypes?: string[] | undefined
  act?: unknown | undefined
  /** Hash of the token that was shown, or made. */
  tokenId?: string | undefined
  issuedTokenId?: string | undefined
  /** True when the facts above were read from a token whose signature had not been checked. */
  unverified?: true | undefined
  /** True when the use of an `until-exp` assertion could not be marked, because the store did not answer. */
  degraded?: true | undefined
  /** Which version of the policy decided. */
  policyVersion?: string | undefined
}

/** The parts of an audit event that a grant learns while it works. */
export type AuditFacts = Partial<
  Omit<AuditEvent, 'at' | 'role' | 'server' | 'action' | 'outcome' | 'reason' | 'error' | 'correlationId'>
>

export type SpendKind = 'id-jag' | 'client-assertion' | 'dpop-proof' | 'saml-assertion'

/**
 * The key under which a token is spent. Its parts cannot run into each other (no `iss + ':' + jti`), and the kinds
 * have name spaces of their own. `tenant` is null for an issuer without tenants; a proof's issuer is its key's thumbprint.
 */
export function onceKey(kind: SpendKind, issuer: string, tenant: string | null, jti: string): string {
  const rest = tenant === null ? 'null' : quoted(tenant)
  return hash('sha256', `["${kind}",${quoted(issuer)},${rest},${quoted(jti)}]`, 'base64url')
}

/** The id of a token as the audit writes it: enough to find the same token at another server, useless for anything else. */
export function tokenIdHash(issuer: string, jti: string): string {
  return hash('sha256', `[${quoted(issuer)},${quoted(jti)}]`, 'base64url').slice(0, 22)
}

/** As JSON has it. What holds nothing that JSON escapes, as nearly everything, is quoted as it is. */
function quoted(text: string): string {
  return /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/.test(text) ? `"${text}"` : JSON.stringify(text)
}
