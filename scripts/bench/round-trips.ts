/** How often a redemption waits for Redis. */

import { oneRedis, replicatedRedis } from '../../test/faults/rig/redis.ts'
import { countingProxy } from './counting-proxy.ts'
import { benchEnterprise, people } from './enterprise.ts'
import { openConnection, send } from './generator.ts'
import { median } from './statistics.ts'
import { type Effort, portion, type Row, type Subject, withoutRedis } from './subject.ts'

/** The redemptions of one Redis, with the round trips of each. */
interface Counted {
  row: Row
  steady: number
}

const places = [
  { name: 'one node', open: async () => (await oneRedis()).server },
  {
    name: 'a primary with two replicas',
    async open() {
      const redis = await replicatedRedis()
      const primary = await redis.primary()
      return { port: primary.port, remove: redis.remove }
    },
  },
]

export const roundTrips: Subject = {
  name: 'round-trips',
  title: 'How often a redemption waits for Redis',
  method:
    'A proxy in front of Redis counts while one redemption at a time is answered; the median leaves out what the policy feed and the watch ask now and then. Commands are for each redemption, theirs included. Bound: 1 round trip in the steady state.',
  async run(effort) {
    if (!effort.redis) return { rows: places.map(({ name }) => withoutRedis(name)), broken: [] }
    const rows: Row[] = []
    const broken: string[] = []
    for (const { name, open } of places) {
      effort.progress(name)
      const { row, steady } = await countAt(name, open, effort)
      rows.push(row)
      if (steady !== 1) broken.push(`a redemption takes ${steady} round trips to Redis (${name}) and may take 1`)
    }
    return { rows, broken }
  },
}

async function countAt(name: string, open: (typeof places)[number]['open'], effort: Effort): Promise<Counted> {
  const redis = await open()
  const proxy = await countingProxy(redis.port)
  const enterprise = await benchEnterprise()
  try {
    const { port } = await enterprise.open({ name: 'counted', store: proxy.address, audit: 'off' })
    const connection = await openConnection(port)
    // A machine that is busy makes the server answer 503 now and then; what those waited for says nothing.
    const oneByOne = async (requests: readonly Buffer[]) => {
      const trips: number[] = []
      for (const request of requests) {
        const before = proxy.roundTrips()
        const { status, text } = await connection.ask(request)
        if (status === 200) trips.push(proxy.roundTrips() - before)
        else if (status !== 503) throw new Error(`the server answered ${status}: ${text}`)
      }
      return trips
    }
    const first = median(await oneByOne(await enterprise.requests(people)))
    const before = proxy.commands()
    const requests = await enterprise.requests(portion(1000, effort, 60))
    const trips = await oneByOne(requests)
    const alone = perRequest(before, proxy.commands(), requests.length)
    connection.close()
    const crowd = await enterprise.requests(portion(3000, effort, 60))
    const beforeCrowd = proxy.commands()
    await send({ port, requests: crowd, atOnce: 32 })
    const together = perRequest(beforeCrowd, proxy.commands(), crowd.length)
    const steady = median(trips)
    const figures: Row['figures'] = {
      'round trips': { value: steady, unit: '' },
      'with the background': { value: trips.reduce((sum, one) => sum + one, 0) / trips.length, unit: '' },
      "a person's first": { value: first, unit: '' },
      EVALSHA: { value: alone('EVALSHA'), unit: '' },
      WAIT: { value: alone('WAIT'), unit: '' },
      'WAIT at 32 at once': { value: together('WAIT'), unit: '' },
    }
    return { row: { name, figures }, steady }
  } finally {
    await enterprise.close()
    proxy.close()
    await redis.remove()
  }
}

type Counts = { readonly [name: string]: number }

function perRequest(before: Counts, after: Counts, requests: number): (name: string) => number {
  return (name) => ((after[name] ?? 0) - (before[name] ?? 0)) / requests
}
