/** Where the state of the process is kept: what the configuration may say about it, and the store that follows from it. */

import { resolve } from 'node:path'
import * as z from 'zod'
import type { Seconds } from '../protocol/ports.ts'
import { lmdbStore } from '../store/lmdb.ts'
import { memoryStore } from '../store/memory.ts'
import { redisStore } from '../store/redis.ts'
import { type RedisAddress, RedisAddressError, readRedisAddress, redisAddressText } from '../store/redis-address.ts'
import type { Store } from '../store/store.ts'
import type { Sources } from './references.ts'
import { mapping, refuse } from './schema-problems.ts'

/** Which store. */
export type StoreSetting =
  | { kind: 'memory' }
  | { kind: 'lmdb'; directory: string }
  | { kind: 'redis'; address: RedisAddress }

/** The folder of the embedded store, seen from the configuration file, when the file does not name one. */
export const defaultDirectory = 'state'

/**
 * `memory`, `lmdb`, `{ lmdb: PATH }` or the address of a Redis. A password may only come from the variable. Does NOT ask whether
 * the store can be used.
 */
export function storeSetting({ folder, environment }: Sources) {
  return z
    .union([z.string(), mapping({ lmdb: z.string().min(1) })], {
      error: 'must be memory, lmdb, { lmdb: PATH } or redis://…',
    })
    .transform((value, context): StoreSetting => {
      if (typeof value !== 'string') return { kind: 'lmdb', directory: resolve(folder, value.lmdb) }
      if (value === 'memory') return { kind: 'memory' }
      if (value === 'lmdb') return { kind: 'lmdb', directory: resolve(folder, defaultDirectory) }
      const remedy = 'there are memory, lmdb, { lmdb: PATH }, redis://…, redis+sentinel://… and redis+cluster://…'
      if (!/^rediss?(\+[a-z]+)?:/.test(value)) {
        refuse(context, { message: 'is not a store', remedy })
        return z.NEVER
      }
      try {
        const address = readRedisAddress(value)
        if (address.password === undefined || environment.XAA_STORE === value) return { kind: 'redis', address }
        const message = 'must hold no password in the file'
        refuse(context, { message, remedy: 'give the whole address in XAA_STORE' })
      } catch (cause) {
        if (!(cause instanceof RedisAddressError)) throw cause
        refuse(context, { message: cause.message })
      }
      return z.NEVER
    })
}

/** How a store is told of the world. */
export interface StoreSurroundings {
  now(): Seconds
  /** How far ahead of ours the clocks of issuers may be. */
  skew: Seconds
  newId(): string
  warn(message: string): void
}

/** Opens a store; its driver is loaded only now. Throws `StoreUnsafeError` or `StoreUnavailableError`, each with its remedy. */
export async function openStore(setting: StoreSetting, surroundings: StoreSurroundings): Promise<Store> {
  if (setting.kind === 'memory') return memoryStore(surroundings)
  if (setting.kind === 'redis') return await redisStore({ address: setting.address, ...surroundings })
  return await lmdbStore({ directory: setting.directory, ...surroundings })
}

/** The store as the operator is told of it. Never holds a password. */
export function storeText(setting: StoreSetting): string {
  if (setting.kind === 'memory') return 'memory'
  return setting.kind === 'lmdb' ? `lmdb ${setting.directory}` : redisAddressText(setting.address)
}
