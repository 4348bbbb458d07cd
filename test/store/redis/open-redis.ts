/** Opens a Redis store as a process would. */

import { randomBytes } from 'node:crypto'
import { type RedisStoreOptions, redisStore } from '../../../src/store/redis.ts'
import { readRedisAddress } from '../../../src/store/redis-address.ts'
import { type Store, StoreUnavailableError } from '../../../src/store/store.ts'

export function openRedis(address: string, change: Partial<RedisStoreOptions> = {}): Promise<Store> {
  return redisStore({
    address: readRedisAddress(address),
    now: () => Date.now() / 1000,
    skew: 30,
    newId: () => randomBytes(24).toString('base64url'),
    warn: () => {},
    ...change,
  })
}

/** The same for a server that is well: what misses its deadline on a busy machine is opened again, a few times. */
export async function openPatiently(address: string, change: Partial<RedisStoreOptions> = {}): Promise<Store> {
  for (let attempt = 1; ; attempt++)
    try {
      return await openRedis(address, change)
    } catch (cause) {
      if (attempt === 5 || !(cause instanceof StoreUnavailableError)) throw cause
    }
}
