/** The process: the roles of a configuration, each on an address of its own, until they are closed. */

import { resolve } from 'node:path'
import type { Writable } from 'node:stream'
import type { FastifyPluginAsync } from 'fastify'
import { answerNowhere } from '../http/nowhere.ts'
import { metadataAddresses } from '../protocol/issuer-keys.ts'
import type { Ports, Seconds } from '../protocol/ports.ts'
import { type Store, StoreUnavailableError, StoreUnsafeError } from '../store/store.ts'
import { adminOf } from './admin-role.ts'
import { type Audit, fileAudit, streamAudit } from './audit.ts'
import type { Config } from './config.ts'
import type { TlsSetting } from './config-transport.ts'
import type { Listen } from './config-values.ts'
import { drain } from './drain.ts'
import { eventLoopWatch } from './event-loop-watch.ts'
import { healthRoutes, type ReadinessCondition, readinessOf } from './health.ts'
import { jsonLine } from './json-line.ts'
import { type ListeningPart, listenOn, newApp } from './listener.ts'
import type { Metric } from './metrics/families.ts'
import { labelOf, newMetering, noMetering } from './metrics/metering.ts'
import { metricsPart } from './metrics/metrics-app.ts'
import { administration } from './policy/administration.ts'
import { switchedOff } from './policy/configured-blocks.ts'
import { followPolicy } from './policy/policy-feed.ts'
import { systemId, systemNow, systemPorts } from './ports.ts'
import { requestLimit } from './request-limit.ts'
import { type ProcessParts, rolesOf } from './roles.ts'
import { StartError } from './start-error.ts'
import { openStore } from './state.ts'
import { skew } from './surroundings.ts'

export { StartError } from './start-error.ts'

/** Where the process writes, and how it gets its ports. */
export interface StartOptions {
  /** Gets the audit where the configuration says stdout. */
  stdout: Writable
  /** Gets one JSON line for each failure of the server itself, and for each warning about somebody else's documents. */
  log(line: string): void
  /** Ports over the audit and store of the configuration, for the role with this issuer; {@link systemPorts} unless given. */
  portsOver?(audit: Audit, store: Store, issuer: string): Ports
  /** False: somebody else shows the metrics, read with `readMetrics`. Absent: the configuration's listener does. */
  showMetrics?: boolean
}

/** One role that answers. */
export interface RunningRole {
  role: 'idp' | 'resourceAs'
  issuer: string
  /** The address it really listens on, such as `http://127.0.0.1:4000`. */
  listens: string
  /** Where its metadata is, seen from outside. */
  metadata: string
}

/** What was started. */
export interface RunningServers {
  roles: RunningRole[]
  /** The address that the administration really listens on, where the configuration has one. */
  administration?: string
  /** The address where the metrics are really read, where the configuration has one and this process shows them. */
  metrics?: string
  /** What was counted since the start; nothing where the configuration has no metrics. */
  readMetrics(): Promise<Metric[]>
  /** ID-JAGs issued before this moment are not redeemed: the store may not know that they were. */
  fence: Seconds
  /**
   * Is not ready from now on, goes on answering for `delay` (0 unless given), then takes no new connection, lets what came be
   * answered, and closes audit and store. After 10 s in all, connections still open are cut.
   */
  close(delay?: Seconds): Promise<void>
  /** Cuts every connection without an answer; a close that is under way then ends. */
  cut(): void
}

