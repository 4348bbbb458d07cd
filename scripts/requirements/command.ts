/** `npm run -s requirements`: what it prints, and its exit code. */

import { requirementGroups } from '../../src/conformance/requirements.ts'
import { asJson, asMarkdown, contradictions } from './report.ts'
import type { TestTitle } from './test-titles.ts'

const forms = new Map([
  ['--json', asJson],
  ['--markdown', asMarkdown],
])

/**
 * Prints the table in the form that is asked for. Gives the exit code: 0; 1 when an implemented row has no test, or a test is about no
 * row, which goes to `err`; 2 for a command line that is none.
 */
export function requirementsCommand(
  args: readonly string[],
  titles: readonly TestTitle[],
  io: { out(text: string): void; err(text: string): void },
): 0 | 1 | 2 {
  const form = args.length === 1 ? forms.get(args[0] ?? '') : undefined
  if (form === undefined) {
    io.err(`usage: npm run -s requirements -- ${[...forms.keys()].join(' | ')}\n`)
    return 2
  }
  io.out(form(titles))
  const wrong = contradictions(requirementGroups, titles)
  for (const sentence of wrong) io.err(`${sentence}\n`)
  return wrong.length === 0 ? 0 : 1
}
