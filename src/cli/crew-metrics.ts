/** The metrics of several workers at one address: each is asked what it counted, and each series says of which it is. */

import type { Worker } from 'node:cluster'
import type { Config } from '../server/config.ts'
import type { Reading } from '../server/metrics/exposition.ts'
import { counts, gauge } from '../server/metrics/families.ts'
import type { SupervisorOrder, WorkerReport } from './worker-messages.ts'

/** Whom to ask. */
export interface CrewMetrics {
  /** A worker serves from now on. It gets the lowest number that no other has: a worker that replaces another goes on with its series. */
  serves(worker: Worker): void
  /** A worker is gone; `died` when nobody told it to go. */
  left(worker: Worker, died: boolean): void
  /** Listens where the configuration says. Throws `StartError` when it cannot. */
  listen(setting: NonNullable<Config['metrics']>, warn: (message: string) => void): Promise<CrewMetricsListener>
}

/** The address that it really listens on, and its end. */
export interface CrewMetricsListener {
  address: string
  close(): Promise<void>
}

/** Milliseconds for a worker to say what it counted. One that does not is left out, as one that is gone. */
const patience = 1000

/** Of nobody at first. */
export function crewMetrics(): CrewMetrics {
  const numbers = new Map<Worker, number>()
  const deaths = counts('xaa_worker_deaths_total', 'Workers that ended although nobody told them to.')
  const died = deaths.of({})
  let questions = 0
  const read = async (): Promise<Reading[]> => {
    const answers = await Promise.all([...numbers].map(([worker, number]) => ask(worker, number, questions++)))
    const readings = answers.flatMap((answer) => answer ?? [])
    const answering = gauge('xaa_workers', 'Workers that said what they counted.', () => [
      { labels: {}, value: readings.length },
    ])
    return [...readings, { metrics: [deaths.read(), await answering.read()] }]
  }
  return {
    serves(worker) {
      const taken = new Set(numbers.values())
      let number = 1
      while (taken.has(number)) number += 1
      numbers.set(worker, number)
    },
    left(worker, wasNotTold) {
      numbers.delete(worker)
      if (wasNotTold) died.count += 1
    },
    async listen(setting, warn) {
      // Without metrics, the process that only starts others needs no HTTP server.
      const { serveMetrics } = await import('../server/metrics/metrics-app.ts')
      return await serveMetrics(setting, { read, warn })
    },
  }
}

function ask(worker: Worker, number: number, question: number): Promise<Reading | undefined> {
  return new Promise((resolve) => {
    const settle = (reading?: Reading) => {
      clearTimeout(late)
      worker.off('message', hear)
      resolve(reading)
    }
    const hear = (report: WorkerReport) => {
      if (report.kind === 'metrics' && report.question === question) settle({ worker: number, metrics: report.metrics })
    }
    const late = setTimeout(settle, patience)
    worker.on('message', hear)
    const order: SupervisorOrder = { kind: 'read-metrics', question }
    worker.send(order, (error) => {
      if (error !== null) settle()
    })
  })
}
