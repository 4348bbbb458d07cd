/** What outlives a request in the world: one store for all of its servers, and what administrators changed in it. */

import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Seconds } from '../protocol/ports.ts'
import { administration } from '../server/policy/administration.ts'
import { followPolicy, type PolicyFeed } from '../server/policy/policy-feed.ts'
import { systemNow } from '../server/ports.ts'
import { openStore, type StoreSetting } from '../server/state.ts'
import { RedisAddressError, readRedisAddress } from '../store/redis-address.ts'
import type { Store } from '../store/store.ts'
import { newId } from './keys.ts'

/** The store of a world, and its policy as this process knows it. */
export interface WorldState {
  store: Store
  policy: PolicyFeed
  /** Tells every process on the store that a key of the world is not to be believed. */
  purgeKey(kid: string): void
  /** Resolves when ID-JAGs that are issued from now on are redeemed: a Redis that lost its memory fences off those of half a minute. */
  remembers(): Promise<void>
  close(): Promise<void>
}

export interface WorldStateOptions {
  /** `memory`, `lmdb` or the address of a Redis; see {@link storeProblem}. */
  store: string
  /** Gets the directory `state` of the embedded store. */
  folder: string
  now(): Seconds
  say(message: string): void
}

/** What is wrong with a name for a store, or undefined. Holds no part of it. Does NOT ask whether the store can be used. */
export function storeProblem(store: string): string | undefined {
  if (store === 'memory' || store === 'lmdb') return undefined
  if (!/^rediss?(\+[a-z]+)?:/.test(store))
    return 'must be memory, lmdb, redis://…, redis+sentinel://… or redis+cluster://…'
  try {
    readRedisAddress(store)
    return undefined
  } catch (cause) {
    if (!(cause instanceof RedisAddressError)) throw cause
    return cause.message
  }
}

/** Opens the store and reads the policy in it. Rejects as `openStore` does. */
export async function openState({ store: name, folder, now, say }: WorldStateOptions): Promise<WorldState> {
  const setting = settingOf(name, folder)
  const store = await openStore(setting, { now, skew: skewOf(setting), newId, warn: say })
  // Nobody but this process can change what is in memory, and its own changes are no news.
  const told = setting.kind === 'memory' ? () => {} : say
  const policy = await followPolicy({ records: store.records, now: systemNow, say: told }).catch(async (cause) => {
    await store.close()
    throw cause
  })
  return {
    store,
    policy,
    purgeKey(kid) {
      administration(store.records, now)
        .purgeKey(kid, { by: 'test bed', note: 'it left its key file before its time' })
        .then(policy.refresh)
        .catch((cause: unknown) =>
          say(`the other servers could not be told that key ${kid} was purged: ${String(cause)}`),
        )
    },
    async remembers() {
      if (setting.kind === 'memory') return
      const wait = store.fence() - Math.floor(systemNow())
      if (wait > 2) say(`the store is new or lost its memory: ready in ${Math.ceil(wait)} s`)
      if (wait > 0) await pause(wait * 1000)
    },
    async close() {
      policy.close()
      await store.close()
    },
  }
}

function settingOf(store: string, folder: string): StoreSetting {
  if (store === 'memory') return { kind: 'memory' }
  if (store === 'lmdb') return { kind: 'lmdb', directory: join(folder, 'state') }
  return { kind: 'redis', address: readRedisAddress(store) }
}

/**
 * A new store fences off what was issued before it was made, and for as long as the clocks of issuers may be ahead of it. Here there is
 * one clock. A directory that is made for this world has nothing to remember; a Redis may be shared with servers that have.
 */
function skewOf({ kind }: StoreSetting): Seconds {
  return kind === 'redis' ? 0 : -3600
}
