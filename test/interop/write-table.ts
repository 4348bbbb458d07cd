/** `npx tsx test/interop/write-table.ts`: runs every test of this folder, and writes the table of docs/interop.md when all of them passed. */

import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { rows, table } from './rows.ts'

const folder = mkdtempSync(join(tmpdir(), 'xaa-interop-'))
const report = join(folder, 'report.json')
const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--config=test/vitest.config.ts', 'test/interop']
spawnSync(process.execPath, [...vitest, '--exclude=**/rows.test.ts', '--reporter=json', `--outputFile=${report}`], {
  cwd: new URL('../../', import.meta.url),
  stdio: ['ignore', 'ignore', 'inherit'],
})
const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as {
  testResults: { name: string; assertionResults: { status: string }[] }[]
}
rmSync(folder, { recursive: true })

const passed = new Set(
  testResults
    .filter(({ assertionResults }) => assertionResults.length > 0)
    .filter(({ assertionResults }) => assertionResults.every(({ status }) => status === 'passed'))
    .map(({ name }) => basename(name, '.test.ts')),
)
const missing = rows.flatMap(({ tests }) => tests).filter((test) => !passed.has(test))
if (missing.length > 0) {
  console.error(`Nothing was written: not every test passed in ${[...new Set(missing)].join(', ')}.`)
  process.exitCode = 1
} else {
  const page = new URL('../../docs/interop.md', import.meta.url)
  writeFileSync(
    page,
    readFileSync(page, 'utf8').replace(/^\| software \|[\s\S]*?\n(?=\n)/m, () => table()),
  )
  console.log(`docs/interop.md says what ran: ${rows.length} rows.`)
}
