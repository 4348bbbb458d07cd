/** One `xaa serve` as a real process, which a test may kill, hang, stop and start again on the same address. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { root, xaa } from '../../fixture/shipped.ts'
import { atExit } from './leftovers.ts'
import type { Order } from './orders.ts'

export interface Instance {
  readonly name: string
  readonly address: string
  readonly auditFile: string
  /** True from its first word that it is ready to its end. */
  isUp(): boolean
  /** What it says to a load balancer now. */
  isReady(): Promise<boolean>
  pid(): number
  /** Starts it; resolves when it is ready. Throws what it said on standard error when it ends instead. */
  start(): Promise<void>
  /** SIGKILL; resolves at its end. */
  kill(): Promise<void>
  /** Only for one with workers: SIGKILL to the oldest of them; resolves when there are as many again. */
  killWorker(): Promise<void>
  /** Asks it to end, as a load balancer's SIGTERM or without the delay of one; resolves to its exit code, or to what ended it. */
  stop(signal?: 'SIGTERM' | 'SIGINT'): Promise<number | NodeJS.Signals | null>
  signal(signal: NodeJS.Signals): void
  /** Resolves at its end, whoever brings it, to its exit code or to the signal that ended it. */
  ended(): Promise<number | NodeJS.Signals | null>
  /** Only for a rigged instance: has an order carried out. */
  tell(order: Order): Promise<void>
  /** All that it ever said on standard error. */
  log(): string
  /** Says that lines of its audit may have been cut off; a kill says so by itself. */
  interrupt(): void
  interrupted(): boolean
}

export interface InstanceOptions {
  name: string
  port: number
  configFile: string
  auditFile: string
  env: { [name: string]: string }
  /** More than 1: a supervisor and so many processes that share the port. */
  workers: number
  /** Runs the server behind failpoints and a clock that can be set, in place of the executable. */
  rigged: boolean
}

const entry = (rigged: boolean) => (rigged ? ['--import', 'tsx', 'test/faults/rig/rigged-serve.ts'] : [xaa])

/** Describes an instance; starts nothing. */
export function instanceOf({ name, port, configFile, auditFile, env, rigged, workers }: InstanceOptions): Instance {
  const address = `http://127.0.0.1:${port}`
  let child: ChildProcess | undefined
  let up = false
  let log = ''
  let interrupted = false
  const running = (): ChildProcess => {
    if (child === undefined || hasEnded(child)) throw new Error(`${name} does not run`)
    return child
  }
  const ended = async () => {
    if (child === undefined) return null
    if (!hasEnded(child)) await once(child, 'exit')
    return child.exitCode ?? child.signalCode
  }
  return {
    name,
    address,
    auditFile,
    isUp: () => up,
    isReady: () => answers(address),
    pid: () => running().pid ?? 0,
    async start() {
      const options = ['--config', configFile, ...(workers > 1 ? ['--workers', String(workers)] : [])]
      const started = spawn(process.execPath, [...entry(rigged), 'serve', ...options], {
        cwd: root,
        env: { ...process.env, ...env, XAA_RAS_LISTEN: `127.0.0.1:${port}`, XAA_AUDIT: auditFile },
        stdio: ['ignore', 'ignore', 'pipe', ...(rigged ? (['ipc'] as const) : [])],
      })
      child = started
      const over = atExit(() => started.kill('SIGKILL'))
      started.stderr?.on('data', (chunk) => {
        log += chunk
      })
      started.once('exit', (_, signal) => {
        over()
        up = false
        interrupted ||= signal === 'SIGKILL'
      })
      while (!(await answers(address))) {
        if (hasEnded(started)) throw new Error(`${name} ended before it answered:\n${log.slice(-2000)}`)
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
      up = true
    },
    async kill() {
      up = false
      if (child === undefined || hasEnded(child)) return
      child.kill('SIGKILL')
      await ended()
    },
    async killWorker() {
      const before = workersIn(log)
      const [oldest] = before
      if (oldest === undefined) throw new Error(`${name} has no workers`)
      interrupted = true
      process.kill(oldest, 'SIGKILL')
      while (workersIn(log).length < before.length || workersIn(log).includes(oldest))
        await new Promise((resolve) => setTimeout(resolve, 20))
    },
    async stop(signal = 'SIGTERM') {
      up = false
      if (child !== undefined && !hasEnded(child)) child.kill(signal)
      return await ended()
    },
    signal: (signal) => void running().kill(signal),
    ended,
    async tell(order) {
      const told = running()
      const done = once(told, 'message')
      told.send(order)
      await done
    },
    log: () => log,
    interrupt() {
      interrupted = true
    },
    interrupted: () => interrupted,
  }
}

/** The processes that serve now, oldest first, by what their supervisor said. */
function workersIn(log: string): number[] {
  const crew = new Set<number>()
  for (const line of log.split('\n')) {
    const [, first] = /^ {2}processes ([\d ]+)$/.exec(line) ?? []
    const [, served] = /^worker (\d+) serves$/.exec(line) ?? []
    const [, gone] = /^worker (\d+) ended/.exec(line) ?? []
    if (first !== undefined) crew.clear()
    for (const pid of (first ?? served ?? '').split(' ')) if (pid !== '') crew.add(Number(pid))
    crew.delete(Number(gone))
  }
  return [...crew]
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null
}

async function answers(address: string): Promise<boolean> {
  try {
    const answer = await fetch(`${address}/health/ready`, {
      signal: AbortSignal.timeout(2000),
    })
    await answer.arrayBuffer()
    return answer.ok
  } catch {
    return false
  }
}
