/** What one process counts and measures, in one place: each part of it is wrapped by its meter, or left as it is. */

import { X509Certificate } from 'node:crypto'
import type { FastifyPluginAsync } from 'fastify'
import type { Seconds } from '../../protocol/ports.ts'
import type { Reason } from '../../protocol/reasons.ts'
import type { Store } from '../../store/store.ts'
import type { Audit } from '../audit.ts'
import type { Readiness } from '../health.ts'
import type { ListeningPart } from '../listener.ts'
import type { FollowedKeys } from '../signing-keys.ts'
import { countedAudit } from './counted-audit.ts'
import { processMetrics } from './exposition.ts'
import { counts, durations, gauge, type Labels, type Metric, type Readable, type Sample } from './families.ts'
import { timedRequests } from './timed-requests.ts'
import { timedStore } from './timed-store.ts'

/** The parts of a process that listen, as labels name them. */
export type MeteredPart = 'idp' | 'resource-as' | 'admin' | 'metrics'

/** The meters of one process. Without metrics all of it is nothing: what is given comes back as it is. */
export interface Metering {
  audit(audit: Audit): Audit
  store(store: Store): Store
  /** A plugin with the endpoints of a role. */
  requests(role: MeteredPart, plugin: FastifyPluginAsync): FastifyPluginAsync
  /** A function to call for each request that was answered before any endpoint, and stands in no audit. */
  turnedAway(role: MeteredPart, reason: 'too_many' | 'broken' | 'nowhere'): () => void
  /** A function to call for each end of a fetch of somebody else's keys, with why it failed. */
  keysFetched(role: MeteredPart): (failure?: Reason) => void
  /** A function to call for each certificate that a part shows from now on. */
  certificateOf(part: MeteredPart): (material: { cert: string }) => void
  /** What is looked at only when somebody reads. */
  watch(watched: Watched): void
  /** Everything as it stands now, with what is measured of the process itself. */
  read(): Promise<Metric[]>
}

/** The word for a part of the configuration. */
export function labelOf(part: ListeningPart): MeteredPart {
  return part === 'resourceAs' ? 'resource-as' : part
}

/** What a process can be asked about itself. */
export interface Watched {
  readiness: Pick<Readiness, 'failing'>
  requestsInProgress(): number
  /** The revision of the policy in force. */
  policyRevision(): number
  roles: readonly { role: 'idp' | 'resourceAs'; signingKeys: Pick<FollowedKeys, 'signingSince'> }[]
}

/** Measures nothing. */
export const noMetering: Metering = {
  audit: (audit) => audit,
  store: (store) => store,
  requests: (_role, plugin) => plugin,
  turnedAway: () => () => {},
  keysFetched: () => () => {},
  certificateOf: () => () => {},
  watch() {},
  read: async () => [],
}

/** Measures a process; `clock` gives milliseconds. To be made once for it, before its parts. */
export function newMetering(clock: () => number): Metering {
  const requests = durations(
    'xaa_request_duration_seconds',
    'How long requests took, from the end of their body to their answer.',
  )
  const turnedAway = counts(
    'xaa_requests_turned_away_total',
    'Requests that were answered before any endpoint, and stand in no audit.',
  )
  const fetches = counts('xaa_key_set_fetches_total', "Fetches of other issuers' keys, by how they ended.")
  const certificates = new Map<MeteredPart, Seconds>()
  const metrics: Readable[] = [
    requests,
    turnedAway,
    fetches,
    gauge('xaa_certificate_expiry_timestamp_seconds', 'When the certificate of a listener ends.', () =>
      [...certificates].map(([role, value]) => ({ labels: { role }, value })),
    ),
  ]
  return {
    audit(audit) {
      const counted = countedAudit(audit)
      metrics.push(...counted.metrics)
      return counted.audit
    },
    store(store) {
      const timed = timedStore(store, clock)
      metrics.push(...timed.metrics)
      return timed.store
    },
    requests: (role, plugin) => timedRequests(plugin, { role, family: requests, clock }),
    turnedAway(role, reason) {
      const series = turnedAway.of({ role, reason })
      return () => {
        series.count += 1
      }
    },
    keysFetched: (role) => (failure) => {
      fetches.of({ role, outcome: failure ?? 'fetched' }).count += 1
    },
    certificateOf:
      (role) =>
      ({ cert }) => {
        certificates.set(role, Date.parse(new X509Certificate(cert).validTo) / 1000)
      },
    watch(watched) {
      metrics.push(...watchedMetrics(watched))
    },
    read: async () =>
      await Promise.all([...metrics.map(({ read }) => read()), processMetrics()]).then((all) => all.flat()),
  }
}

function watchedMetrics({ readiness, requestsInProgress, policyRevision, roles }: Watched): Readable[] {
  return [
    gauge('xaa_ready', 'Whether requests are of use here: 1 or 0.', async () => [
      one((await readiness.failing()).length === 0 ? 1 : 0),
    ]),
    gauge('xaa_requests_in_progress', 'Requests that are worked on now.', () => [one(requestsInProgress())]),
    gauge(
      'xaa_policy_revision',
      'The revision of the policy in force; the same at every process that is up to date.',
      () => [one(policyRevision())],
    ),
    gauge(
      'xaa_signing_key_start_timestamp_seconds',
      'Since when the key signs that signs now, where its file says.',
      () =>
        roles.flatMap(({ role, signingKeys }) => {
          const since = signingKeys.signingSince()
          return since === undefined ? [] : [one(since, { role: labelOf(role) })]
        }),
    ),
  ]
}

function one(value: number, labels: Labels = {}): Sample {
  return { labels, value }
}