/** Starts every role of a configuration. Throws {@link StartError}, and then nothing of it is left open. */
export async function startServers(config: Config, options: StartOptions): Promise<RunningServers> {
  const { log, portsOver = systemPorts, showMetrics = true } = options
  const warn = (message: string) => log(jsonLine({ at: systemNow(), warning: message }))
  const metering = config.metrics === undefined ? noMetering : newMetering(() => performance.now())
  const openedStore = await openStore(config.store, { now: systemNow, skew, newId: systemId, warn }).catch(
    (cause: unknown) => {
      if (cause instanceof StoreUnsafeError || cause instanceof StoreUnavailableError)
        throw new StartError(cause.message, { cause })
      throw cause
    },
  )
  const store = metering.store(openedStore)
  const openedAudit = await openAudit(config, options.stdout, warn).catch(async (cause: unknown) => {
    await store.close()
    throw cause
  })
  const audit = metering.audit(openedAudit)
  const policy = await followPolicy({
    records: store.records,
    now: systemNow,
    say: warn,
    switchedOff: (entries) => switchedOff(config, entries),
  }).catch(async (cause: unknown) => {
    await audit.close()
    await store.close()
    throw new StartError(
      `store: the policy in it cannot be read (${cause instanceof Error ? cause.message : cause}).`,
      { cause },
    )
  })
  const conditions: ReadinessCondition[] = [
    { name: 'store', check: () => store.check() },
    { name: 'policy', check: policy.check },
  ]
  const readiness = readinessOf({ conditions, now: systemNow, warn })
  const ending = drain()
  const loop = eventLoopWatch()
  const close = async (delay: Seconds = 0) => {
    readiness.stop()
    loop.stop()
    const cut = await ending.run(delay)
    if (cut > 0) warn(`${cut} connections were still open at the end, and were cut`)
    policy.close()
    await audit.close()
    await store.close()
  }
  try {
    const purgeKey = (kid: string) => {
      administration(store.records, systemNow)
        .purgeKey(kid, { by: 'server', note: 'it left its key file before its time' })
        .catch((cause: unknown) =>
          warn(`the other servers could not be told that key ${kid} was purged: ${String(cause)}`),
        )
    }
    const parts: ProcessParts = { config, store, audit, policy, purgeKey, portsOver, log, metering }
    const limit = requestLimit(undefined, loop.isBehind)
    const roles: RunningRole[] = []
    const serve = async (
      part: ListeningPart,
      { listen, plugin, tls }: { listen: Listen; plugin: FastifyPluginAsync; tls?: TlsSetting | undefined },
    ): Promise<string> => {
      const name = labelOf(part)
      const app = newApp({
        trustedProxies: config.trustedProxies,
        tls,
        warn,
        onBroken: metering.turnedAway(name, 'broken'),
        onMaterial: metering.certificateOf(name),
      })
      // The administration says itself what it has.
      if (part !== 'admin') answerNowhere(app, metering.turnedAway(name, 'nowhere'))
      ending.prepare(app)
      healthRoutes(app, readiness)
      const guarded = limit.guarding(metering.requests(name, plugin), metering.turnedAway(name, 'too_many'))
      // Whoever watches wants to see most of all what happens when nothing else is answered.
      await app.register(part === 'metrics' ? plugin : guarded)
      return await listenOn(app, part, listen)
    }
    const started = rolesOf(parts)
    for (const one of started) {
      const { role, issuer } = one
      const listens = await serve(role, one)
      roles.push({ role, issuer, listens, metadata: metadataAddresses(issuer)[0] ?? issuer })
    }
    const admin = adminOf(parts)
    const address = admin === undefined ? {} : { administration: await serve('admin', admin) }
    metering.watch({ readiness, requestsInProgress: limit.inProgress, policyRevision: policy.version, roles: started })
    const shown =
      config.metrics === undefined || !showMetrics
        ? {}
        : { metrics: await serve('metrics', metricsPart(config.metrics, metering)) }
    return {
      roles,
      ...address,
      ...shown,
      readMetrics: metering.read,
      fence: store.fence(),
      close,
      cut: ending.cut,
    }
  } catch (cause) {
    await close()
    throw cause
  }
}

async function openAudit({ audit, folder }: Config, stdout: Writable, warn: (message: string) => void): Promise<Audit> {
  const options = { instance: systemId(), now: systemNow, warn }
  if (audit === 'stdout') return streamAudit(stdout, options)
  const path = resolve(folder, audit.file)
  return await fileAudit(path, options).catch((cause: NodeJS.ErrnoException) => {
    throw new StartError(
      `audit.file: ${path} cannot be opened for writing (${cause.code ?? cause.message}). Make its folder, or name another file.`,
      { cause },
    )
  })
}
