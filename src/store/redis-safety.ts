/** Whether a Redis can keep the promise of single use: its version, role, memory policy, persistence, replicas and clock. */

import type { Seconds } from '../protocol/ports.ts'
import type { RedisPrimary } from './redis-primary.ts'
import { StoreUnsafeError } from './store.ts'

/** How far a clock may be from the one of Redis. Records live so much longer, and beyond it nothing is accepted. */
export const clockTolerance: Seconds = 30

/** What was found. */
export interface RedisFacts {
  replicas: number
  /** True when a restart of the server loses nothing that it ever acknowledged. */
  keepsEverything: boolean
}

/**
 * Asks one primary. Throws {@link StoreUnsafeError} with the setting and the remedy for the first thing that is wrong; errors of
 * the connection pass. `mayElect` is true where Sentinels or a cluster choose a new primary; `seen` is how many replicas it had before.
 */
export async function checkSafety(primary: RedisPrimary, mayElect: boolean, seen: number): Promise<RedisFacts> {
  const info = await infoOf(primary)
  const version = info.get('redis_version') ?? ''
  if (!(Number.parseInt(version, 10) >= 7)) throw unsafe(`Redis is version ${version || 'unknown'}`, 'Use 7.0 or newer')
  if (info.get('role') !== 'master')
    throw unsafe('the address leads to a replica', 'Name the primary, or use redis+sentinel:// to follow it')
  const config = await configOf(primary, ['maxmemory-policy', 'appendonly', 'appendfsync'])
  const policy = config.get('maxmemory-policy')
  if (policy !== 'noeviction')
    throw unsafe(
      `Redis forgets keys when its memory is full (maxmemory-policy ${policy})`,
      'Run CONFIG SET maxmemory-policy noeviction, and set it in redis.conf',
    )
  const appends = config.get('appendonly') === 'yes'
  if (!appends || config.get('appendfsync') === 'no')
    throw unsafe(
      appends
        ? 'Redis leaves it to the system when it writes (appendfsync no)'
        : 'Redis keeps no log of writes (appendonly no)',
      'Run CONFIG SET appendonly yes and CONFIG SET appendfsync everysec, and set both in redis.conf',
    )
  const replicas = Number(info.get('connected_slaves') ?? 0)
  // Of two nodes no one is a majority without the other: a failover could bring back a node that lacks acknowledged writes.
  // Replicas that are away for a while are the business of WAIT.
  if (seen >= 2) return { replicas, keepsEverything: false }
  if (replicas === 1)
    throw unsafe(
      'Redis has one replica, and two nodes have no majority',
      'Add a second replica, or use one node without',
    )
  if (mayElect && replicas === 0)
    throw unsafe(
      'the primary has no replica that is connected',
      'Connect two replicas to it, or use redis:// for one node',
    )
  return { replicas, keepsEverything: !mayElect && replicas === 0 && config.get('appendfsync') === 'always' }
}

/** How many replicas make a majority with the primary: 0 of one node, 1 of three, 2 of five. */
export function copiesForMajority(replicas: number): number {
  return Math.floor((replicas + 1) / 2)
}

/** How far the clock of Redis is ahead of ours. */
export async function clockDifference(primary: RedisPrimary, now: () => Seconds): Promise<Seconds> {
  const before = now()
  const answer = await primary.send(['TIME'])
  const [seconds, microseconds] = Array.isArray(answer) ? answer.map(Number) : []
  return (seconds ?? 0) + (microseconds ?? 0) / 1e6 - (before + now()) / 2
}

async function infoOf(primary: RedisPrimary): Promise<Map<string, string>> {
  const text = String(await primary.send(['INFO', 'server', 'replication']))
  return new Map([...text.matchAll(/^([a-z_0-9]+):([^\r\n]*)\r?$/gm)].map(([, name = '', value = '']) => [name, value]))
}

async function configOf(primary: RedisPrimary, names: readonly string[]): Promise<Map<string, string>> {
  const answer = await primary.send(['CONFIG', 'GET', ...names])
  // RESP3 answers with a map, RESP2 with names and values in turn.
  if (Array.isArray(answer)) {
    const texts = answer.map(String)
    return new Map(names.map((name) => [name, texts[texts.indexOf(name) + 1] ?? '']))
  }
  return new Map(Object.entries(answer ?? {}).map(([name, value]) => [name, String(value)]))
}

function unsafe(fact: string, remedy: string): StoreUnsafeError {
  return new StoreUnsafeError(`store: ${fact}. ${remedy}.`)
}
