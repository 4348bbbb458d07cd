/** `node --import tsx scripts/fuzz/report.ts FILE`: prints what `npm run -s fuzz -- --json` wrote as the tables of docs/security.md. */

import { readFileSync } from 'node:fs'
import type { Outcome } from './run.ts'
import { markdownOf } from './table.ts'

const [file] = process.argv.slice(2)
if (file === undefined) {
  console.error(
    'node --import tsx scripts/fuzz/report.ts FILE: name the file with the output of npm run -s fuzz -- --json',
  )
  process.exit(2)
}
console.log(markdownOf(JSON.parse(readFileSync(file, 'utf8')) as Outcome))
