/** Why an answer that looks wrong may be right after all: a fault of that moment, a fence, a stop, a wrong clock. */

import type { Seconds } from '../../../src/protocol/ports.ts'
import type { AuditReading } from './audit-lines.ts'
import type { Dependency, FaultWindow, History, Presentation, Revocation } from './history.ts'

/** A stop is in force everywhere, and its end is known everywhere, after this time. */
export const stopDelay: Seconds = 5

/** The words by which the audit says that somebody was stopped. */
const stopReasons: readonly string[] = [
  'blocked',
  'client_disabled',
  'issuer_disabled',
  'subject_disabled',
  'key_unknown',
]

const clockReasons: readonly string[] = ['expired', 'iat_invalid', 'not_yet_valid', 'lifetime_too_long']

/** True for the words by which the audit says that a token is not of this time. */
export function isByClock(reason: string): boolean {
  return clockReasons.includes(reason)
}

/**
 * A right token may stay unused when somebody stopped it, and behind the fence of a store that lost its memory: also one that was
 * spent before the fence was seen to have risen, which is then a replay everywhere else. So may one that came to a clock that was wrong.
 */
export function mayStay(one: Presentation, history: History, audit: AuditReading): boolean {
  const reasons = reasonsOf(one, audit)
  if (reasons.includes('replay_fence'))
    return history.faults.some(({ dependency, from }) => dependency === 'store' && from <= one.ended)
  if (reasons.some(isByClock) && isExplained(one, history, ['clock'])) return true
  return isStopped(one, history, reasons)
}

/** True when somebody stopped this presentation at that time, and the audit gives no other reason for its refusal. */
export function isStopped(
  one: Presentation,
  { revocations }: Pick<History, 'revocations'>,
  reasons: readonly string[],
): boolean {
  const covers = ({ asked, acknowledged, lifted = Number.POSITIVE_INFINITY }: Revocation) =>
    (asked ?? acknowledged) <= one.ended && one.sent <= lifted + stopDelay
  return (
    reasons.every((reason) => stopReasons.includes(reason)) &&
    revocations.some((stop) => fits(stop, one) && covers(stop))
  )
}

/** True when the stop is about this presentation. Does NOT compare moments. */
export function fits(
  stop: Revocation,
  of: { issuer?: string; subject?: string; client?: string; keyId?: string },
): boolean {
  return (['issuer', 'subject', 'client', 'keyId'] as const).every(
    (member) => stop[member] === undefined || stop[member] === of[member],
  )
}

/** The words by which the audit explains an answer. */
export function reasonsOf({ correlationId }: Presentation, { byCorrelation }: AuditReading): string[] {
  return (byCorrelation.get(correlationId ?? '') ?? []).map(({ reason }) => reason)
}

/** True when one of these was away at that time, for this instance, or had its grace. */
export function isExplained(
  one: Presentation,
  { faults, grace }: Pick<History, 'faults' | 'grace'>,
  dependencies: readonly Dependency[],
): boolean {
  const covers = ({ dependency, instance, from, to }: FaultWindow) =>
    dependencies.includes(dependency) &&
    (instance === undefined || instance === one.instance) &&
    from <= one.ended &&
    one.sent <= to + grace
  return faults.some(covers)
}
