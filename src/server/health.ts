/** Whether the process can be given requests: what must hold for it, and how load balancers ask. */

import type { FastifyInstance } from 'fastify'
import type { Seconds } from '../protocol/ports.ts'

/** One thing that must hold before requests are of use here. */
export interface ReadinessCondition {
  /** A word for the answer and the log, such as `store`. */
  name: string
  /** Throws or rejects while it does not hold. Its error goes to the log, never into the answer. */
  check(): Promise<void> | void
}

/** A condition that does not hold, and when that was first seen. */
export interface FailingCondition {
  name: string
  since: Seconds
}

/** The conditions of a process together. */
export interface Readiness {
  /**
   * Those that do not hold; none means ready. Each condition is checked at most once a second, however often this is asked, and one
   * that has not answered after 300 ms does not hold.
   */
  failing(): Promise<FailingCondition[]>
  /** Not ready from now on, whatever holds: the process is stopping. */
  stop(): void
}

export interface ReadinessOptions {
  conditions: readonly ReadinessCondition[]
  now(): Seconds
  /** Told as a sentence when a condition begins to fail, and when it holds again. */
  warn(message: string): void
}

const deadline = 300

/** Watches conditions. None is checked before somebody asks. */
export function readinessOf({ conditions, now, warn }: ReadinessOptions): Readiness {
  const watched = conditions.map((condition) => watch(condition, now, warn))
  let stoppedAt: Seconds | undefined
  return {
    async failing() {
      const stopping = stoppedAt === undefined ? [] : [{ name: 'stopping', since: stoppedAt }]
      const failing = await Promise.all(watched.map((ask) => ask()))
      return [...stopping, ...failing.flatMap((one) => one ?? [])]
    },
    stop() {
      stoppedAt ??= now()
    },
  }
}

function watch({ name, check }: ReadinessCondition, now: () => Seconds, warn: (message: string) => void) {
  let askedAt = Number.NEGATIVE_INFINITY
  let since: Seconds | undefined
  let unanswered: Promise<string | undefined> | undefined
  let latest: Promise<FailingCondition | undefined> = Promise.resolve(undefined)

  const judge = async (): Promise<FailingCondition | undefined> => {
    // A check that hangs is not started a second time: it would fill the memory.
    unanswered ??= faultOf(check).finally(() => {
      unanswered = undefined
    })
    const fault = await withinDeadline(unanswered)
    if (fault === undefined && since !== undefined) warn(`ready again: ${name}`)
    if (fault !== undefined && since === undefined) warn(`not ready: ${name}: ${fault}`)
    since = fault === undefined ? undefined : (since ?? now())
    return since === undefined ? undefined : { name, since }
  }
  return () => {
    // A clock that was set back must not keep an old answer alive.
    if (Math.abs(now() - askedAt) >= 1) {
      askedAt = now()
      latest = judge()
    }
    return latest
  }
}

async function faultOf(check: ReadinessCondition['check']): Promise<string | undefined> {
  try {
    await check()
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : typeof error
  }
}

async function withinDeadline(fault: Promise<string | undefined>): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`no answer within ${deadline} ms`), deadline)
  })
  return await Promise.race([fault, late]).finally(() => clearTimeout(timer))
}

/**
 * `GET /health/live`: 200 while the process answers at all. `GET /health/ready`: 200 `{ "ready": true }`, or 503 with the names of
 * what does not hold and since when. Needs no credentials and tells no address, version or error.
 */
export function healthRoutes(app: FastifyInstance, readiness: Pick<Readiness, 'failing'>): void {
  app.get('/health/live', async (_request, reply) => reply.header('cache-control', 'no-store').send({ live: true }))
  app.get('/health/ready', async (_request, reply) => {
    const failing = await readiness.failing()
    reply.header('cache-control', 'no-store')
    if (failing.length === 0) return reply.send({ ready: true })
    return reply.code(503).send({
      ready: false,
      failing: failing.map(({ name, since }) => ({ name, since: new Date(since * 1000).toISOString() })),
    })
  })
}
