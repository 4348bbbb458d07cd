/** One process that serves: alone, or as one of several workers under a supervisor. */

import cluster from 'node:cluster'
import { setFlagsFromString } from 'node:v8'
import type { Config } from '../server/config.ts'
import type { RunningServers } from '../server/server.ts'
import type { Io } from './command.ts'
import { startReport } from './serve-report.ts'
import { nextSignal, type StopReason, stopSignal } from './stop-signal.ts'
import type { SupervisorOrder, WorkerReport } from './worker-messages.ts'

/** Serves until a signal. Resolves to the exit code: 0 after a stop that cut nobody short, otherwise 1. */
export async function serveAlone(config: Config, io: Io): Promise<number> {
  // Listening for them before the start: a stop that comes in between is not lost.
  const stop = stopSignal(io.env)
  const servers = await start(config, io, (sentence) => io.err(`xaa serve: ${sentence}\n`))
  if (servers === undefined) return 1
  io.err(startReport(config, servers, Date.now() / 1000))
  const reason = await stop
  io.err(`stopped by ${reason}: closing\n`)
  return await close(servers, delayOf(config, reason), nextSignal(), io)
}

/** The same for a worker, which reports to its supervisor and obeys it as well as signals. Only for a process of node:cluster. */
export async function serveAsWorker(config: Config, io: Io): Promise<number> {
  const orders = supervisorOrders()
  const stop = Promise.race([orders.stop, stopSignal({})])
  // Without the last argument, a supervisor that has just gone away would end this process with an error.
  const report = (message: WorkerReport) => void process.send?.(message, undefined, undefined, () => {})
  try {
    const servers = await start(config, io, (sentence) => report({ kind: 'failed', sentence }), false)
    if (servers === undefined) return 1
    process.on('message', (order: SupervisorOrder) => {
      if (order.kind !== 'read-metrics') return
      const { question } = order
      servers.readMetrics().then(
        (metrics) => report({ kind: 'metrics', question, metrics }),
        (error: unknown) => io.err(`warning: the metrics cannot be read: ${String(error)}\n`),
      )
    })
    const { roles, administration, fence } = servers
    const admin = administration === undefined ? {} : { administration }
    report({ kind: 'serving', roles, ...admin, fence, policyVersion: config.policyVersion })
    return await close(servers, delayOf(config, await stop), orders.cut, io)
  } finally {
    // The channel to the supervisor would keep a worker alive that has nothing left to do.
    cluster.worker?.disconnect()
  }
}

async function start(
  config: Config,
  io: Io,
  refuse: (sentence: string) => void,
  showMetrics = true,
): Promise<RunningServers | undefined> {
  keepCompiledCode()
  // A file that cannot be used is told sooner without the HTTP server's code.
  const { StartError, startServers } = await import('../server/server.ts')
  try {
    return await startServers(config, { stdout: process.stdout, log: io.err, showMetrics })
  } catch (error) {
    if (!(error instanceof StartError)) throw error
    refuse(error.message)
    return undefined
  }
}

async function close(servers: RunningServers, delay: number, impatience: Promise<unknown>, io: Io): Promise<number> {
  let code = 0
  void impatience.then(() => {
    code = 1
    io.err('told a second time: connections that are still open are cut\n')
    servers.cut()
  })
  await servers.close(delay)
  return code
}

/** Whoever presses Ctrl-C waits for it; at a SIGTERM, load balancers first have to notice. */
function delayOf(config: Config, reason: StopReason): number {
  return reason === 'SIGINT' ? 0 : config.shutdown.delay
}

function supervisorOrders(): { stop: Promise<StopReason>; cut: Promise<void> } {
  const next = <Answer>(answerOf: (order: SupervisorOrder) => Answer | undefined) =>
    new Promise<Answer>((resolve) => {
      process.on('message', (order: SupervisorOrder) => {
        const answer = answerOf(order)
        if (answer !== undefined) resolve(answer)
      })
    })
  return {
    stop: next((order) => (order.kind === 'stop' ? order.reason : undefined)),
    cut: next((order) => (order.kind === 'cut' ? true : undefined)).then(() => {}),
  }
}

/**
 * A quiet minute makes V8 forget the bytecode of what was not called, and the first requests after it would wait until hundreds of
 * functions are compiled anew.
 */
function keepCompiledCode(): void {
  setFlagsFromString('--no-flush-bytecode')
}
