/** Prints the requirements table with the tests that cover it, as JSON or as docs/requirements.md. */

import { requirementsCommand } from './requirements/command.ts'
import { testTitles } from './requirements/test-titles.ts'

process.exitCode = requirementsCommand(process.argv.slice(2), testTitles(new URL('../', import.meta.url)), {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
})
