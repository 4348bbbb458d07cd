/** What a supervisor and its workers tell each other. */

import type { Metric } from '../server/metrics/families.ts'
import type { RunningServers } from '../server/server.ts'
import type { StopReason } from './stop-signal.ts'

/** From a worker: that it answers requests, why it cannot start, or what it has counted, with the number of the question. */
export type WorkerReport =
  | ({ kind: 'serving'; policyVersion: string } & Pick<RunningServers, 'roles' | 'administration' | 'fence'>)
  | { kind: 'failed'; sentence: string }
  | { kind: 'metrics'; question: number; metrics: Metric[] }

/** To a worker: that it is to drain, to wait for nobody any more, or to say what it has counted. */
export type SupervisorOrder =
  | { kind: 'stop'; reason: StopReason }
  | { kind: 'cut' }
  | { kind: 'read-metrics'; question: number }
