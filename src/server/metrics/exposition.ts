/** Metrics as Prometheus reads them: prom-client, loaded when it is first needed, writes the format and measures the process. */

import type { Registry } from 'prom-client'
import type { Metric } from './families.ts'

/** What one process has counted. */
export interface Reading {
  /** Which of several workers it is. Absent: there is one process. */
  worker?: number
  metrics: readonly Metric[]
}

/** An answer to Prometheus. */
export interface Exposition {
  contentType: string
  text: string
}

/** Made once: what prom-client measures of a process cannot be stopped. */
let ofProcess: Promise<Registry> | undefined

/** CPU time, memory, files, garbage collection and the delay of the event loop of this process, measured from the first call on. */
export async function processMetrics(): Promise<Metric[]> {
  ofProcess ??= measured()
  // Its declarations call the type of a metric a number; it is the word.
  const metrics = (await (await ofProcess).getMetricsAsJSON()) as unknown as readonly Metric[]
  return metrics.map(({ name, help, type, values }) => ({
    name,
    help,
    type,
    // What was never measured is no number, and JSON between processes has no word for that.
    values: values.filter(({ value }) => Number.isFinite(value)),
    aggregator: 'sum',
  }))
}

async function measured(): Promise<Registry> {
  const { collectDefaultMetrics, Registry } = await import('prom-client')
  const register = new Registry()
  collectDefaultMetrics({ register })
  return register
}

/** The text of all readings; of several workers, each series with its `worker`, so that one that starts anew is no step back of all. */
export async function expositionOf(readings: readonly Reading[]): Promise<Exposition> {
  const { AggregatorRegistry } = await import('prom-client')
  const registry = AggregatorRegistry.aggregate(
    readings.map(({ worker, metrics }) => (worker === undefined ? [...metrics] : metrics.map(labelled(worker)))),
  )
  return { contentType: registry.contentType, text: await registry.metrics() }
}

function labelled(worker: number): (metric: Metric) => Metric {
  return (metric) => ({
    ...metric,
    values: metric.values.map(({ labels, ...sample }) => ({
      ...sample,
      labels: { ...labels, worker: String(worker) },
    })),
  })
}
