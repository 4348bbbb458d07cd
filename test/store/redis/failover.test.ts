import { afterEach, describe, expect, it } from 'vitest'
import type { Store } from '../../../src/store/store.ts'
import { openPatiently, openRedis } from './open-redis.ts'
import { freePort, type RedisServer, redisServer } from './redis-server.ts'

const servers: RedisServer[] = []
const stores: Store[] = []
afterEach(async () => {
  await Promise.all(stores.splice(0).map((store) => store.close()))
  await Promise.all(servers.splice(0).map((server) => server.remove()))
})

async function newServer(settings: string[] = [], port?: number): Promise<RedisServer> {
  const server = await redisServer(settings, port)
  servers.push(server)
  return server
}

async function opened(address: string): Promise<Store> {
  const store = await openPatiently(address)
  stores.push(store)
  return store
}

const later = () => Date.now() / 1000 + 600
const info = async (server: RedisServer) => String(await server.ask('INFO', 'replication'))

/** Resolves when an id can be spent again, which it must be by itself. How soon, `npm run faults` measures. */
async function recovered(store: Store): Promise<void> {
  let tried = 0
  await expect
    .poll(() => Promise.resolve(store.once(`recovered-${tried++}`, later())).catch(({ name }: Error) => name), {
      timeout: 20_000,
    })
    .toBe(true)
}

/**
 * How often each key was given out when all of the stores asked for all of them at once, each until it had an answer: a slow machine
 * leaves some without one in time, and such a key may be spent by then.
 */
async function givenOut(keys: readonly string[], ...askers: Store[]): Promise<number[]> {
  const answer = async (store: Store, key: string): Promise<number> => {
    for (;;) {
      const given = await Promise.resolve(store.once(key, later())).catch((error: Error) => error)
      if (typeof given === 'boolean') return given ? 1 : 0
      expect(given.name).toBe('StoreUnavailableError')
    }
  }
  return await Promise.all(keys.map(async (key) => sum(await Promise.all(askers.map((store) => answer(store, key))))))
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0)
}

async function primaryWithReplicas(): Promise<[RedisServer, RedisServer, RedisServer]> {
  const quick = ['--repl-diskless-sync-delay', '0']
  const primary = await newServer(quick)
  const replicaOf = ['--replicaof', '127.0.0.1', String(primary.port)]
  const replicas = [await newServer([...quick, ...replicaOf]), await newServer([...quick, ...replicaOf])] as const
  for (const replica of replicas)
    await expect.poll(() => info(replica), { timeout: 10_000 }).toContain('master_link_status:up')
  // A primary counts what a replica has only from its first report on.
  await expect.poll(async () => Number(await primary.ask('WAIT', '2', '100')), { timeout: 10_000 }).toBe(2)
  await expect.poll(() => info(primary), { timeout: 10_000 }).toMatch(/state=online.*state=online/s)
  return [primary, ...replicas]
}

describe('a primary with two replicas', () => {
  it('spends only what a majority has', async () => {
    const [primary, one, two] = await primaryWithReplicas()
    const store = await opened(primary.address)
    const keys = Array.from({ length: 50 }, (_, at) => `a-${at}`)
    const given = await givenOut(keys, store, store)
    expect(Math.max(...given)).toBe(1)
    expect(sum(await givenOut(keys, store))).toBe(0)
    await one.kill()
    await recovered(store)
    await two.kill()
    await expect(async () => await store.once('none is left', later())).rejects.toMatchObject({
      name: 'StoreUnavailableError',
    })
    await two.start()
    await expect.poll(() => info(two), { timeout: 10_000 }).toContain('master_link_status:up')
    await recovered(store)
  })
})

