/** `npm run bench`: measures in one run, as ratios of things that were measured in turn, and prints a table for each subject. */

import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { gate, setGate } from './bench/gate.ts'
import { findRedis } from './bench/redis-program.ts'
import type { Outcome, Subject } from './bench/subject.ts'
import { subjects } from './bench/subjects.ts'
import { tableOf } from './bench/table.ts'

const help = `npm run bench [-- OPTIONS]

  --only NAME     one subject; may be repeated
  --rows REGEXP   of token-path, the comparisons alone whose name matches
  --share N       how much of the full length: 1 unless given
  --json          the report as JSON on standard output, progress on standard error
  --gate FILE     in place of the subjects: two ratios of the token path against those of FILE (scripts/bench/gate.json), with 10 % slack
                  and one repetition
  --set           with --gate: measures and writes FILE
  --list          name the subjects and end

Exit 0 when everything worked and every bound on size holds, however long it took; 1 when not; 2 when the options are not understood.
`

/** What became of one subject. */
interface Report extends Partial<Outcome> {
  name: string
  title: string
  method: string
  seconds: number
  /** Why there is no outcome. */
  failed?: string
}

const options = readOptions()
if (options.list) {
  for (const { name, title } of subjects) console.log(`${name.padEnd(12)}  ${title}`)
  process.exit(0)
}
// Without this, a stop would leave the servers behind.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

const effort = { share: options.share, redis: findRedis(), rows: options.rows }
if (options.gate !== undefined) await passGate(options.gate)
const [processor] = cpus()
const machine = `Node ${process.versions.node}, ${cpus().length} × ${processor?.model ?? 'unknown processor'}`
const reports: Report[] = []
for (const subject of options.chosen) reports.push(await reportOn(subject))
if (options.json) console.log(JSON.stringify({ machine, share: options.share, subjects: reports }, null, 2))
else print()
process.exit(reports.some(({ failed, broken = [] }) => failed !== undefined || broken.length > 0) ? 1 : 0)

async function passGate(file: string): Promise<never> {
  const long = { ...effort, progress: (text: string) => console.error(`gate: ${text}`) }
  if (options.set) {
    await setGate(file, long)
    process.exit(0)
  }
  const { lines, failed } = await gate(file, long)
  console.log(lines.join('\n'))
  if (failed !== undefined) console.log(`the token path costs more than it did:\n${failed}`)
  process.exit(failed === undefined ? 0 : 1)
}

async function reportOn({ name, title, method, run }: Subject): Promise<Report> {
  const start = performance.now()
  const seconds = () => Math.round((performance.now() - start) / 1000)
  const progress = (text: string) => console.error(`${name}: ${String(seconds()).padStart(3)} s  ${text}`)
  try {
    return { name, title, method, ...(await run({ ...effort, progress })), seconds: seconds() }
  } catch (error) {
    const failed = error instanceof Error ? (error.stack ?? error.message) : String(error)
    return { name, title, method, seconds: seconds(), failed }
  }
}

function print(): void {
  console.log(`\n${machine}${options.share === 1 ? '' : `; only ${options.share} of the full length`}`)
  for (const { title, method, rows = [], seconds } of reports) {
    console.log(`\n${title} (${seconds} s)\n${method}\n`)
    for (const line of tableOf(rows)) console.log(line)
  }
  console.log('')
  for (const { name, rows = [], broken = [], failed } of reports) {
    for (const row of rows)
      if (row.didNotRun !== undefined) console.log(`did not run: ${name}, ${row.name}: ${row.didNotRun}`)
    for (const sentence of broken) console.log(`bound broken: ${name}: ${sentence}`)
    if (failed !== undefined) console.log(`failed: ${name}: ${failed}`)
  }
}

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        only: { type: 'string', multiple: true, default: [] },
        rows: { type: 'string', default: '' },
        share: { type: 'string', default: '1' },
        json: { type: 'boolean', default: false },
        gate: { type: 'string' },
        set: { type: 'boolean', default: false },
        list: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h' },
      },
    })
    if (values.help === true) {
      console.log(help)
      process.exit(0)
    }
    const unknown = values.only.find((name) => !subjects.some((subject) => subject.name === name))
    if (unknown !== undefined) return misunderstood(`there is no subject ${unknown}; --list names them`)
    const share = Number(values.share)
    if (!(share > 0 && share <= 10)) return misunderstood('--share must be a number above 0, at most 10')
    const chosen = subjects.filter(({ name }) => values.only.length === 0 || values.only.includes(name))
    return { ...values, share, chosen, rows: new RegExp(values.rows) }
  } catch (error) {
    return misunderstood(error instanceof Error ? error.message : String(error))
  }
}

function misunderstood(problem: string): never {
  console.error(`npm run bench: ${problem}\n\n${help}`)
  process.exit(2)
}
