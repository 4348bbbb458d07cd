/** An audit that counts what it keeps: metrics and audit cannot say different things. */

import type { AuditEvent } from '../../protocol/ports.ts'
import type { Audit } from '../audit.ts'
import { type Count, counts, gauge, type Readable } from './families.ts'

/** The audit in the place of another, and its numbers. */
export interface CountedAudit {
  audit: Audit
  metrics: Readable[]
}

/** Counts an event once it is kept, by words that all come from closed lists; one that is not kept is counted as that. */
export function countedAudit(audit: Audit): CountedAudit {
  const decisions = counts('xaa_decisions_total', 'Requests that were decided: one for each event in the audit.')
  const failures = counts(
    'xaa_audit_failures_total',
    'Events that the audit did not keep; their requests were refused.',
  )
  const failed = failures.of({})
  // A text of four words is found faster than an object's labels.
  const known = new Map<string, Count>()
  let waiting = 0
  const countOf = ({ role, action, outcome, reason }: AuditEvent): Count => {
    const words = `${role} ${action} ${outcome} ${reason}`
    const count = known.get(words)
    if (count !== undefined) return count
    const made = decisions.of({ role, action, outcome, reason })
    known.set(words, made)
    return made
  }
  return {
    audit: {
      async record(event) {
        waiting += 1
        try {
          await audit.record(event)
          countOf(event).count += 1
        } catch (error) {
          failed.count += 1
          throw error
        } finally {
          waiting -= 1
        }
      },
      close: () => audit.close(),
    },
    metrics: [
      decisions,
      failures,
      gauge('xaa_audit_waiting', 'Events that wait for the audit now.', () => [{ labels: {}, value: waiting }]),
    ],
  }
}
