import type { ChildProcess } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import type { Store } from '../../../src/store/store.ts'
import { expectNoneForgotten, expectOneWinner, racer } from '../processes.ts'
import { lossyProxy } from './lossy-proxy.ts'
import { openPatiently, openRedis } from './open-redis.ts'
import { freePort, type RedisServer, redisServer } from './redis-server.ts'

const servers: RedisServer[] = []
const stores: Store[] = []
const children: ChildProcess[] = []
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  await Promise.all(stores.splice(0).map((store) => store.close()))
  await Promise.all(servers.splice(0).map((server) => server.remove()))
})

async function newServer(settings: string[] = []): Promise<RedisServer> {
  const server = await redisServer(settings)
  servers.push(server)
  return server
}

async function opened(address: string, change: Parameters<typeof openRedis>[1] = {}): Promise<Store> {
  const store = await openPatiently(address, change)
  stores.push(store)
  return store
}

/** Milliseconds, ten times what is promised: a busy machine is no fault, and `npm run faults` holds the promise itself. */
const refusal = 5000

const now = () => Date.now() / 1000
const later = () => now() + 600

/** What once answers, and how long it took. */
async function timed(store: Store, key: string) {
  const from = performance.now()
  const answer = await Promise.resolve(store.once(key, later())).catch(({ name }: Error) => name)
  return { answer, ms: performance.now() - from }
}

/** Resolves when an id can be spent again, which it must be by itself. How soon, `npm run faults` measures. */
async function recovered(store: Store): Promise<void> {
  let tried = 0
  await expect
    .poll(() => Promise.resolve(store.once(`recovered-${tried++}`, later())).catch(({ name }: Error) => name), {
      timeout: 20_000,
    })
    .toBe(true)
}

describe('a Redis that cannot keep the promise', () => {
  it.each([
    ['forgets keys when its memory is full', ['--maxmemory-policy', 'allkeys-lru'], 'noeviction'],
    ['keeps no log', ['--appendonly', 'no'], 'CONFIG SET appendonly yes'],
    ['lets the system choose when it writes', ['--appendfsync', 'no'], 'appendfsync everysec'],
  ])('[ATK-126] is refused at start when it %s', async (_, settings, remedy) => {
    const server = await newServer(settings)
    const refused = await openRedis(server.address).catch((error: Error) => error)
    expect(refused).toMatchObject({ name: 'StoreUnsafeError' })
    expect((refused as Error).message).toContain(remedy)
  })

  it('[ATK-126] is found while it runs, refused, and taken again when it was set right', async () => {
    const server = await newServer()
    const store = await opened(server.address)
    await server.ask('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru')
    await expect(store.check()).rejects.toMatchObject({ name: 'StoreUnsafeError' })
    expect(await timed(store, 'a')).toMatchObject({ answer: 'StoreUnsafeError' })
    await server.ask('CONFIG', 'SET', 'maxmemory-policy', 'noeviction')
    await recovered(store)
  })

  it('[ATK-126] is refused with one replica, alone and as the address of a replica', async () => {
    const primary = await newServer()
    const replica = await newServer(['--replicaof', '127.0.0.1', String(primary.port)])
    await expect.poll(async () => String(await primary.ask('INFO', 'replication'))).toContain('connected_slaves:1')
    await expect(openRedis(primary.address)).rejects.toThrow('two nodes have no majority')
    await expect(openRedis(replica.address)).rejects.toThrow('the address leads to a replica')
  })

  it('is said to be not there, without its password', async () => {
    const address = `redis://user:hunter2@127.0.0.1:${await freePort()}`
    const refused = (await openRedis(address).catch((error: Error) => error)) as Error
    expect(refused).toMatchObject({ name: 'StoreUnavailableError' })
    expect(refused.message).toMatch(/^store: redis:\/\/127\.0\.0\.1:\d+ cannot be used: ECONNREFUSED/)
  })

  it('[ATK-055] is refused while the clocks are more than 30 s apart', async () => {
    const server = await newServer()
    await expect(openRedis(server.address, { now: () => now() + 31 })).rejects.toThrow('apart. Set both by NTP')
    let off = 25
    const store = await opened(server.address, { now: () => now() + off })
    expect(await store.once('a', later() + off)).toBe(true)
    off = -40
    await expect(store.check()).rejects.toThrow('apart. Set both by NTP')
    await expect(async () => await store.once('b', later())).rejects.toMatchObject({ name: 'StoreUnavailableError' })
  })
})