describe('a primary that Sentinels watch', () => {
  it('[ATK-125] is followed when they elect another, with the fence raised and nothing spent twice', async () => {
    const [primary] = await primaryWithReplicas()
    const sentinels = await Promise.all(Array.from({ length: 3 }, () => sentinelFor(primary.port)))
    const knows = async (sentinel: RedisServer) =>
      String(await sentinel.ask('SENTINEL', 'CKQUORUM', 'main').catch(String)) +
      JSON.stringify(await sentinel.ask('INFO', 'sentinel'))
    for (const sentinel of sentinels)
      await expect.poll(() => knows(sentinel), { timeout: 15_000 }).toMatch(/OK 3 usable.*slaves=2,sentinels=3/s)
    const hosts = sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',')
    const store = await opened(`redis+sentinel://${hosts}/main`)
    const keys = Array.from({ length: 50 }, (_, at) => `spent-${at}`)
    expect(Math.max(...(await givenOut(keys, store)))).toBe(1)
    const before = store.fence()
    await primary.kill()
    await expect(async () => await store.once('meanwhile', later())).rejects.toMatchObject({
      name: 'StoreUnavailableError',
    })
    await recovered(store)
    expect(store.fence()).toBeGreaterThan(before)
    expect(sum(await givenOut(keys, store))).toBe(0)
  }, 60_000)

  it('is not used without a name that they know', async () => {
    const primary = await newServer()
    const sentinel = await sentinelFor(primary.port)
    await expect(openRedis(`redis+sentinel://127.0.0.1:${sentinel.port}/other`)).rejects.toMatchObject({
      name: 'StoreUnavailableError',
    })
  })
})

/** A Sentinel is a redis-server with a file of its own, which it rewrites. */
async function sentinelFor(primaryPort: number): Promise<RedisServer> {
  const sentinel = await redisServer(['--sentinel'], await freePort(), [
    `sentinel monitor main 127.0.0.1 ${primaryPort} 2`,
    'sentinel down-after-milliseconds main 1000',
    'sentinel failover-timeout main 5000',
  ])
  servers.push(sentinel)
  return sentinel
}

describe('a cluster', () => {
  it('spends each id once, whichever node it belongs to, and raises the fence where a node was replaced', async () => {
    const nodes = await Promise.all(
      Array.from({ length: 9 }, () =>
        newServer(['--cluster-enabled', 'yes', '--cluster-node-timeout', '1000', '--repl-diskless-sync-delay', '0']),
      ),
    )
    const [first, ...rest] = nodes
    if (first === undefined) throw new Error('no node')
    for (const node of rest) await first.ask('CLUSTER', 'MEET', '127.0.0.1', String(node.port))
    const primaries = nodes.slice(0, 3)
    for (const [at, node] of primaries.entries())
      await node.ask(
        'CLUSTER',
        'ADDSLOTSRANGE',
        String(Math.ceil((at * 16_384) / 3)),
        String(Math.ceil(((at + 1) * 16_384) / 3) - 1),
      )
    const known = async (node: RedisServer) =>
      String(await node.ask('CLUSTER', 'NODES'))
        .split('\n')
        .filter((line) => line.includes('connected')).length
    for (const node of nodes) await expect.poll(() => known(node), { timeout: 15_000 }).toBe(9)
    for (const [at, replica] of nodes.slice(3).entries())
      await replica.ask('CLUSTER', 'REPLICATE', String(await primaries[at % 3]?.ask('CLUSTER', 'MYID')))
    for (const node of primaries)
      await expect.poll(() => info(node), { timeout: 15_000 }).toContain('connected_slaves:2')
    for (const node of nodes)
      await expect
        .poll(async () => String(await node.ask('CLUSTER', 'INFO')), { timeout: 15_000 })
        .toContain('cluster_state:ok')

    const address = `redis+cluster://${nodes
      .slice(0, 3)
      .map(({ port }) => `127.0.0.1:${port}`)
      .join(',')}`
    const [store, other] = [await opened(address), await opened(address)]
    const keys = Array.from({ length: 200 }, (_, at) => `key-${at}`)
    expect(Math.max(...(await givenOut(keys, store, other)))).toBe(1)
    expect(sum(await givenOut(keys, store, other))).toBe(0)
    expect(await store.records.change([{ kind: 'a', id: 'b', expected: 0, value: {} }])).toBe(1)
    expect(await other.count('c', 60)).toMatchObject({ count: 1 })

    const before = store.fence()
    await primaries[0]?.kill()
    const all = () =>
      Promise.all(keys.map((key) => Promise.resolve(store.once(key, later())).catch(({ name }: Error) => name)))
    expect(await all()).not.toContain(true)
    await expect.poll(async () => new Set(await all()), { timeout: 20_000 }).toEqual(new Set([false]))
    expect(store.fence()).toBeGreaterThan(before)
  }, 90_000)
})
