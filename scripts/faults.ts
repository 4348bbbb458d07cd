/** `npm run faults`: the long tier of the fault rigs, with progress, and a table of what was tried and what did not hold. */

import { spawnSync } from 'node:child_process'
import { parseArgs } from 'node:util'
import { scenarios } from '../test/faults/scenarios/all.ts'
import { goalBounds, type Outcome, type Scenario } from '../test/faults/scenarios/scenario.ts'
import shipped from '../test/fixture/shipped.ts'

const help = `npm run faults [-- OPTIONS]

  --only NAME     one scenario, or all of one goal such as G-05; may be repeated
  --share N       how much of each goal's full length: 1 is all of it, 0.1 unless given
  --minutes N     start no further scenario after this time
  --seed N        chance that was printed by an earlier run
  --json          the report as JSON on standard output, progress on standard error
  --list          name the scenarios and end

Exit 0 when everything held, 1 when something did not or did not run, 2 when the options are not understood.
`

/** What became of one scenario. */
interface Row {
  goal: string
  name: string
  seconds: number
  outcome?: Outcome
  /** Why there is no outcome. */
  didNotRun?: string
}

const options = readOptions()
if (options.list) {
  for (const { goal, name, title } of scenarios) console.log(`${goal}  ${name.padEnd(14)}  ${title}`)
  process.exit(0)
}
// Without this, a stop would leave the servers behind.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

const chosen = scenarios.filter(
  ({ name, goal }) => options.only.length === 0 || options.only.includes(name) || options.only.includes(goal),
)
if (chosen.length === 0) misunderstood(`there is no scenario ${options.only.join(', ')}; --list names them`)
const hasRedis = spawnSync('redis-server', ['--version']).status === 0
shipped()
const begun = performance.now()
const rows: Row[] = []
say(`seed ${options.seed}, share ${options.share}, ${chosen.length} scenarios`)
for (const scenario of chosen) rows.push(await runOne(scenario))
const failed = rows.some(({ outcome }) => outcome === undefined || outcome.objections.length > 0)
if (options.json) console.log(JSON.stringify({ seed: options.seed, share: options.share, rows }, null, 2))
else report(rows)
process.exit(failed ? 1 : 0)

async function runOne(scenario: Scenario): Promise<Row> {
  const { goal, name, title } = scenario
  const start = performance.now()
  const seconds = () => Math.round((performance.now() - start) / 1000)
  const without = (didNotRun: string): Row => ({ goal, name, seconds: seconds(), didNotRun })
  if (performance.now() - begun > options.minutes * 60_000) return without(`the ${options.minutes} minutes were over`)
  if (scenario.needsRedis && !hasRedis) return without('redis-server is not installed')
  say(`\n${goal} ${name}: ${title}`)
  const { seed, share } = options
  const progress = (text: string) => say(`  ${String(seconds()).padStart(4)} s  ${text}`)
  try {
    const outcome = await bounded(scenario.run({ seed, share, bounds: goalBounds, progress }), share)
    if (outcome === undefined) return without(`this machine lacks ${scenario.needs}`)
    for (const { rule, says } of outcome.objections.slice(0, 20)) say(`  ${rule}: ${says}`)
    return { goal, name, seconds: seconds(), outcome }
  } catch (error) {
    return without(`it broke: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
  }
}

/** No scenario takes longer than this; what it started then ends with this program. */
async function bounded<Result>(run: Promise<Result>, share: number): Promise<Result> {
  const minutes = 5 + 60 * share
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it did not end within ${minutes} minutes`)), minutes * 60_000)
  })
  return await Promise.race([run, late]).finally(() => clearTimeout(timer))
}

function report(all: readonly Row[]): void {
  const lines = all.map(({ goal, name, seconds, outcome, didNotRun }) => {
    if (outcome === undefined) return [goal, name, `${seconds} s`, '', '', '', '', `did not run: ${didNotRun}`]
    const { counts, outages, objections } = outcome
    const violations = objections.filter(({ rule }) => rule !== 'see').length
    const extra = [...Object.entries(outcome.tried), ...Object.entries(outcome.measured)].map(
      ([what, value]) => `${what} ${Number.isInteger(value) ? value : value.toFixed(2)}`,
    )
    return [
      goal,
      name,
      `${seconds} s`,
      String(counts.presentations),
      String(counts.granted),
      `${outages.count}, ${outages.longest.toFixed(1)} s`,
      String(violations),
      extra.join('; '),
    ]
  })
  const table = [['goal', 'scenario', 'took', 'requests', 'granted', '503 windows', 'violations', 'tried'], ...lines]
  const widths = [0, 1, 2, 3, 4, 5, 6].map((at) => Math.max(...table.map((row) => row[at]?.length ?? 0)))
  console.log('')
  for (const row of table)
    console.log(
      row
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd(),
    )
}

/** Progress goes to standard error, so that a report in JSON stays one document. */
function say(text: string): void {
  console.error(text)
}

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        only: { type: 'string', multiple: true },
        share: { type: 'string' },
        minutes: { type: 'string' },
        seed: { type: 'string' },
        json: { type: 'boolean' },
        list: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    })
    if (values.help === true) {
      console.log(help)
      process.exit(0)
    }
    return {
      only: values.only ?? [],
      share: positive('share', values.share, 0.1),
      minutes: positive('minutes', values.minutes, Number.POSITIVE_INFINITY),
      seed: positive('seed', values.seed, Math.ceil(Math.random() * 0xffff_ffff)),
      json: values.json === true,
      list: values.list === true,
    }
  } catch (error) {
    return misunderstood(error instanceof Error ? error.message : String(error))
  }
}

function positive(name: string, text: string | undefined, otherwise: number): number {
  const number = text === undefined ? otherwise : Number(text)
  return number > 0 ? number : misunderstood(`--${name} must be a number above 0`)
}

function misunderstood(problem: string): never {
  console.error(`npm run faults: ${problem}\n\n${help}`)
  process.exit(2)
}
