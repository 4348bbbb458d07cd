/** A process of its own that spends ids in a store it shares: told over IPC which ones, or on and on until it is killed. */

import { randomBytes } from 'node:crypto'
import { openStore, type StoreSetting } from '../../src/server/state.ts'
import { readRedisAddress } from '../../src/store/redis-address.ts'

/** `{ spend }` is answered by the list of those that were spent now; `{ flood }` by one message for each spent id. */
export type Order = { spend: string[] } | { flood: string }

const place = process.argv[2] ?? ''
const setting: StoreSetting = place.startsWith('redis')
  ? { kind: 'redis', address: readRedisAddress(place) }
  : { kind: 'lmdb', directory: place }
const now = () => Date.now() / 1000
const store = await openStore(setting, {
  now,
  skew: 30,
  newId: () => randomBytes(24).toString('base64url'),
  warn: () => {},
})
const until = () => now() + 600

process.on('message', async (order: Order) => {
  if ('spend' in order) {
    const answers = await Promise.all(order.spend.map((id) => store.once(id, until())))
    process.send?.(order.spend.filter((_, at) => answers[at]))
    return
  }
  for (let round = 0; ; round++)
    await Promise.all(
      Array.from({ length: 8 }, async (_, at) => {
        const id = `${order.flood}-${round}-${at}`
        if (await store.once(id, until())) process.send?.(id)
      }),
    )
})
process.send?.('ready')
