import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeStore, type Subject } from '../contract.ts'
import { openPatiently } from './open-redis.ts'
import { type RedisServer, redisServer } from './redis-server.ts'

let server: RedisServer
beforeAll(async () => {
  server = await redisServer()
})
afterAll(() => server.remove())

async function redis(): Promise<Subject> {
  const now = () => Date.now() / 1000
  const stores = await Promise.all([
    openPatiently(server.address),
    openPatiently(server.address),
    openPatiently(server.address),
  ])
  const [store, ...others] = stores
  return { store, others, now, close: async () => void (await Promise.all(stores.map((one) => one.close()))) }
}

describe('the Redis store', () => {
  describeStore(redis, false)

  it('[ATK-061] keeps a record until the slowest clock that may be in service has passed its end', async () => {
    const store = await openPatiently(server.address)
    const behind = await openPatiently(server.address, { now: () => Date.now() / 1000 - 25 })
    const before = new Set((await server.ask('KEYS', '*')) as string[])
    const until = Date.now() / 1000 + 60
    expect(await store.once('long', until)).toBe(true)
    expect(await behind.once('longer', until)).toBe(true)
    const added = ((await server.ask('KEYS', '*')) as string[]).filter((key) => !before.has(key))
    expect(added).toHaveLength(2)
    for (const key of added) {
      const life = Number(await server.ask('PTTL', key)) / 1000
      expect(life).toBeGreaterThan(until - Date.now() / 1000 + 29)
      expect(life).toBeLessThan(until - Date.now() / 1000 + 32)
    }
    await Promise.all([store.close(), behind.close()])
  })

  it('needs 180 bytes for a spent id, or not much more', async () => {
    const store = await openPatiently(server.address)
    const used = async () => Number(/used_memory:(\d+)/.exec(String(await server.ask('INFO', 'memory')))?.[1])
    const until = Date.now() / 1000 + 600
    const spend = async (from: number) => {
      for (let round = 0; round < 20; round++)
        await Promise.all(Array.from({ length: 500 }, (_, at) => store.once(`${from}-${round}-${at}`, until)))
    }
    await spend(0)
    const before = await used()
    await spend(1)
    // 315 000 of them in 64 MB would be 213.
    expect(((await used()) - before) / 10_000).toBeLessThan(213)
    await store.close()
  })
})
