/** Stores that are not new: without the fence that a new one raises against ID-JAGs issued before it was made. */

import { lmdbStore } from '../../../src/store/lmdb.ts'
import { openRedis } from '../../store/redis/open-redis.ts'

const hour = 3600

/** Opens a Redis or an LMDB directory for the first time as if that had been an hour ago, and closes it. */
export async function agedStore(place: string): Promise<void> {
  const now = () => Date.now() / 1000
  const store = place.startsWith('redis')
    ? await openRedis(place, { skew: -hour })
    : await lmdbStore({ directory: place, now, skew: -hour })
  await store.close()
}
