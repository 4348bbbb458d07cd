/** The store for many machines: Redis, with single use in one step, a majority behind it, and a fence where memory may be lost. */

import { hash } from 'node:crypto'
import type { Seconds } from '../protocol/ports.ts'
import { boundedCalls } from './bounded-calls.ts'
import { type RedisAddress, redisAddressText } from './redis-address.ts'
import { redisEpochs } from './redis-epochs.ts'
import { ConnectionLostError, MovedError } from './redis-primary.ts'
import { redisRecords } from './redis-records.ts'
import { checkSafety, clockDifference, clockTolerance, copiesForMajority, type RedisFacts } from './redis-safety.ts'
import { countedScript, countScript, type RedisScript, spendScript } from './redis-scripts.ts'
import { redisTopology } from './redis-topology.ts'
import { type Count, type Store, StoreUnavailableError, StoreUnsafeError } from './store.ts'

export interface RedisStoreOptions {
  address: RedisAddress
  now(): Seconds
  /** How far ahead of ours the clocks of issuers may be. */
  skew: Seconds
  /** An id nobody else has. */
  newId(): string
  /** Told once of each new trouble, as a sentence, and when it is over. */
  warn(message: string): void
}

const startDeadline = 900
/** Another name than before: where keys were made in another way, what was spent is not found, and the fence rises once. */
const markerName = 'marker2'

/**
 * Connects, and checks whether this Redis can keep the promise; loads its driver only now. Throws {@link StoreUnsafeError} when it
 * cannot and {@link StoreUnavailableError} when it does not answer within 0.9 s. Later troubles end by themselves: every second it
 * looks for the primary and compares the clocks, every minute it checks the settings again.
 */
