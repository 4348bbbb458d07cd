/** `xaa testbed`: every role on this machine for tests, until stopped, and a file that says where everything is. */

import { parseArgs } from 'node:util'
import { testbedFileOf, writeTestbedFile } from '../testing/testbed-file.ts'
import { startWorld, type World } from '../testing/world.ts'
import { type Io, usageProblem } from './command.ts'
import { stopSignal } from './stop-signal.ts'

/** One line for the list of commands; the same as there. */
export const summary = 'run every role on this machine for tests, until stopped'

/** What `--help` prints. */
export const help = `xaa testbed --out FILE [--port BASE]  run every role until SIGTERM or SIGINT

  --out FILE       written in one step when everything answers: addresses, ids, secrets, key files
  --port BASE      the first of six ports in a row on 127.0.0.1; otherwise free ones
  --store WHERE    memory, which is the default; others are not there yet
  --workers N      1; more are not there yet
  --instances N    1; more are not there yet
  --limits         rate limits are not there yet: nothing is limited

An ID Token of one of its users: npm run -s testbed:id-token -- --file FILE --user alice --client assistant
`

interface Options {
  out: string
  port: number
}

/** Runs the command. Resolves to the exit code: 0 stopped, 1 not possible, 2 not understood or not there yet. */
export async function run(args: string[], io: Io): Promise<number> {
  const read = readOptions(args)
  if (read === 'help') {
    io.out(help)
    return 0
  }
  if ('problem' in read) {
    io.err(`xaa testbed: ${read.problem}\n\n${help}`)
    return 2
  }
  // Listening for them before the start: a stop that comes in between is not lost.
  const stopped = stopSignal(io.env)
  let world: World | undefined
  try {
    world = await startWorld({ port: read.port, report: (message) => io.err(`xaa testbed: ${message}\n`) })
    await writeTestbedFile(read.out, testbedFileOf(world))
    io.err(`xaa testbed: ready, and ${read.out} says where everything is; SIGTERM stops it\n`)
    await stopped
    return 0
  } catch (cause) {
    io.err(`xaa testbed: ${cause instanceof Error ? cause.message : String(cause)}\n`)
    return 1
  } finally {
    await world?.close()
  }
}

function readOptions(args: string[]): Options | 'help' | { problem: string } {
  try {
    const { values } = parseArgs({
      args,
      options: {
        out: { type: 'string' },
        port: { type: 'string', default: '0' },
        store: { type: 'string', default: 'memory' },
        workers: { type: 'string', default: '1' },
        instances: { type: 'string', default: '1' },
        limits: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    const { out, port, help } = values
    if (help) return 'help'
    const problem = valueProblem(values) ?? notYet(values)
    if (problem !== undefined) return { problem }
    if (out === undefined || out === '') return { problem: '--out FILE is required' }
    return { out, port: Number(port) }
  } catch (error) {
    const problem = usageProblem(error)
    if (problem === undefined) throw error
    return { problem }
  }
}

interface Values {
  port: string
  store: string
  workers: string
  instances: string
  limits: boolean
}

function valueProblem({ port, store, workers, instances }: Values): string | undefined {
  // Five more follow the first.
  if (port !== '0' && (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65_530))
    return `--port must be a number from 1 to 65530, or 0 for free ports, and is ${JSON.stringify(port)}`
  if (store !== 'memory' && store !== 'lmdb' && !/^rediss?:\/\//.test(store))
    return `--store must be memory, lmdb or redis://…, and is ${JSON.stringify(store)}`
  for (const [name, value] of Object.entries({ workers, instances }))
    if (!/^[1-9]\d{0,2}$/.test(value))
      return `--${name} must be a number from 1 to 999, and is ${JSON.stringify(value)}`
  return undefined
}

/** What the format of the command promises and this version cannot do: said, never ignored. */
function notYet({ store, workers, instances, limits }: Values): string | undefined {
  if (store !== 'memory') return `not yet: --store ${store}; the state of a test bed is in memory`
  if (workers !== '1') return 'not yet: --workers above 1, which needs a store that processes can share'
  if (instances !== '1') return 'not yet: --instances above 1, which needs a store that processes can share'
  if (limits) return 'not yet: --limits; nothing is limited'
  return undefined
}
