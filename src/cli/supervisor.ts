/** The first process of `xaa serve --workers N`: starts the workers, replaces those that die, and ends them together. */

import cluster, { type Worker } from 'node:cluster'
import type { Config } from '../server/config.ts'
import { StartError } from '../server/start-error.ts'
import type { Io } from './command.ts'
import { type CrewMetrics, type CrewMetricsListener, crewMetrics } from './crew-metrics.ts'
import { lineMerge } from './line-merge.ts'
import { startReport } from './serve-report.ts'
import { nextSignal, type StopReason, stopSignal } from './stop-signal.ts'
import type { SupervisorOrder, WorkerReport } from './worker-messages.ts'

/**
 * Runs as many workers as the configuration says, each with the command line of this process; they share its ports. Resolves to the
 * exit code: 0 after a stop, 1 when the first start of one of them fails or one had to be cut short. Opens no store, and no port itself but
 * the one where the metrics of all of them are read.
 */
export async function supervise(config: Config, io: Io): Promise<number> {
  const stop = stopSignal(io.env)
  // The kernel gives each connection to a worker that is alive. Handed over by this process, one could be on its way to a dead worker.
  cluster.schedulingPolicy = cluster.SCHED_NONE
  cluster.setupPrimary({ stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })
  const metrics = crewMetrics()
  const watched = await listenFor(metrics, config, io)
  if (watched === 'failed') return 1
  const crew = crewOf(config, io, metrics, watched)
  const began = await Promise.race([crew.started, stop])
  if (began === 'failed') {
    await crew.end('SIGINT')
    await watched?.close()
    return 1
  }
  const reason = began === 'serving' ? await stop : began
  io.err(`stopped by ${reason}: closing\n`)
  void nextSignal().then(() => crew.cut())
  const code = await crew.end(reason)
  await watched?.close()
  return code
}

async function listenFor(
  metrics: CrewMetrics,
  config: Config,
  io: Io,
): Promise<CrewMetricsListener | undefined | 'failed'> {
  if (config.metrics === undefined) return undefined
  try {
    return await metrics.listen(config.metrics, (message) => io.err(`warning: ${message}\n`))
  } catch (error) {
    if (!(error instanceof StartError)) throw error
    io.err(`xaa serve: ${error.message}\n`)
    return 'failed'
  }
}

interface Crew {
  /** Settles when all of them serve, or with the first that cannot. */
  started: Promise<'serving' | 'failed'>
  /** Lets them drain and waits for the last. Resolves to the exit code. */
  end(reason: StopReason): Promise<number>
  cut(): void
}

/** A worker that ends sooner than this after its start died at once. Milliseconds, as all here. */
const shortLife = 2000
const longestPause = 10_000
/** Longer than any worker takes to drain and to close what it holds. */
const patience = 13_000

function crewOf(config: Config, io: Io, metrics: CrewMetrics, watched: CrewMetricsListener | undefined): Crew {
  const [out, err] = [lineMerge(process.stdout), lineMerge(process.stderr)]
  /** With the moment since when it serves. */
  const crew = new Map<Worker, number | undefined>()
  const pauses = new Set<NodeJS.Timeout>()
  const started = settled<'serving' | 'failed'>()
  const gone = settled<number>()
  let phase: 'starting' | 'serving' | 'ending' = 'starting'
  let code = 0

  const fail = (sentence: string) => {
    if (phase === 'starting') started.settle('failed')
    if (phase !== 'ending') io.err(`xaa serve: ${sentence}\n`)
    if (phase === 'starting') phase = 'ending'
  }
  const hire = (deaths: number): void => {
    const worker = cluster.fork()
    crew.set(worker, undefined)
    if (worker.process.stdout !== null) out.take(worker.process.stdout)
    if (worker.process.stderr !== null) err.take(worker.process.stderr)
    worker.on('message', (report: WorkerReport) => heard(worker, report))
    worker.once('exit', (exitCode, signal) => left(worker, deaths, exitCode, signal))
    // Without a listener, a process that could not be made would end this one; such a worker has no exit.
    worker.on('error', (error: NodeJS.ErrnoException) => {
      if (worker.process.pid === undefined) left(worker, deaths, 1, error.code ?? error.name)
    })
  }
  const heard = (worker: Worker, report: WorkerReport): void => {
    if (report.kind === 'failed') {
      fail(report.sentence)
      return
    }
    if (report.kind === 'metrics') return
    metrics.serves(worker)
    crew.set(worker, performance.now())
    if (phase === 'serving') io.err(`worker ${worker.process.pid} serves\n`)
    if (phase === 'serving' && report.policyVersion !== config.policyVersion)
      io.err(
        `xaa serve: the configuration was changed: worker ${worker.process.pid} follows policy ${report.policyVersion}, the others may follow ${config.policyVersion}. Stop and start xaa serve.\n`,
      )
    if (phase !== 'starting' || [...crew.values()].includes(undefined)) return
    phase = 'serving'
    const processes = [...crew.keys()].map(({ process: { pid = 0 } }) => pid)
    const shown = watched === undefined ? {} : { metrics: watched.address }
    io.err(startReport(config, { ...report, ...shown }, Date.now() / 1000, processes))
    started.settle('serving')
  }
  const left = (worker: Worker, deaths: number, exitCode: number, signal: string | null): void => {
    const servedFrom = crew.get(worker)
    crew.delete(worker)
    metrics.left(worker, phase === 'serving')
    if (phase === 'ending') {
      if (servedFrom !== undefined && (exitCode !== 0 || signal !== null)) code = 1
      if (crew.size === 0) gone.settle(code)
      return
    }
    const how = signal ?? `code ${exitCode}`
    if (phase === 'starting') {
      fail(`a worker ended with ${how} before it served.`)
      return
    }
    const atOnce = servedFrom === undefined || performance.now() - servedFrom < shortLife
    const deathsNow = atOnce ? deaths + 1 : 0
    const pause = deathsNow === 0 ? 0 : Math.min(longestPause, 250 * 2 ** deathsNow)
    io.err(`worker ${worker.process.pid} ended with ${how}: another one starts in ${pause / 1000} s\n`)
    const timer = setTimeout(() => {
      pauses.delete(timer)
      hire(deathsNow)
    }, pause)
    pauses.add(timer)
  }

  for (let number = 0; number < config.workers; number++) hire(0)
  const killAll = () => {
    for (const worker of crew.keys()) worker.process.kill('SIGKILL')
  }
  const order = (message: SupervisorOrder) => {
    for (const [worker, servedFrom] of crew) {
      // Whoever does not serve yet has nothing to end. One that is gone meanwhile needs no order.
      if (servedFrom === undefined) worker.process.kill('SIGKILL')
      else worker.send(message, () => {})
    }
  }
  return {
    started: started.promise,
    async end(reason) {
      phase = 'ending'
      for (const timer of pauses) clearTimeout(timer)
      order({ kind: 'stop', reason })
      if (crew.size === 0) gone.settle(code)
      const late = setTimeout(() => {
        io.err(`xaa serve: workers that did not end within ${patience / 1000} s are killed.\n`)
        killAll()
      }, patience)
      return await gone.promise.finally(() => clearTimeout(late))
    },
    cut() {
      order({ kind: 'cut' })
      setTimeout(killAll, 1000).unref()
    },
  }
}

function settled<Value>(): { promise: Promise<Value>; settle(value: Value): void } {
  let settle: (value: Value) => void = () => {}
  const promise = new Promise<Value>((resolve) => {
    settle = resolve
  })
  return { promise, settle }
}
