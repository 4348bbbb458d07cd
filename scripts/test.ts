/**
 * `npm test`: style, types, every test on this Node, and again on Node 24 all but the rigs of processes (test/vitest.config.ts); then what
 * ran, what failed, and what did not run.
 */

import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'

const secondNode = '24.21.0'

/** Programs that some tests need beside npm, found here or installed by Debian's package manager. */
const programs = [
  {
    name: 'Chromium',
    variable: 'CHROMIUM',
    package: 'chromium',
    paths: [
      '/usr/bin/chromium',
      '/usr/bin/chromium-browser',
      '/usr/bin/google-chrome',
      '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
    ],
    tests: ['test/browser/**'],
    what: 'the pages in a browser',
  },
  {
    name: 'Redis',
    variable: 'REDIS_SERVER',
    package: 'redis-server',
    paths: ['/usr/bin/redis-server', '/usr/local/bin/redis-server', '/opt/homebrew/bin/redis-server'],
    tests: ['test/store/redis/**', 'test/faults/redis/**', 'test/testing/redis/**'],
    what: 'the store in Redis',
  },
  {
    name: 'authlib',
    variable: 'AUTHLIB',
    package: 'python3-authlib python3-requests',
    paths: ['/usr/lib/python3/dist-packages/authlib'],
    tests: ['test/interop/debian.test.ts'],
    what: "Debian's authlib against our servers",
  },
  {
    name: 'PyJWT',
    variable: 'PYJWT',
    package: 'python3-jwt python3-cryptography',
    paths: ['/usr/lib/python3/dist-packages/jwt'],
    tests: ['test/interop/debian.test.ts'],
    what: "Debian's PyJWT on our tokens",
  },
  {
    name: 'pysaml2',
    variable: 'PYSAML2',
    package: 'python3-pysaml2 xmlsec1',
    paths: ['/usr/lib/python3/dist-packages/saml2'],
    tests: ['test/interop/pysaml2.test.ts'],
    what: "Debian's pysaml2 as a SAML identity provider",
  },
  {
    name: 'Apache with mod_oauth2',
    variable: 'MOD_OAUTH2',
    package: 'apache2-bin libapache2-mod-oauth2',
    paths: ['/usr/lib/apache2/modules/mod_oauth2.so'],
    tests: ['test/interop/apache.test.ts'],
    what: 'Apache as a guard by our tokens',
  },
  {
    name: 'openssl',
    variable: 'OPENSSL',
    package: 'openssl',
    paths: ['/usr/bin/openssl', '/usr/local/bin/openssl', '/opt/homebrew/bin/openssl'],
    tests: ['test/interop/mcp-metadata-document.test.ts'],
    what: 'the MCP clients with a metadata document, which is fetched by https',
  },
]

/** One file in the report of the test runner. */
interface TestFile {
  name: string
  status: string
  message: string
  assertionResults: { status: string; fullName: string; failureMessages: string[] }[]
}

const work = mkdtempSync(join(tmpdir(), 'xaa-test-'))
const total = { passed: 0, failed: 0, skipped: 0 }
const notRun: string[] = []
const failures: string[] = []

step('style', 'npx', ['biome', 'check', '.'])
step('types', 'npx', ['tsc', '--noEmit', '-p', 'test'])
const found: { [variable: string]: string } = {}
const excluded: string[] = []
let listsAreNew = false
for (const program of programs) {
  const path = findProgram(program)
  if (path !== undefined) found[program.variable] = path
  else {
    excluded.push(...program.tests)
    notRun.push(
      `${program.what}: install ${program.name} (Debian: apt-get install ${program.package}), or name it in ${program.variable}`,
    )
  }
}
const vectors = process.env.WYCHEPROOF_DIR
const withVectors = vectors !== undefined && existsSync(join(vectors, 'json_web_signature_test.json'))
if (!withVectors) excluded.push('test/attacks/wycheproof*.test.ts')
vitest('tests', [process.execPath], ['--coverage'])
const alreadyNew = Number(process.versions.node.split('.')[0]) >= 24
const newer = alreadyNew ? undefined : newerNode()
if (alreadyNew) console.log(`\nNode ${process.versions.node} is new enough to stand for Node 24 too.`)
else if (newer === undefined) notRun.push(`the tests on Node ${secondNode}: npm could not bring it`)
else vitest(`tests on Node ${secondNode}`, newer, ['--project=tests'])
rmSync(work, { recursive: true, force: true })

for (const failure of failures) console.log(`failed: ${failure}`)
// Data of others that is read in place: a clone alone does not have it, and is whole without.
if (!withVectors)
  console.log('not here: the Wycheproof vectors; name the folder testvectors_v1 of C2SP/wycheproof in WYCHEPROOF_DIR')
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
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${report}`,
      ...args,
    ],
    { stdio: 'inherit', env: { ...process.env, ...found, XAA_TESTS_EXCLUDED: excluded.join(' ') } },
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
    testResults: TestFile[]
  }
  total.passed += result.numPassedTests
  total.failed += result.numFailedTests
  total.skipped += result.numPendingTests + result.numTodoTests
  // Also without a failed test: a file that could not be loaded, an unhandled rejection, coverage below the gate.
  if (status !== 0) {
    if (result.numFailedTests === 0) total.failed++
    failures.push(`${name}: ${failedTests(result).join('\n  ') || 'see above'}`)
  }
}

/** Each failed test and each file that could not be run, with the first line of what was wrong: the last lines of a long log say it again. */
function failedTests({ testResults }: { testResults: TestFile[] }): string[] {
  return testResults
    .filter(({ status }) => status === 'failed')
    .flatMap(({ name, message, assertionResults }) => {
      const file = relative(process.cwd(), name)
      const failed = assertionResults.filter(({ status }) => status === 'failed')
      if (failed.length === 0) return [`${file}: ${firstLine(message)}`]
      return failed.map(
        ({ fullName, failureMessages }) => `${file} > ${fullName}: ${firstLine(failureMessages[0] ?? '')}`,
      )
    })
}

function firstLine(text: string): string {
  return (text.split('\n', 1)[0] ?? '').slice(0, 400)
}

function findProgram({ name, variable, paths, package: debian }: (typeof programs)[number]): string | undefined {
  const find = () => [process.env[variable] ?? '', ...paths].find((path) => path !== '' && existsSync(path))
  const mayInstall = process.platform === 'linux' && process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')
  if (find() !== undefined || !mayInstall) return find()
  console.log(`\n== installing ${name} with apt-get, for the tests that need it`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const aptGet = (...args: string[]) =>
    spawnSync('apt-get', ['-qq', ...args], { stdio: ['ignore', 'ignore', 'inherit'], env })
  if (!listsAreNew) aptGet('update')
  listsAreNew = true
  aptGet('-y', '--no-install-recommends', 'install', ...debian.split(' '))
  return find()
}

/** A command that runs Node 24 from its npm package, which holds the binary and needs no install script. */
function newerNode(): string[] | undefined {
  const platform = process.platform === 'win32' ? 'win' : process.platform
  const command = ['npx', '--yes', `--package=node-${platform}-${process.arch}@${secondNode}`, '--', 'node']
  const { stdout } = spawnSync(command[0] ?? '', [...command.slice(1), '--version'], { encoding: 'utf8' })
  return stdout?.trim() === `v${secondNode}` ? command : undefined
}
