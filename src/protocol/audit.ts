/** How a decision is written down: in which words, and how much of what a caller sent. */

import { OAuthError } from './errors.ts'
import type { AuditEvent, AuditFacts, Seconds } from './ports.ts'

/** How the audit describes what was thrown. */
export function refusal(error: unknown): Pick<AuditEvent, 'outcome' | 'reason' | 'error' | 'detail'> {
  if (!(error instanceof OAuthError))
    return { outcome: 'refused', reason: 'internal_error', error: 'server_error', detail: nameOf(error) }
  const { reason, code, detail, message } = error
  return { outcome: 'refused', reason, error: code, detail: detail ?? message }
}

/** What kind of failure it was, without its message, which may quote anything. */
export function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : typeof error
}

const maxTextLength = 512

/**
 * The event as it is kept: without members that are undefined, without a token that was sent in the wrong parameter, and with
 * no text longer than 512 characters, because whoever may send 64 KiB would otherwise fill the audit with them. What was cut
 * ends in `…`. Does NOT know a secret when it sees one.
 */
export function bounded(event: AuditEvent): AuditEvent {
  const { at, role, action, outcome, reason } = event
  const server = boundedText(event.server)
  const correlationId = boundedText(event.correlationId)
  // Member by member: copying one object into another costs as much as all other work on an event.
  const kept: AuditEvent = { at, role, server, action, outcome, reason, correlationId }
  if (event.error !== undefined) kept.error = boundedText(event.error)
  if (event.detail !== undefined) kept.detail = boundedText(event.detail)
  if (event.client !== undefined) kept.client = boundedText(event.client)
  if (event.issuer !== undefined) kept.issuer = boundedText(event.issuer)
  if (event.subject !== undefined) kept.subject = boundedText(event.subject)
  if (event.subjectProfile !== undefined) kept.subjectProfile = boundedText(event.subjectProfile)
  if (event.account !== undefined) kept.account = boundedText(event.account)
  if (event.audience !== undefined) kept.audience = boundedText(event.audience)
  if (event.clientThere !== undefined) kept.clientThere = boundedText(event.clientThere)
  if (event.tenant !== undefined) kept.tenant = boundedText(event.tenant)
  if (event.audTenant !== undefined) kept.audTenant = boundedText(event.audTenant)
  if (event.scope !== undefined) kept.scope = boundedText(event.scope)
  if (event.resource !== undefined) kept.resource = boundedValue(event.resource) as string | string[]
  if (event.detailTypes !== undefined) kept.detailTypes = boundedValue(event.detailTypes) as string[]
  if (event.act !== undefined) kept.act = boundedValue(event.act)
  if (event.tokenId !== undefined) kept.tokenId = boundedText(event.tokenId)
  if (event.issuedTokenId !== undefined) kept.issuedTokenId = boundedText(event.issuedTokenId)
  if (event.unverified !== undefined) kept.unverified = event.unverified
  if (event.degraded !== undefined) kept.degraded = event.degraded
  if (event.policyVersion !== undefined) kept.policyVersion = boundedText(event.policyVersion)
  return kept
}

/** Facts of which none is known but the policy that decides. */
export function noFactsYet(policyVersion: string): AuditFacts {
  return {
    detail: undefined,
    client: undefined,
    issuer: undefined,
    subject: undefined,
    subjectProfile: undefined,
    account: undefined,
    audience: undefined,
    clientThere: undefined,
    tenant: undefined,
    audTenant: undefined,
    scope: undefined,
    resource: undefined,
    detailTypes: undefined,
    act: undefined,
    tokenId: undefined,
    issuedTokenId: undefined,
    unverified: undefined,
    degraded: undefined,
    policyVersion,
  }
}

/** The event of a request: what it was, what was learned of it, and how it was decided. */
export function eventOf(
  { role, server, action, correlationId }: Pick<AuditEvent, 'role' | 'server' | 'action' | 'correlationId'>,
  facts: AuditFacts,
  at: Seconds,
  { outcome, reason, error, detail = facts.detail }: Pick<AuditEvent, 'outcome' | 'reason' | 'error' | 'detail'>,
): AuditEvent {
  return {
    at,
    role,
    server,
    action,
    outcome,
    reason,
    error,
    detail,
    correlationId,
    client: facts.client,
    issuer: facts.issuer,
    subject: facts.subject,
    subjectProfile: facts.subjectProfile,
    account: facts.account,
    audience: facts.audience,
    clientThere: facts.clientThere,
    tenant: facts.tenant,
    audTenant: facts.audTenant,
    scope: facts.scope,
    resource: facts.resource,
    detailTypes: facts.detailTypes,
    act: facts.act,
    tokenId: facts.tokenId,
    issuedTokenId: facts.issuedTokenId,
    unverified: facts.unverified,
    degraded: facts.degraded,
    policyVersion: facts.policyVersion,
  }
}

/** A JWT, whole or cut off: base64url of `{"`, and what follows it. */
const jwtLike = /eyJ[\w-]+\.[\w.-]*/g

function boundedText(text: string): string {
  if (text.length <= maxTextLength && !text.includes('eyJ')) return text
  const bare = text.replace(jwtLike, '(a token)')
  return bare.length > maxTextLength ? `${bare.slice(0, maxTextLength)}…` : bare
}

function boundedValue(value: unknown): unknown {
  if (typeof value === 'string') return boundedText(value)
  if (Array.isArray(value)) return value.slice(0, 32).map(boundedValue)
  if (typeof value !== 'object' || value === null) return value
  const text = JSON.stringify(value)
  return text.length > maxTextLength ? `${text.slice(0, maxTextLength)}…` : value
}
