/** How much room the memory of single use takes when a busy hour fills it. */

import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onceKey } from '../../src/protocol/ports.ts'
import { systemId, systemNow } from '../../src/server/ports.ts'
import { skew } from '../../src/server/surroundings.ts'
import { lmdbStore } from '../../src/store/lmdb.ts'
import type { Store } from '../../src/store/store.ts'
import { oneRedis } from '../../test/faults/rig/redis.ts'
import { openRedis } from '../../test/store/redis/open-redis.ts'
import { patiently } from './patience.ts'
import { portion, type Row, type Subject, withoutRedis } from './subject.ts'

/** 500 redemptions a second, each remembered for 630 s: the longest life of an ID-JAG and what the clocks may be apart. */
const fullCount = 315_000
const boundInRedis = 64_000_000

export const entries: Subject = {
  name: 'entries',
  title: 'Room for spent ID-JAGs',
  method: `${fullCount} ids (500 a second, each of use for 630 s) are spent by the store's own call, 500 at once, and all of them are live at the end. Redis: the difference of used_memory; bound: ${boundInRedis / 1e6} MB. LMDB: the files of its directory.`,
  async run(effort) {
    const count = portion(fullCount, effort, 1000)
    effort.progress(`${count} in LMDB`)
    const rows = [await roomInLmdb(count)]
    if (!effort.redis) return { rows: [...rows, withoutRedis('redis')], broken: [] }
    effort.progress(`${count} in Redis`)
    const redis = await roomInRedis(count)
    const room = redis.figures.room?.value ?? Number.NaN
    const holds = room <= boundInRedis / 1e6
    const broken = holds ? [] : [`${count} live entries take ${room} MB in Redis and may take ${boundInRedis / 1e6}`]
    return { rows: [...rows, redis], broken }
  },
}

async function roomInLmdb(count: number): Promise<Row> {
  const folder = await mkdtemp(join(tmpdir(), 'xaa-bench-'))
  const directory = join(folder, 'state')
  const store = await lmdbStore({ directory, now: systemNow, skew })
  try {
    const before = await sizeOf(directory)
    const seconds = await fill(store, count)
    return rowOf('lmdb', (await sizeOf(directory)) - before, count, seconds)
  } finally {
    await store.close()
    await rm(folder, { recursive: true, force: true })
  }
}

async function roomInRedis(count: number): Promise<Row> {
  const { server: redis } = await oneRedis()
  try {
    const store = await patiently(() => openRedis(redis.address))
    const usedMemory = async () => Number(/used_memory:(\d+)/.exec(String(await redis.ask('INFO', 'memory')))?.[1])
    const before = await usedMemory()
    const seconds = await fill(store, count)
    const room = (await usedMemory()) - before
    await store.close()
    return rowOf('redis', room, count, seconds)
  } finally {
    await redis.remove()
  }
}

/** Spends new ids as the server does, and gives how long it took, in seconds. Throws when the store does not take one. */
async function fill(store: Store, count: number): Promise<number> {
  const start = performance.now()
  let left = count
  const spendSome = async () => {
    while (left-- > 0) {
      const key = onceKey('id-jag', 'https://id.acme.example', null, systemId())
      // An answer that came too late leaves an id that is spent already.
      await patiently(
        async () => await store.once(JSON.stringify(['https://auth.chat.example', key]), systemNow() + 630),
      )
    }
  }
  await Promise.all(Array.from({ length: 500 }, spendSome))
  return (performance.now() - start) / 1000
}

async function sizeOf(directory: string): Promise<number> {
  const sizes = await Promise.all(
    (await readdir(directory)).map(async (name) => (await stat(join(directory, name))).size),
  )
  return sizes.reduce((sum, size) => sum + size, 0)
}

function rowOf(name: string, bytes: number, count: number, seconds: number): Row {
  return {
    name,
    figures: {
      entries: { value: count, unit: '' },
      room: { value: bytes / 1e6, unit: 'MB' },
      each: { value: bytes / count, unit: 'B' },
      spent: { value: count / seconds, unit: '/s' },
    },
  }
}
