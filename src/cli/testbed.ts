/** `xaa testbed`: every role on this machine for tests, until stopped, and a file that says where everything is. */

import { parseArgs } from 'node:util'
import { testbedFileOf, writeTestbedFile } from '../testing/testbed-file.ts'
import { type ServersOptions, startWorld, type World } from '../testing/world.ts'
import { storeProblem } from '../testing/world-state.ts'
import { type Io, usageProblem } from './command.ts'
import { stopSignal } from './stop-signal.ts'

/** One line for the list of commands; the same as there. */
export const summary = 'run every role on this machine for tests, until stopped'

/** What `--help` prints. */
export const help = `xaa testbed --out FILE [--port BASE]  run every role until SIGTERM or SIGINT

  --out FILE       written in one step when everything answers: addresses, ids, secrets, key files
  --port BASE      the first of six ports in a row on 127.0.0.1, and two more for each further instance; otherwise free ones
  --store WHERE    memory, which is the default; lmdb, in a directory that is deleted at the end; or redis://HOST:PORT/DB,
                   redis+sentinel://HOST:PORT,HOST:PORT/NAME, redis+cluster://HOST:PORT,HOST:PORT
  --workers N      1 to 64 processes of each instance; more than 1 need a store that they can share: lmdb or a Redis
  --instances N    1 to 50 of each resource authorization server, each on a port of its own; more than 1 need lmdb or a Redis
  --registration   clients may register themselves at the chat, for its consent page; those with a metadata document need not
  --limits         wrong credentials and requests are limited as xaa serve limits them; otherwise nothing is

With lmdb or a Redis, the resource authorization servers are xaa serve processes. What is written to a Redis stays there: spent ids
until they have ended, blocks and account links for good, under keys that begin with {xaa. Give it one of its own.

An ID Token of one of its users: npm run -s testbed:id-token -- --file FILE --user alice --client assistant
`

interface Options {
  out: string
  port: number
  registration: boolean
  limits: boolean
  servers?: ServersOptions
}

/** Why the command line is not followed, and the exit code for that: 2 with the help, 1 without. */
interface Refusal {
  problem: string
  code: 1 | 2
}

/** Runs the command. Resolves to the exit code: 0 stopped, 1 not possible, 2 not understood or not there yet. */
export async function run(args: string[], io: Io): Promise<number> {
  const read = readOptions(args)
  if (read === 'help') {
    io.out(help)
    return 0
  }
  if ('problem' in read) {
    io.err(`xaa testbed: ${read.problem}\n${read.code === 2 ? `\n${help}` : ''}`)
    return read.code
  }
  // Listening for them before the start: a stop that comes in between is not lost.
  const stopped = stopSignal(io.env)
  let world: World | undefined
  try {
    const { out, ...options } = read
    world = await startWorld({ ...options, report: (message) => io.err(`xaa testbed: ${message}\n`) })
    await writeTestbedFile(out, testbedFileOf(world))
    io.err(`xaa testbed: ready, and ${out} says where everything is; SIGTERM stops it\n`)
    await stopped
    return 0
  } catch (cause) {
    io.err(`xaa testbed: ${cause instanceof Error ? cause.message : String(cause)}\n`)
    return 1
  } finally {
    await world?.close()
  }
}

function readOptions(args: string[]): Options | 'help' | Refusal {
  try {
    const { values } = parseArgs({
      args,
      options: {
        out: { type: 'string' },
        port: { type: 'string', default: '0' },
        store: { type: 'string', default: 'memory' },
        workers: { type: 'string', default: '1' },
        instances: { type: 'string', default: '1' },
        registration: { type: 'boolean', default: false },
        limits: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    const { out, port, registration, limits, help } = values
    if (help) return 'help'
    const problem = valueProblem(values)
    if (problem !== undefined) return { problem, code: 2 }
    if (out === undefined || out === '') return { problem: '--out FILE is required', code: 2 }
    return withServers({ out, port: Number(port), registration, limits }, values)
  } catch (error) {
    const problem = usageProblem(error)
    if (problem === undefined) throw error
    return { problem, code: 2 }
  }
}

interface Values {
  port: string
  store: string
  workers: string
  instances: string
}

const most = { workers: 64, instances: 50 }

function valueProblem({ port, store, ...numbers }: Values): string | undefined {
  for (const name of ['workers', 'instances'] as const)
    if (!/^[1-9]\d{0,2}$/.test(numbers[name]) || Number(numbers[name]) > most[name])
      return `--${name} must be a number from 1 to ${most[name]}, and is ${JSON.stringify(numbers[name])}`
  // Five more follow the first, and one for each further instance of the two servers.
  const highest = 65_535 - 5 - 2 * (Number(numbers.instances) - 1)
  if (port !== '0' && (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > highest))
    return `--port must be a number from 1 to ${highest}, or 0 for free ports, and is ${JSON.stringify(port)}`
  const problem = storeProblem(store)
  return problem === undefined ? undefined : `--store ${problem}`
}

function withServers(options: Options, values: Values): Options | Refusal {
  const { store } = values
  const [workers, instances] = [Number(values.workers), Number(values.instances)]
  if (store !== 'memory') return { ...options, servers: { store, workers, instances } }
  if (workers === 1 && instances === 1) return options
  const several = workers > 1 ? `--workers ${workers}` : `--instances ${instances}`
  const problem = `${several} cannot go with --store memory: single use would hold for each process alone. Use --store lmdb, or --store redis://….`
  return { problem, code: 1 }
}
