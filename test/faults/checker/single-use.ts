/** I1, I2 and I7: an ID-JAG is redeemed once, an honest one is redeemed, and never after it was. */

import { type AuditReading, isRedemption } from './audit-lines.ts'
import { mayStay, reasonsOf } from './excuses.ts'
import { byToken, type History, isGood, isInDoubt, type Presentation, type Violation } from './history.ts'

/** Judges the clients' log, and for I1 the audit too, which knows of grants whose answer was lost. */
export function checkSingleUse(history: History, audit: AuditReading): Violation[] {
  return [...grantedTwice(audit), ...byToken(history.presentations).flatMap((same) => checkToken(same, history, audit))]
}

function grantedTwice({ lines }: AuditReading): Violation[] {
  const counts = new Map<string, number>()
  for (const { tokenId } of lines.filter(isRedemption))
    if (tokenId !== undefined) counts.set(tokenId, (counts.get(tokenId) ?? 0) + 1)
  return [...counts]
    .filter(([, count]) => count > 1)
    .map(([tokenId, count]) => ({ invariant: 'I1', says: `the audits grant ${tokenId} ${count} times` }))
}

function checkToken(same: readonly Presentation[], history: History, audit: AuditReading): Violation[] {
  const violations: Violation[] = []
  const successes = same.filter(({ status }) => status === 200).sort((one, other) => one.ended - other.ended)
  const [first] = successes
  const name = `ID-JAG ${same[0]?.jti}`
  if (successes.length > 1)
    violations.push({
      invariant: 'I1',
      says: `${name} was redeemed ${successes.length} times, at ${successes.map(({ instance }) => instance).join(', ')}`,
    })
  for (const later of successes)
    if (first !== undefined && later.sent > first.ended)
      violations.push({
        invariant: 'I7',
        says: `${name} was redeemed at ${later.instance} ${ms(later.sent - first.ended)} after ${first.instance} had answered`,
      })
  const good = same.filter(isGood)
  const excused = good.some((one) => isInDoubt(one) || mayStay(one, history, audit))
  if (good.length > 0 && first === undefined && !excused)
    violations.push({
      invariant: 'I2',
      says: `${name} was right, never in doubt, and refused ${good.length} times: ${[...new Set(good.map((one) => reasonsOf(one, audit).join(' ')))].join(', ')}`,
    })
  return violations
}

function ms(seconds: number): string {
  return `${(seconds * 1000).toFixed(1)} ms`
}
