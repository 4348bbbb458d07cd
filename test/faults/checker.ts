/** Judges what a run under faults left behind, by the invariants I1 to I10; knows nothing of how it was made. */

import { checkAnswers } from './checker/answers.ts'
import { readAudits } from './checker/audit-lines.ts'
import { byToken, type History, invariants, type Violation } from './checker/history.ts'
import { checkRecords } from './checker/records.ts'
import { checkSingleUse } from './checker/single-use.ts'
import { checkAccessTokens, checkSecrets } from './checker/tokens.ts'

/** What was looked at: a verdict on nothing is worth nothing. */
export interface Counts {
  tokens: number
  presentations: number
  granted: number
  refused: number
  unavailable: number
  /** Without a whole answer. */
  lost: number
  auditLines: number
  chainedLines: number
  faults: number
}

export interface Verdict {
  /** By invariant, in the order of their numbers. */
  violations: Violation[]
  counts: Counts
}

/**
 * Reads a history. I1: an ID-JAG is redeemed at most once, by answers and by audits. I2: a right one that was never in doubt is
 * redeemed. I3: each grant a client got has one audit record that says the same. I4: nothing is granted 5 s after it was stopped.
 * I5: each refusal has the specified code. I6: no 5xx and no lost request without its fault. I7: no grant begins after another of
 * the same ID-JAG was answered. I8: audits are whole. I9: access tokens verify. I10: no secret in any log.
 * Does NOT look into the store: what it forgot shows when spent tokens are presented again, which is the run's affair.
 */
export async function judge(history: History): Promise<Verdict> {
  const audit = readAudits(history)
  const violations = [
    ...checkSingleUse(history, audit),
    ...checkRecords(history, audit),
    ...checkAnswers(history, audit),
    ...(await checkAccessTokens(history)),
    ...checkSecrets(history),
  ]
  const place = ({ invariant }: Violation) => invariants.indexOf(invariant)
  const { presentations } = history
  const count = (wanted: (status: number | undefined) => boolean) =>
    presentations.filter(({ status }) => wanted(status)).length
  return {
    violations: violations.sort((one, other) => place(one) - place(other)),
    counts: {
      tokens: byToken(presentations).length,
      presentations: presentations.length,
      granted: count((status) => status === 200),
      refused: count((status) => status !== undefined && status >= 400 && status < 500),
      unavailable: count((status) => status !== undefined && status >= 500),
      lost: count((status) => status === undefined),
      auditLines: audit.lines.length,
      chainedLines: audit.lines.filter(({ chained }) => chained).length,
      faults: history.faults.length,
    },
  }
}
