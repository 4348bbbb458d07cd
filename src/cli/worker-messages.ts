/** What a supervisor and its workers tell each other. */

import type { RunningServers } from '../server/server.ts'
import type { StopReason } from './stop-signal.ts'

/** From a worker: that it answers requests, or why it cannot start. */
export type WorkerReport =
  | ({ kind: 'serving'; policyVersion: string } & Pick<RunningServers, 'roles' | 'administration' | 'fence'>)
  | { kind: 'failed'; sentence: string }

/** To a worker: that it is to drain, or to wait for nobody any more. */
export type SupervisorOrder = { kind: 'stop'; reason: StopReason } | { kind: 'cut' }
