/** Redis as it runs in earnest: one node, three under Sentinels, or a cluster, each of real servers. */

import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Seconds } from '../../../src/protocol/ports.ts'
import { freePort, type RedisServer, redisServer } from '../../store/redis/redis-server.ts'
import { generatorNow } from './clock.ts'
import { atExit } from './leftovers.ts'

const quick = ['--repl-diskless-sync-delay', '0']

/** Servers that belong together, with the one address by which a store finds them. */
export interface RedisRig {
  readonly address: string
  readonly servers: readonly RedisServer[]
  remove(): Promise<void>
}

/** A server that does not outlive this program. */
async function newServer(...parts: Parameters<typeof redisServer>): Promise<RedisServer> {
  const server = await redisServer(...parts)
  atExit(() => server.signal('SIGKILL'))
  return server
}

/** One node with a log of its writes. */
export async function oneRedis(): Promise<RedisRig & { server: RedisServer }> {
  const server = await newServer()
  return { address: server.address, server, servers: [server], remove: () => server.remove() }
}

/** Kills a node, takes its log of writes away, and starts it again: it then knows nothing. */
export async function comeBackEmpty(server: RedisServer): Promise<void> {
  await server.kill()
  await rm(join(server.directory, 'appendonlydir'), { recursive: true, force: true })
  await server.start()
}

export interface ReplicatedRedis extends RedisRig {
  /** The one that is the primary now, by its own word. */
  primary(): Promise<RedisServer>
  /** Resolves when the primary has two replicas that have everything. */
  whole(): Promise<void>
}

/** A primary with two replicas, which reach it by another port if one is given; ready when both have everything. */
export async function replicatedRedis(portFor?: (primary: number) => Promise<number>): Promise<ReplicatedRedis> {
  const primary = await newServer(quick)
  const servers = [primary]
  try {
    for (let at = 0; at < 2; at++) {
      const port = (await portFor?.(primary.port)) ?? primary.port
      servers.push(await newServer([...quick, '--replicaof', '127.0.0.1', String(port)]))
    }
    await wholeOnce(async () => primary)
  } catch (cause) {
    await Promise.all(servers.map((server) => server.remove()))
    throw cause
  }
  const findPrimary = async () => {
    for (const server of servers)
      if ((await replicationOf(server).catch(() => '')).includes('role:master')) return server
    throw new Error('no server is a primary')
  }
  return {
    address: primary.address,
    servers,
    primary: findPrimary,
    whole: () => wholeOnce(findPrimary),
    remove: async () => void (await Promise.all(servers.map((server) => server.remove()))),
  }
}

async function wholeOnce(find: () => Promise<RedisServer>): Promise<void> {
  await until('the primary has two replicas with everything', async () => {
    const primary = await find().catch(() => undefined)
    if (primary === undefined || !/state=online.*state=online/s.test(await replicationOf(primary))) return false
    return Number(await primary.ask('WAIT', '2', '100')) === 2
  })
}

export interface WatchedRedis extends ReplicatedRedis {
  /** Resolves when the Sentinels have put another server in the place of this one. */
  replaced(server: RedisServer): Promise<RedisServer>
}

/** The same, watched by three Sentinels, which see the primary at another port if one is given. */
export async function watchedRedis(seenAt?: (primary: number) => Promise<number>): Promise<WatchedRedis> {
  let seen: number | undefined
  const port = async (primary: number) => {
    seen ??= (await seenAt?.(primary)) ?? primary
    return seen
  }
  const redis = await replicatedRedis(port)
  const watched = seen ?? 0
  const sentinels = await Promise.all(Array.from({ length: 3 }, () => sentinelFor(watched)))
  const remove = async () => {
    await Promise.all(sentinels.map((sentinel) => sentinel.remove()))
    await redis.remove()
  }
  const status = async (sentinel: RedisServer) => JSON.stringify(await sentinel.ask('INFO', 'sentinel'))
  const aware = (sentinel: RedisServer) => async () => /slaves=2,sentinels=3/.test(await status(sentinel))
  for (const sentinel of sentinels)
    await until('the Sentinels know each other', aware(sentinel)).catch(async (cause: unknown) => {
      await remove()
      throw cause
    })
  return {
    ...redis,
    address: `redis+sentinel://${sentinels.map((sentinel) => `127.0.0.1:${sentinel.port}`).join(',')}/main`,
    remove,
    async replaced(old) {
      const candidates = redis.servers.filter((server) => server !== old)
      let found: RedisServer | undefined
      await until('another primary is elected', async () => {
        for (const server of candidates)
          if ((await replicationOf(server).catch(() => '')).includes('role:master')) found = server
        return found !== undefined
      })
      return found ?? old
    },
  }
}