describe('a Redis that loses its memory', () => {
  it('raises the fence when it was emptied, and spends nothing before', async () => {
    const server = await newServer()
    const store = await opened(server.address)
    const other = await opened(server.address)
    const before = store.fence()
    expect(await store.once('a', later())).toBe(true)
    await server.ask('FLUSHALL')
    const at = now()
    // The caller asked for the fence before it rose.
    await expect(async () => await store.once('a', later())).rejects.toMatchObject({ name: 'StoreUnavailableError' })
    expect(store.fence()).toBeGreaterThanOrEqual(at + 30)
    expect(store.fence()).toBeGreaterThan(before)
    await expect(async () => await other.once('a', later())).rejects.toMatchObject({ name: 'StoreUnavailableError' })
    expect(other.fence()).toBe(store.fence())
    expect(await other.once('b', later())).toBe(true)
  })

  it('raises the fence when it came back empty', async () => {
    const server = await newServer()
    const store = await opened(server.address)
    expect(await store.once('a', later())).toBe(true)
    await server.kill()
    await rm(join(server.directory, 'appendonlydir'), { recursive: true })
    const at = now()
    await server.start()
    await recovered(store)
    expect(store.fence()).toBeGreaterThanOrEqual(at + 30)
  })

  it('raises it after a restart too, unless it writes each command to the disk before it answers', async () => {
    for (const [fsync, rises] of [
      ['everysec', true],
      ['always', false],
    ] as const) {
      const server = await newServer(['--appendfsync', fsync])
      const store = await opened(server.address)
      const before = store.fence()
      expect(await store.once('a', later())).toBe(true)
      await server.kill()
      await server.start()
      await recovered(store)
      expect(store.fence() > before).toBe(rises)
      expect(await store.once('a', later())).toBe(false)
    }
  })
})

describe('a Redis in trouble', () => {
  it('[ATK-125] that is killed is refused at once, and taken again by itself when it is back', async () => {
    const server = await newServer()
    const store = await opened(server.address)
    await server.kill()
    for (let at = 0; at < 3; at++) {
      const { answer, ms } = await timed(store, `down-${at}`)
      expect(answer).toBe('StoreUnavailableError')
      expect(ms).toBeLessThan(refusal)
    }
    await server.start()
    await recovered(store)
  })

  it('[ATK-125] that hangs is refused in time, with no more than 1 000 calls waiting, and taken again', async () => {
    const server = await newServer()
    const store = await opened(server.address)
    server.signal('SIGSTOP')
    const answers = await Promise.all(Array.from({ length: 1500 }, (_, at) => timed(store, `hung-${at}`)))
    expect(answers.filter(({ answer }) => answer !== 'StoreUnavailableError')).toEqual([])
    const slowest = Math.max(...answers.map(({ ms }) => ms))
    expect(slowest).toBeLessThan(refusal)
    // Those for whom there was no place did not wait.
    expect(answers.filter(({ ms }) => ms < slowest / 2).length).toBeGreaterThanOrEqual(500)
    server.signal('SIGCONT')
    await recovered(store)
  })

  it('[ATK-126] that is full says so, and forgets nothing', async () => {
    const server = await newServer()
    const store = await opened(server.address)
    expect(await store.once('first', later())).toBe(true)
    await server.ask('CONFIG', 'SET', 'maxmemory', '1')
    await expect(async () => await store.once('more', later())).rejects.toMatchObject({ name: 'StoreFullError' })
    await server.ask('CONFIG', 'SET', 'maxmemory', '0')
    expect(await store.once('more', later())).toBe(true)
    expect(await store.once('first', later())).toBe(false)
  })

  it('[ATK-060] takes an honest request as the first when the answer to its write was lost, and no other', async () => {
    const server = await newServer()
    const proxy = await lossyProxy(server.port)
    const store = await opened(proxy.address)
    for (let round = 1; round <= 5; round++) {
      proxy.loseNextAnswer()
      expect(await store.once(`cut-${round}`, later())).toBe(true)
      expect(proxy.lost()).toBe(round)
      expect(await store.once(`cut-${round}`, later())).toBe(false)
    }
    proxy.close()
  })

  it('lets one of several processes win each id, and forgets none when one of them is killed', async () => {
    const server = await newServer()
    for (let at = 0; at < 3; at++) children.push(await racer(server.address))
    for (let round = 0; round < 5; round++)
      await expectOneWinner(
        children,
        Array.from({ length: 200 }, (_, at) => `race-${round}-${at}`),
      )
    const [victim] = children
    if (victim === undefined) throw new Error('no process')
    await expectNoneForgotten(victim, 'killed', () => openRedis(server.address))
  })
})
