/** How a decision is written down: in which words, and how much of what a caller sent. */

import { OAuthError } from './errors.ts'
import type { AuditEvent } from './ports.ts'

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
  const kept: { [member: string]: unknown } = {}
  for (const [name, value] of Object.entries(event)) if (value !== undefined) kept[name] = boundedValue(value)
  return kept as unknown as AuditEvent
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