/** A Sentinel is a redis-server with a file of its own, which it rewrites. */
async function sentinelFor(primary: number): Promise<RedisServer> {
  return await newServer(['--sentinel'], await freePort(), [
    `sentinel monitor main 127.0.0.1 ${primary} 2`,
    'sentinel down-after-milliseconds main 1000',
    'sentinel failover-timeout main 5000',
  ])
}

export interface ClusteredRedis extends RedisRig {
  readonly primaries: readonly RedisServer[]
  /** Resolves when every node, but for one that is dead, says that every slot is served. */
  served(dead?: RedisServer): Promise<void>
}

/** Three primaries with two replicas each: with one each, no acknowledged write would have a majority. */
export async function clusteredRedis(): Promise<ClusteredRedis> {
  const settings = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '1000', ...quick]
  const servers = await Promise.all(Array.from({ length: 9 }, () => newServer(settings)))
  const primaries = servers.slice(0, 3)
  const remove = async () => void (await Promise.all(servers.map((server) => server.remove())))
  const says = async (server: RedisServer, ...command: string[]) => String(await server.ask(...command).catch(() => ''))
  const served = (dead?: RedisServer) =>
    until('every slot of the cluster is served', async () => {
      // A dead one must not be asked: the driver would wait for it.
      const asked = servers.filter((server) => server !== dead)
      const states = await Promise.all(asked.map((server) => says(server, 'CLUSTER', 'INFO')))
      return states.every((state) => state.includes('cluster_state:ok'))
    })
  try {
    for (const server of servers.slice(1)) await servers[0]?.ask('CLUSTER', 'MEET', '127.0.0.1', String(server.port))
    const bound = (at: number) => Math.ceil((at * 16_384) / 3)
    for (const [at, primary] of primaries.entries())
      await primary.ask('CLUSTER', 'ADDSLOTSRANGE', String(bound(at)), String(bound(at + 1) - 1))
    for (const server of servers)
      await until(
        'the nodes know each other',
        async () => ((await says(server, 'CLUSTER', 'NODES')).match(/ connected/g) ?? []).length >= 9,
      )
    for (const [at, replica] of servers.slice(3).entries())
      await replica.ask('CLUSTER', 'REPLICATE', String(await primaries[at % 3]?.ask('CLUSTER', 'MYID')))
    for (const primary of primaries)
      await until('the replicas are there', async () => (await replicationOf(primary)).includes('connected_slaves:2'))
    await served()
  } catch (cause) {
    await remove()
    throw cause
  }
  const address = `redis+cluster://${primaries.map(({ port }) => `127.0.0.1:${port}`).join(',')}`
  return { address, servers, primaries, served, remove }
}

async function replicationOf(server: RedisServer): Promise<string> {
  return String(await server.ask('INFO', 'replication'))
}

/**
 * Asks again until it is so; throws after half a minute, with what the last question failed of.
 *
 * A question that fails is no answer: Sentinels cut every connection to a server that they make a replica.
 */
async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const patience: Seconds = 30
  const start = generatorNow()
  for (;;) {
    let cause: unknown
    const so = await isSo().catch((failure: unknown) => {
      cause = failure
      return false
    })
    if (so) return
    if (generatorNow() - start > patience) throw new Error(`waited ${patience} s in vain: ${what}`, { cause })
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
