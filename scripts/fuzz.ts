/** `npm run fuzz`: throws bad inputs at a server and at the readers in front of it, and says what should not have happened. */

import { parseArgs } from 'node:util'
import { commandOf, saveFinding } from './fuzz/findings.ts'
import { fuzzers } from './fuzz/fuzzers.ts'
import { genuineFor } from './fuzz/genuine.ts'
import { flatness, memoryFigures } from './fuzz/memory.ts'
import { type Outcome, run } from './fuzz/run.ts'
import { openTarget } from './fuzz/target.ts'
import { tryInput } from './fuzz/try-input.ts'
import { connectionTo } from './fuzz/wire.ts'

const folder = 'fuzz-findings'
const help = `npm run fuzz [-- OPTIONS]

  --minutes N     how long: 1 unless given
  --inputs N      so many inputs instead
  --only NAMES    these fuzzers alone, with commas between them
  --seed N        the seed: the same inputs for the same seed; by chance unless given
  --at N          the one input at this place of the one fuzzer of --only
  --at-once N     requests under way at a time: 16 unless given
  --json          the report as JSON on standard output, progress on standard error
  --list          name the fuzzers and end

Exit 0 when nothing was found; 1 when something was: it is in ${folder}/ with its input, and printed with the command that repeats it;
1 also when the memory of the server was not flat; 2 when the options are not understood.
`

const options = readOptions()
if (options.list) {
  for (const { name, title } of fuzzers) console.log(`${name.padEnd(14)}  ${title}`)
  process.exit(0)
}
// Without this, a stop would leave the server behind.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
if (options.at !== undefined) await repeat(options.at)
const saved: Promise<string>[] = []
const outcome = await run({
  ...options,
  found(finding) {
    // A thousand findings of one kind say no more than the first.
    if (saved.length >= 100) return
    saved.push(saveFinding(folder, finding))
    console.error(`found: ${finding.fuzzer}: ${finding.objection}\n       ${commandOf(finding)}`)
  },
  progress: ({ inputs, perSecond, findings }) =>
    console.error(`${inputs} inputs, ${Math.round(perSecond)}/s, ${findings} findings`),
}).catch((error: unknown) => {
  console.error(`npm run fuzz: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
  console.error(`seed ${options.seed}`)
  return undefined
})
await Promise.all(saved)
if (outcome === undefined) process.exit(1)
if (options.json) console.log(JSON.stringify(outcome, null, 2))
else print(outcome)
const unheld = memoryFigures(outcome.memory).filter(({ holds }) => !holds)
for (const { what, bound, figure } of unheld) console.error(`memory is not flat: ${what}: ${figure}; bound ${bound}`)
process.exit(outcome.findings > 0 || unheld.length > 0 ? 1 : 0)

/** Tries one input again and ends. */
async function repeat(at: number): Promise<never> {
  const [fuzzer, ...more] = options.fuzzers
  if (fuzzer === undefined || more.length > 0) return misunderstood('--at needs --only with one fuzzer')
  const target = await openTarget()
  const lines = { idp: connectionTo(target.idp.port), chat: connectionTo(target.chat.port) }
  const tried = await tryInput(fuzzer, options.seed, at, genuineFor(target), lines)
  const { failures } = await target.measure()
  await target.close()
  console.log(tried.input.toString())
  console.log(
    `\n${tried.objection ?? 'nothing is wrong with what came of it'}\n${tried.outcome ?? ''}${failures.join('')}`,
  )
  process.exit(tried.objection === undefined && failures.length === 0 ? 0 : 1)
}

function print({ seed, seconds, inputs, counts, findings, shed, honest, server, memory }: Outcome): void {
  console.log(`\nseed ${seed}: ${inputs} inputs in ${Math.round(seconds)} s`)
  for (const { name, inputs: tried, granted, findings: found } of counts)
    console.log(
      `  ${name.padEnd(14)} ${String(tried).padStart(9)} inputs, ${granted === undefined ? '' : `${granted} granted by right, `}${found} findings`,
    )
  console.log(
    `honest: ${honest.flows} flows, p99 ${honest.p99.toFixed(1)} ms; among honest ones ${honest.baselineP99.toFixed(1)} ms`,
  )
  console.log(
    `server: event loop delay p99 ${server.delayP99.toFixed(1)} ms, at most ${server.delayMax.toFixed(1)} ms; ${server.auditLines} audit lines`,
  )
  for (const { what, bound, figure } of memoryFigures(memory)) console.log(`${what}: ${figure}; bound ${bound}`)
  console.log(flatness)
  if (shed > 0) console.log(`${shed} requests were put off with 503: the machine had other work`)
  console.log(findings === 0 ? 'nothing was found' : `${findings} findings, in ${folder}/`)
}

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        minutes: { type: 'string', default: '1' },
        inputs: { type: 'string' },
        only: { type: 'string', default: '' },
        seed: { type: 'string' },
        at: { type: 'string' },
        'at-once': { type: 'string', default: '16' },
        json: { type: 'boolean', default: false },
        list: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h' },
      },
    })
    if (values.help === true) {
      console.log(help)
      process.exit(0)
    }
    const names = values.only.split(',').filter((name) => name !== '')
    const unknown = names.find((name) => !fuzzers.some((fuzzer) => fuzzer.name === name))
    if (unknown !== undefined) return misunderstood(`there is no fuzzer ${unknown}; --list names them`)
    const until =
      values.inputs === undefined
        ? { seconds: 60 * numberOf('minutes', values.minutes) }
        : { inputs: numberOf('inputs', values.inputs) }
    return {
      fuzzers: fuzzers.filter(({ name }) => names.length === 0 || names.includes(name)),
      seed: values.seed === undefined ? Math.ceil(Math.random() * 0xffff_ffff) : numberOf('seed', values.seed),
      at: values.at === undefined ? undefined : numberOf('at', values.at, 0),
      atOnce: numberOf('at-once', values['at-once']),
      json: values.json,
      list: values.list,
      until,
    }
  } catch (error) {
    return misunderstood(error instanceof Error ? error.message : String(error))
  }
}

function numberOf(name: string, text: string, least = Number.MIN_VALUE): number {
  const number = Number(text)
  return number >= least && text.trim() !== '' ? number : misunderstood(`--${name} must be a number above 0`)
}

function misunderstood(problem: string): never {
  console.error(`npm run fuzz: ${problem}\n\n${help}`)
  process.exit(2)
}
