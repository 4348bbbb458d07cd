/** Writes docs/performance.md from what `npm run bench -- --json` printed: one file, and others with subjects that were measured again. */

import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Row } from './subject.ts'
import { textOf } from './table.ts'

/** What `npm run bench -- --json` prints, as far as the page shows it. */
export interface PrintedReport {
  machine: string
  share: number
  subjects: { name: string; title: string; method: string; rows?: Row[]; failed?: string }[]
}

/**
 * The page of a report, with the subjects of `later` ones of the same machine in place of its own. Throws for a report with a subject that
 * failed: figures that are not there cannot be shown.
 */
export function pageOf({ machine, share, subjects: first }: PrintedReport, ...later: readonly PrintedReport[]): string {
  const again = new Map(
    later.flatMap((report) => report.subjects.map((subject) => [subject.name, { subject, report }])),
  )
  const subjects = first.map((subject) => again.get(subject.name)?.subject ?? subject)
  const failed = subjects.find((subject) => subject.failed !== undefined)
  if (failed !== undefined) throw new Error(`the subject ${failed.name} failed: ${failed.failed}`)
  const short = share === 1 ? '' : ` It was only ${share} of the full length.`
  const sections = subjects.map(
    ({ name, title, method, rows = [] }) =>
      `## ${title}\n\n${method}\n\n\`npm run bench -- --only ${name}\`${lengthOf(again.get(name)?.report.share)}\n\n${markdownOf(rows)}\n`,
  )
  return `# Performance

Measured by \`npm run bench\` on ${machine}.${short} The ratios are the result: other machines have other times, and a busy one has
worse. In a table that has them, \`must\` and \`aim\` are what is asked of the ratio or figure, and the last column says which of them it
reaches, or that it missed both.

To repeat it, on a machine that does nothing else:

\`\`\`sh
npm ci
npm run -s bench -- --json > bench.json
node --import tsx scripts/bench/report.ts bench.json
\`\`\`

Signatures are most of what a request costs, so what is worth knowing is short: sign with ES256 (RS256 takes twelve
times as long to sign); let clients keep their connections alive, because a new one costs more than a signature; and give one process
to each processor where one is not enough, with the store in LMDB or Redis.

${sections.join('\n')}`
}

/** Of a subject that was measured again. */
function lengthOf(share: number | undefined): string {
  if (share === undefined) return ''
  return share === 1 ? ', at the full length' : `, at ${share} of the full length`
}

function markdownOf(rows: readonly Row[]): string {
  const shown = rows.filter(({ didNotRun }) => didNotRun === undefined)
  const columns = [...new Set(shown.flatMap(({ figures }) => Object.keys(figures)))]
  const judged = shown.some(({ verdict }) => verdict !== undefined)
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  const absent = rows.filter(({ didNotRun }) => didNotRun !== undefined)
  return [
    line(['', ...columns, ...(judged ? ['reaches'] : [])]),
    line(['---', ...columns.map(() => '---:'), ...(judged ? ['---'] : [])]),
    ...shown.map(({ name, figures, verdict = '' }) =>
      line([name, ...columns.map((column) => textOf(figures[column])), ...(judged ? [verdict] : [])]),
    ),
    ...absent.map(({ name, didNotRun }) => `\n${name} did not run: ${didNotRun}.`),
  ].join('\n')
}

// The test of the page imports this file; only the command writes.
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const page = new URL('../../docs/performance.md', import.meta.url)
  const read = (file: string) => JSON.parse(readFileSync(file, 'utf8')) as PrintedReport
  const [file = '', ...more] = process.argv.slice(2)
  writeFileSync(page, pageOf(read(file), ...more.map(read)))
}
