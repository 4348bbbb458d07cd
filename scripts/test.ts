/** `npm test`: style, types, every test on this Node and again on Node 24; then what ran, what failed, and what did not run. */

import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const secondNode = '24.21.0'
const chromiumPaths = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
]

const work = mkdtempSync(join(tmpdir(), 'xaa-test-'))
const total = { passed: 0, failed: 0, skipped: 0 }
const notRun: string[] = []
const failures: string[] = []

step('style', 'npx', ['biome', 'check', '.'])
step('types', 'npx', ['tsc', '--noEmit', '-p', 'test'])
const chromium = findChromium()
if (chromium === undefined)
  notRun.push('the pages in a browser: install Chromium (Debian: apt-get install chromium), or name one in CHROMIUM')
vitest('tests', [process.execPath], ['--coverage'])
const alreadyNew = Number(process.versions.node.split('.')[0]) >= 24
const newer = alreadyNew ? undefined : newerNode()
if (alreadyNew) console.log(`\nNode ${process.versions.node} is new enough to stand for Node 24 too.`)
else if (newer === undefined) notRun.push(`the tests on Node ${secondNode}: npm could not bring it`)
else vitest(`tests on Node ${secondNode}`, newer, [])
rmSync(work, { recursive: true, force: true })

for (const failure of failures) console.log(`failed: ${failure}`)
for (const sentence of notRun) console.log(`did not run: ${sentence}`)
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped + notRun.length} skipped`)
// In CI, what did not run proves nothing, and nothing proved is a failure.
const incomplete = process.env.CI !== undefined && (notRun.length > 0 || total.skipped > 0)
process.exit(total.failed > 0 || incomplete ? 1 : 0)

function step(name: string, command: string, args: string[]): void {
  console.log(`\n== ${name}`)
  const { status } = spawnSync(command, args, {
    stdio: 'inherit',
    env: { ...process.env, npm_config_loglevel: 'error' },
  })
  if (status === 0) total.passed++
  else {
    total.failed++
    failures.push(name)
  }
}

function vitest(name: string, node: string[], args: string[]): void {
  console.log(`\n== ${name}`)
  const report = join(work, `${name.replaceAll(' ', '-')}.json`)
  const [command = '', ...before] = node
  const { status } = spawnSync(
    command,
    [
      ...before,
      'node_modules/vitest/vitest.mjs',
      'run',
      '--config=test/vitest.config.ts',
      '--reporter=dot',
      '--reporter=json',
      `--outputFile.json=${report}`,
      ...(chromium === undefined ? ['--exclude=test/browser/**'] : []),
      ...args,
    ],
    { stdio: 'inherit', env: { ...process.env, ...(chromium === undefined ? {} : { CHROMIUM: chromium }) } },
  )
  if (!existsSync(report)) {
    total.failed++
    failures.push(`${name}: the test runner did not finish`)
    return
  }
  const result = JSON.parse(readFileSync(report, 'utf8')) as {
    numPassedTests: number
    numFailedTests: number
    numPendingTests: number
    numTodoTests: number
  }
  total.passed += result.numPassedTests
  total.failed += result.numFailedTests
  total.skipped += result.numPendingTests + result.numTodoTests
  // Also without a failed test: a file that could not be loaded, an unhandled rejection, coverage below the gate.
  if (status !== 0) {
    if (result.numFailedTests === 0) total.failed++
    failures.push(`${name}: see above`)
  }
}

function findChromium(): string | undefined {
  const found = [process.env.CHROMIUM ?? '', ...chromiumPaths].find((path) => path !== '' && existsSync(path))
  if (found !== undefined) return found
  const mayInstall = process.platform === 'linux' && process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')
  if (!mayInstall) return undefined
  console.log('\n== installing Chromium with apt-get, for the tests of the pages')
  const quiet = {
    stdio: ['ignore', 'ignore', 'inherit'] as ('ignore' | 'inherit')[],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  }
  spawnSync('apt-get', ['-qq', 'update'], quiet)
  spawnSync('apt-get', ['-qq', '-y', '--no-install-recommends', 'install', 'chromium'], quiet)
  return chromiumPaths.find((path) => existsSync(path))
}

/** A command that runs Node 24 from its npm package, which holds the binary and needs no install script. */
function newerNode(): string[] | undefined {
  const platform = process.platform === 'win32' ? 'win' : process.platform
  const command = ['npx', '--yes', `--package=node-${platform}-${process.arch}@${secondNode}`, '--', 'node']
  const { stdout } = spawnSync(command[0] ?? '', [...command.slice(1), '--version'], { encoding: 'utf8' })
  return stdout?.trim() === `v${secondNode}` ? command : undefined
}
