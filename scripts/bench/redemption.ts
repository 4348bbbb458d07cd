/** What a redemption costs with each store, without and with the audit file. */

import { oneRedis } from '../../test/faults/rig/redis.ts'
import type { RedisServer } from '../../test/store/redis/redis-server.ts'
import { type BenchEnterprise, benchEnterprise, people } from './enterprise.ts'
import { send } from './generator.ts'
import type { MeasuredServer } from './measured-server.ts'
import { median, medianRatio, quantile } from './statistics.ts'
import { type Effort, type Figure, portion, type Row, type Subject, withoutRedis } from './subject.ts'

const stores = ['memory', 'lmdb', 'redis'] as const
const loads = [32, 1] as const

/** A server under measurement, with what was seen of it in each round. */
interface Target {
  store: (typeof stores)[number]
  audit: 'on' | 'off'
  server: MeasuredServer
  /** Processor time of the Redis behind it, in microseconds. */
  redisTime(): Promise<number>
  rounds: { [atOnce in (typeof loads)[number]]: Round[] }
}

/** Of one round; times are for each request. */
interface Round {
  /** Microseconds. */
  cpu: number
  redisCpu: number
  perSecond: number
  /** Milliseconds. */
  p50: number
  p99: number
  unavailable: number
}

export const redemption: Subject = {
  name: 'redemption',
  title: 'What a redemption costs',
  method:
    'Servers as of xaa serve, each in a process of its own, all alive at once and loaded in turn, forwards and backwards; loopback HTTP with keep-alive, client_secret_basic, ES256, status lists. CPU is of the server alone; × is to memory without an audit, or to the same store without one, in the same round; each figure is the median of the rounds.',
  async run(effort) {
    const redis = effort.redis ? (await oneRedis()).server : undefined
    const enterprise = await benchEnterprise()
    try {
      const targets = await openTargets(enterprise, redis, effort)
      const rounds = portion(7, effort, 2)
      for (let round = 0; round < rounds; round++) {
        effort.progress(`round ${round + 1} of ${rounds}`)
        for (const target of round % 2 === 0 ? targets : targets.toReversed())
          await measureRound(target, enterprise, effort)
      }
      return { rows: loads.flatMap((atOnce) => rowsOf(targets, atOnce)), broken: [] }
    } finally {
      await enterprise.close()
      await redis?.remove()
    }
  },
}

async function openTargets(
  enterprise: BenchEnterprise,
  redis: RedisServer | undefined,
  effort: Effort,
): Promise<Target[]> {
  const open = async (store: Target['store'], audit: Target['audit']): Promise<Target> => {
    // Two databases of one Redis: what is spent in one says nothing about the other.
    const address = store === 'redis' ? `${redis?.address}/${audit === 'on' ? 1 : 0}` : store
    const server = await enterprise.open({ name: `${store}-${audit}`, store: address, audit })
    const redisTime = async () => (store === 'redis' && redis !== undefined ? await processorTimeOf(redis) : 0)
    return { store, audit, server, redisTime, rounds: { 1: [], 32: [] } }
  }
  const present = stores.filter((store) => store !== 'redis' || redis !== undefined)
  const targets: Target[] = []
  for (const store of present) for (const audit of ['off', 'on'] as const) targets.push(await open(store, audit))
  // Until everybody has been there once, and the code is compiled.
  const warmUp = portion(2000, effort, 2 * people)
  for (const { server } of targets)
    await send({ port: server.port, requests: await enterprise.requests(warmUp), atOnce: 8 })
  return targets
}

async function measureRound({ server, redisTime, rounds }: Target, enterprise: BenchEnterprise, effort: Effort) {
  for (const atOnce of loads) {
    const requests = await enterprise.requests(portion(atOnce === 1 ? 200 : 1200, effort, 40))
    const [cpu, redisCpu] = [await server.processorTime(), await redisTime()]
    const { seconds, latencies, unavailable } = await send({ port: server.port, requests, atOnce })
    const each = (used: number, before: number) => (used - before) / requests.length
    rounds[atOnce].push({
      cpu: each(await server.processorTime(), cpu),
      redisCpu: each(await redisTime(), redisCpu),
      perSecond: requests.length / seconds,
      p50: quantile(latencies, 0.5),
      p99: quantile(latencies, 0.99),
      unavailable,
    })
  }
}

/** INFO gives seconds with six digits after the point. */
async function processorTimeOf(redis: RedisServer): Promise<number> {
  const info = String(await redis.ask('INFO', 'cpu'))
  const [user, system] = ['user', 'sys'].map((kind) => Number(new RegExp(`used_cpu_${kind}:([\\d.]+)`).exec(info)?.[1]))
  return ((user ?? Number.NaN) + (system ?? Number.NaN)) * 1e6
}

function rowsOf(targets: readonly Target[], atOnce: (typeof loads)[number]): Row[] {
  const roundsOf = (store: string, audit: string) =>
    targets.find((target) => target.store === store && target.audit === audit)?.rounds[atOnce] ?? []
  const how = atOnce === 1 ? 'one at a time' : `${atOnce} at once`
  return stores.flatMap((store) =>
    (['off', 'on'] as const).map((audit): Row => {
      const name = `${how}: ${store}, ${audit === 'on' ? 'audit file' : 'no audit'}`
      const rounds = roundsOf(store, audit)
      if (rounds.length === 0) return withoutRedis(name)
      const plain = audit === 'on' ? roundsOf(store, 'off') : undefined
      return { name, figures: figuresOf(rounds, roundsOf('memory', 'off'), plain) }
    }),
  )
}

function figuresOf(
  rounds: readonly Round[],
  base: readonly Round[],
  plain: readonly Round[] | undefined,
): Row['figures'] {
  const values = (of: readonly Round[], member: keyof Round) => of.map((round) => round[member])
  const figure = (member: keyof Round, unit: Figure['unit']): Figure => ({
    value: median(values(rounds, member)),
    unit,
  })
  const ratio = (member: keyof Round, to: readonly Round[]): Figure => ({
    value: medianRatio(values(rounds, member), values(to, member)),
    unit: '×',
  })
  const late = values(rounds, 'unavailable').reduce((sum, one) => sum + one, 0)
  return {
    CPU: ratio('cpu', base),
    throughput: ratio('perSecond', base),
    ...(plain === undefined
      ? {}
      : { 'CPU to no audit': ratio('cpu', plain), 'throughput to no audit': ratio('perSecond', plain) }),
    'CPU each': figure('cpu', 'µs'),
    ...(median(values(rounds, 'redisCpu')) > 0 ? { 'Redis CPU each': figure('redisCpu', 'µs') } : {}),
    redemptions: figure('perSecond', '/s'),
    p50: figure('p50', 'ms'),
    p99: figure('p99', 'ms'),
    ...(late > 0 ? { 'answers 503': { value: late, unit: '' } } : {}),
  }
}
