/** I8: the lines of each instance's audit are all there, whole, in their order, and each names the one before it. */

import { auditCheck } from '../../../src/server/audit-check.ts'
import type { AuditReading } from './audit-lines.ts'
import type { AuditFile, History, Violation } from './history.ts'

/**
 * Judges the files as they lie there. Lines that were cut short are right only in the file of an instance that was killed or whose
 * disk was full, and only such a one may be without its closing line.
 */
export function checkChains({ audits }: History, audit: AuditReading): Violation[] {
  return audits.flatMap((one) =>
    audit.lines.some(({ instance, chained }) => chained && instance === one.instance)
      ? checkChain(one)
      : checkUnchained(one, audit),
  )
}

function checkChain({ instance, text, interrupted }: AuditFile): Violation[] {
  const check = auditCheck()
  const lines = text.split('\n')
  const rest = lines.pop() ?? ''
  for (const [at, line] of lines.entries()) check.line(Buffer.from(line), { file: instance, line: at + 1 })
  if (rest !== '') check.line(Buffer.from(rest), { file: instance, line: lines.length + 1 })
  check.endFile(rest !== '')
  const { problems, notes, instances } = check.judgement()
  const remarks = interrupted ? problems : [...problems, ...notes]
  const open = interrupted ? [] : instances.filter(({ closed }) => !closed)
  return [
    ...remarks.map(({ line, says }): Violation => ({ invariant: 'I8', says: `${instance} line ${line}: ${says}` })),
    ...open.map(
      ({ last }): Violation => ({ invariant: 'I8', says: `${instance} ends with line ${last}, which closes nothing` }),
    ),
  ]
}

/** An audit without numbers and hashes can at least be read. */
function checkUnchained({ instance, interrupted }: AuditFile, { unreadable }: AuditReading): Violation[] {
  return unreadable
    .filter((line) => line.instance === instance && !(line.tornEnd && interrupted))
    .map(({ number }) => ({ invariant: 'I8', says: `${instance} line ${number} cannot be read` }))
}
