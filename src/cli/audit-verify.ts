/** `xaa audit verify`: says whether the audit is whole, and where it is not. */

import { parseArgs } from 'node:util'
import type { AuditJudgement, Remark } from '../server/audit-check.ts'
import { verifyAudit } from '../server/audit-verify.ts'
import { auditFiles, unreadable } from './audit-place.ts'
import type { Io } from './command.ts'

/** Resolves to 0 when the audit is intact and to 1 when it is broken. Throws {@link AuditPlaceError} when it cannot be read. */
export async function runVerify(args: string[], io: Io): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { json: { type: 'boolean' }, config: { type: 'string' } },
  })
  const files = await auditFiles(positionals, values.config, io)
  const judgement = await verifyAudit(files, (file, done, size) =>
    io.err(`${file}: ${megabytes(done)} of ${megabytes(size)} MB\n`),
  ).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === undefined) throw cause
    throw unreadable(cause.path ?? files.join(', '), cause)
  })
  const intact = judgement.problems.length === 0
  io.out(values.json === true ? `${JSON.stringify({ intact, ...judgement }, null, 2)}\n` : reportOf(judgement, intact))
  return intact ? 0 : 1
}

function reportOf({ lines, instances, problems, notes, unlisted }: AuditJudgement, intact: boolean): string {
  const open = instances.filter(({ closed }) => !closed).length
  return [
    ...problems.map((problem) => `broken  ${remarkText(problem)}`),
    ...notes.map((note) => `note    ${remarkText(note)}`),
    ...(unlisted === 0 ? [] : [`        and ${unlisted} more`]),
    ...(open === 0 ? [] : [`note    ${count(open, 'instance')} without a closing line: still running, or killed`]),
    `${intact ? 'intact' : 'BROKEN'}: ${count(lines, 'line')} of ${count(instances.length, 'instance')}, ${count(problems.length, 'problem')}`,
    '',
  ].join('\n')
}

function remarkText({ file, line, says }: Remark): string {
  return `${file}:${line}: ${says}`
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1e6)
}
