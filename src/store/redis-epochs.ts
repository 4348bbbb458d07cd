/** Notices when Redis may have lost acknowledged writes, and fences off what was issued until then. */

import type { Seconds } from '../protocol/ports.ts'
import type { RedisPrimary } from './redis-primary.ts'
import { settleScript } from './redis-scripts.ts'
import { StoreUnavailableError } from './store.ts'

export interface RedisEpochsOptions {
  primaryFor(tag: string): RedisPrimary
  markerKey(tag: string): string
  newId(): string
  /** The later of our clock and that of Redis. */
  latestNow(): Seconds
  skew: Seconds
  /** How many replicas must have a marker. */
  copies(): number
  /** True when a restart of the server loses nothing. */
  keepsEverything(): boolean
}

/** For each hash tag, the marker that stands for what the data there goes back to without a gap. */
export interface RedisEpochs {
  /** The marker; asked for when it is not known. */
  markerOf(tag: string): Promise<string>
  /** To be called when the marker was not found as expected: finds or makes the new one, which may raise the fence. */
  renew(tag: string): Promise<void>
  fence(): Seconds
}

export function redisEpochs(options: RedisEpochsOptions): RedisEpochs {
  const markers = new Map<string, string>()
  const renewing = new Map<string, Promise<void>>()
  let fence: Seconds = 0
  const settle = async (tag: string): Promise<void> => {
    markers.delete(tag)
    const fenceIfNew = Math.ceil((options.latestNow() + options.skew) * 1000)
    const answer = await options
      .primaryFor(tag)
      .run(
        settleScript,
        [options.markerKey(tag)],
        [options.newId().slice(0, 12), String(fenceIfNew), options.keepsEverything() ? '1' : '0'],
        options.copies(),
      )
    const marker = String(answer)
    const found = Number(/:(\d+)$/.exec(marker)?.[1])
    if (!Number.isFinite(found)) throw new StoreUnavailableError('the marker in Redis cannot be read')
    fence = Math.max(fence, found / 1000)
    markers.set(tag, marker)
  }
  const renew = (tag: string): Promise<void> => {
    const running = renewing.get(tag)
    if (running !== undefined) return running
    const settled = settle(tag).finally(() => renewing.delete(tag))
    renewing.set(tag, settled)
    return settled
  }
  return {
    async markerOf(tag) {
      const known = markers.get(tag)
      if (known !== undefined) return known
      await renew(tag)
      return markers.get(tag) ?? ''
    },
    renew,
    fence: () => fence,
  }
}