export async function redisStore({ address, now, skew, newId, warn }: RedisStoreOptions): Promise<Store> {
  let lastError: unknown
  const topology = await redisTopology(address, (error) => {
    lastError = error
  })
  const where = redisAddressText(address)
  const instance = newId().slice(0, 12)
  let facts: RedisFacts = { replicas: 0, keepsEverything: false }
  let ahead: Seconds = 0
  let requests = 0
  let trouble: string | undefined
  /** Why nothing is accepted although Redis answers. Stays until everything was found right again. */
  let refusal: StoreUnsafeError | ClockError | undefined
  /** True after anything that may have put another server, or another configuration, in the place of the one that was checked. */
  let uninspected = false
  const calls = boundedCalls()
  const copies = () => copiesForMajority(facts.replicas)
  const tagOf = (digest: Buffer) => String((digest[0] ?? 0) % topology.tags)
  const keyOf = (tag: string, name: string) => `{xaa${tag}}:${name}`
  const epochs = redisEpochs({
    primaryFor: (tag) => topology.primaryFor(tag),
    markerKey: (tag) => keyOf(tag, markerName),
    newId,
    latestNow: () => now() + Math.max(0, ahead),
    skew,
    copies,
    keepsEverything: () => facts.keepsEverything,
  })

  const inspect = async (): Promise<void> => {
    const found = await Promise.all(
      topology.primaries().map((one) => checkSafety(one, address.kind !== 'single', facts.replicas)),
    )
    facts = {
      // A replica that is away for a while still counts: a majority of those that are left would be none.
      replicas: Math.max(facts.replicas, ...found.map(({ replicas }) => replicas)),
      keepsEverything: found.every(({ keepsEverything }) => keepsEverything),
    }
  }
  const compareClocks = async (): Promise<void> => {
    const differences = await Promise.all(topology.primaries().map((one) => clockDifference(one, now)))
    ahead = Math.max(...differences)
    const furthest = Math.max(...differences.map(Math.abs))
    if (furthest > clockTolerance)
      throw new ClockError(
        `store: the clock of this machine and that of Redis are ${Math.round(furthest)} s apart. Set both by NTP.`,
      )
  }
  const watch = async (thorough: boolean): Promise<void> => {
    const before = trouble
    try {
      await topology.look()
      await calls.run(async () => {
        await compareClocks()
        if (thorough || uninspected) await inspect()
        for (let tag = 0; tag < topology.tags; tag++) await epochs.markerOf(String(tag))
      })
      trouble = undefined
      refusal = undefined
      uninspected = false
    } catch (cause) {
      uninspected = true
      trouble = messageOf(cause)
      if (cause instanceof StoreUnsafeError || cause instanceof ClockError) refusal = cause
    }
    if (trouble !== before) warn(trouble ?? `store: ${where} can be relied on again`)
  }

  const spend = async (digest: Buffer, until: Seconds, requestId: string): Promise<boolean> => {
    const tag = tagOf(digest)
    const marker = await epochs.markerOf(tag)
    // Lives on until the slowest clock that may still be in service has passed the moment.
    const life = Math.max(1, Math.ceil((until + clockTolerance - now() - ahead) * 1000))
    const keys = [keyOf(tag, markerName), keyOf(tag, shortOf(digest))]
    const answer = await topology.primaryFor(tag).run(spendScript, keys, [marker, requestId, String(life)], copies())
    if (answer === 1) return true
    if (answer === 0) return false
    uninspected = true
    await epochs.renew(tag)
    // The caller looked at the fence before it rose, so it has to come again.
    throw new StoreUnavailableError('store: Redis was restarted, replaced or emptied; the fence has risen')
  }
  const once = async (key: string, until: Seconds): Promise<boolean> => {
    if (refusal !== undefined) throw refusal
    const digest = sha256(key)
    const requestId = `${instance}${(requests++).toString(36)}`
    try {
      return await spend(digest, until, requestId)
    } catch (cause) {
      if (cause instanceof MovedError) void topology.look()
      else if (!(cause instanceof ConnectionLostError)) throw cause
      // The answer may be lost and not the write: the same request id recognises it as its own.
      await new Promise((resolve) => setTimeout(resolve, 100))
      return await spend(digest, until, requestId)
    }
  }

  try {
    const isRefused = () => address.kind === 'single' && codeOf(lastError) === 'ECONNREFUSED'
    await startWithin(startDeadline, isRefused, async () => {
      await compareClocks()
      await inspect()
      for (let tag = 0; tag < topology.tags; tag++) await epochs.markerOf(String(tag))
    })
  } catch (cause) {
    topology.close()
    if (cause instanceof StoreUnsafeError) throw cause
    const reason = messageOf(cause instanceof ConnectionLostError ? (lastError ?? cause) : cause)
    throw new StoreUnavailableError(`store: ${where} cannot be used: ${reason}. Check the address and the server.`, {
      cause,
    })
  }
  let seconds = 0
  let busy = false
  const timer = setInterval(async () => {
    seconds += 1
    if (busy) return
    busy = true
    await watch(seconds % 60 === 0)
    busy = false
  }, 1000)
  timer.unref()
  /** Runs a script on one counter, which answers with its count and the milliseconds left. */
  const counted = (key: string, script: RedisScript, args: string[]): Promise<Count> =>
    calls.run(async () => {
      const digest = sha256(key)
      const tag = tagOf(digest)
      const counter = [keyOf(tag, `c:${shortOf(digest)}`)]
      const answer = await topology.primaryFor(tag).run(script, counter, args, 0)
      const [count, left] = Array.isArray(answer) ? answer.map(Number) : []
      if (count === undefined || left === undefined) throw new StoreUnavailableError('Redis answered with no count')
      return { count, resetsAt: now() + left / 1000 }
    })

  return {
    once: (key, until) => calls.run(() => once(key, until)),
    fence: epochs.fence,
    count: (key, window) => counted(key, countScript, [String(Math.ceil(window * 1000))]),
    countOf: async (key) => {
      const found = await counted(key, countedScript, [])
      return found.count === 0 ? undefined : found
    },
    records: redisRecords({
      primary: () => topology.primaryFor('0'),
      keyOf: (kind) => keyOf('0', kind === undefined ? 'revision' : `r:${kind}`),
      now,
      copies,
      calls,
    }),
    async check() {
      await watch(true)
      if (refusal !== undefined) throw refusal
      if (trouble !== undefined) throw new StoreUnavailableError(trouble)
    },
    async close() {
      clearInterval(timer)
      topology.close()
    },
  }
}

/** The clocks are so far apart that moments mean nothing. */
class ClockError extends StoreUnavailableError {}

/** Tries again while there is no connection yet, until the deadline, or until it is clear that nobody listens. */
async function startWithin(deadline: number, isRefused: () => boolean, start: () => Promise<void>): Promise<void> {
  let late = false
  const timer = setTimeout(() => {
    late = true
  }, deadline)
  try {
    for (;;)
      try {
        return await boundedCalls({ deadline, mostAtOnce: 1 }).run(start)
      } catch (cause) {
        if (!(cause instanceof ConnectionLostError) || late || isRefused()) throw cause
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
  } finally {
    clearTimeout(timer)
  }
}

/** Read as text: asked for bytes, Node makes a hash object, at four times the cost. */
function sha256(text: string): Buffer {
  return Buffer.from(hash('sha256', text, 'binary'), 'binary')
}

function shortOf(digest: Buffer): string {
  return digest.toString('base64url').slice(0, 22)
}

/** What went wrong, in words that hold no key and no password. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error
  return codeOf(error) ?? (error.message === '' ? error.name : error.message)
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | undefined)?.code
}
