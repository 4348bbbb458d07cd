/** I5 and I6: every refusal has the code that is specified, and no 5xx and no lost request without a fault that explains it. */

import type { AuditReading } from './audit-lines.ts'
import { isByClock, isExplained, isStopped, reasonsOf } from './excuses.ts'
import {
  byToken,
  type Dependency,
  type History,
  isGood,
  isInDoubt,
  type Presentation,
  type Violation,
} from './history.ts'

/** RFC 6749 §5.2, RFC 8707 §2, RFC 9470 and the codes of our own 503, written down once more so that a wrong table is seen. */
const statusOf: { readonly [code: string]: number } = {
  invalid_request: 400,
  invalid_client: 401,
  invalid_grant: 400,
  unauthorized_client: 400,
  unsupported_grant_type: 400,
  invalid_scope: 400,
  access_denied: 400,
  invalid_target: 400,
  temporarily_unavailable: 503,
}

/** What is away when the server gives this reason. A word that is not here explains no 5xx. */
const dependencyOf: { readonly [reason: string]: readonly Dependency[] } = {
  replay_store_unavailable: ['store', 'clock'],
  replay_store_full: ['store'],
  audit_unavailable: ['audit'],
  jwks_unavailable: ['keys'],
  jwks_invalid: ['keys'],
  metadata_invalid: ['keys'],
  fetch_blocked: ['keys'],
  fetch_failed: ['keys'],
  policy_stale: ['store', 'clock'],
}

/** Judges each answer against the audit's and the instance's own word for why it was given. */
export function checkAnswers(history: History, audit: AuditReading): Violation[] {
  const reported = reportedReasons(history)
  return byToken(history.presentations).flatMap((same) => {
    const spendable = same.some(
      (one) => one.status === 200 || isInDoubt(one) || reasonsOf(one, audit).includes('replay_fence'),
    )
    return same.flatMap((one) =>
      one.status === undefined || one.status >= 500
        ? checkUnavailable(one, history, [...reasonsOf(one, audit), ...(reported.get(one.correlationId ?? '') ?? [])])
        : checkAnswer(one, history, reasonsOf(one, audit), spendable),
    )
  })
}

function checkUnavailable(one: Presentation, history: History, reasons: readonly string[]): Violation[] {
  const wrong = (says: string): Violation[] => [{ invariant: 'I6', says: `${nameOf(one)} ${says}` }]
  if (one.status === undefined)
    return isExplained(one, history, ['instance']) ? [] : wrong('got no answer, and the instance was not stopped')
  if (one.status !== 503 || one.code !== 'temporarily_unavailable')
    return wrong(`was answered ${one.status} ${one.code ?? '(no code)'}`)
  const dependencies = reasons.flatMap((reason) => dependencyOf[reason] ?? [])
  // Where even the audit could not be written and the log is lost with its process, any fault of the moment explains it.
  const possible: readonly Dependency[] = reasons.length === 0 ? ['store', 'audit', 'keys', 'clock'] : dependencies
  if (isExplained(one, history, possible)) return []
  const cause = [...new Set(reasons)].join(', ') || 'no reason'
  const says = `${nameOf(one)} was answered 503 (${cause}) outside a fault of ${[...new Set(possible)].join(' or ') || 'anything'}`
  return [{ invariant: 'I6', says, ...(possible.length === 0 ? {} : { mayBeSlowness: true }) }]
}

function checkAnswer(one: Presentation, history: History, reasons: readonly string[], spendable: boolean): Violation[] {
  const wrong = (says: string): Violation[] => [{ invariant: 'I5', says: `${nameOf(one)} ${says}` }]
  const answer = `${one.status} ${one.code ?? '(no code)'}${reasons.length === 0 ? '' : ` (${reasons.join(', ')})`}`
  if (one.status === 200) return isGood(one) ? [] : wrong('was granted, and had to be refused')
  if (one.code === undefined || statusOf[one.code] !== one.status)
    return wrong(`was answered ${answer}, which no rule gives`)
  if (one.mustRefuse !== undefined)
    return one.mustRefuse.includes(one.code)
      ? []
      : wrong(`was answered ${answer}, specified is ${one.mustRefuse.join(' or ')}`)
  if (isStopped(one, history, reasons)) return []
  if (one.code !== 'invalid_grant') return wrong(`was right, and was answered ${answer}`)
  // An instance whose clock is wrong takes a right token for an old one, or for one of the future.
  if (reasons.some((reason) => isByClock(reason)) && isExplained(one, history, ['clock'])) return []
  if (reasons.some((reason) => reason !== 'replay' && reason !== 'replay_fence'))
    return wrong(`was right, and was answered ${answer}`)
  if (!reasons.includes('replay_fence') && !spendable)
    return wrong(`was refused as a replay, and nobody can have redeemed it`)
  return []
}

/** What the instances said on standard error, by correlation id. */
function reportedReasons({ logs }: History): Map<string, string[]> {
  const found = new Map<string, string[]>()
  for (const line of logs.flatMap(({ text }) => text.split('\n'))) {
    if (!line.startsWith('{')) continue
    try {
      const { correlationId, reason } = JSON.parse(line) as { correlationId?: string; reason?: string }
      if (correlationId !== undefined && reason !== undefined)
        found.set(correlationId, [...(found.get(correlationId) ?? []), reason])
    } catch {
      // A kill can cut a line of the log, which promises nothing.
    }
  }
  return found
}

function nameOf({ jti, instance }: Presentation): string {
  return `ID-JAG ${jti} at ${instance}`
}
