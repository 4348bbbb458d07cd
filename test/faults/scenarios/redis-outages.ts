/** G-05, G-06 and G-09: a Redis that is killed, comes back empty, is emptied, hangs, or is slow. */

import { readFile } from 'node:fs/promises'
import type { RedisServer } from '../../store/redis/redis-server.ts'
import { lasting } from '../rig/clock.ts'
import type { FaultEnterprise } from '../rig/enterprise.ts'
import { underLoad } from '../rig/load.ts'
import { comeBackEmpty, oneRedis } from '../rig/redis.ts'
import { type TcpProxy, tcpProxy } from '../rig/tcp-proxy.ts'
import {
  atLeastOnce,
  farAhead,
  judged,
  type Notes,
  type Outcome,
  recovered,
  type Scenario,
  type ScenarioOptions,
  slowestRefusal,
} from './scenario.ts'

/** What is done to Redis; resolves when it is whole again. */
type Blow = (redis: { server: RedisServer; proxy: TcpProxy }) => Promise<void>

const blows = {
  'kill and restart': async ({ server }) => {
    await server.kill()
    await lasting(1)
    await server.start()
  },
  FLUSHALL: async ({ server }) => void (await server.ask('FLUSHALL')),
  'return empty': async ({ server }) => await comeBackEmpty(server),
  SIGSTOP: async ({ server }) => {
    server.signal('SIGSTOP')
    await lasting(2)
    server.signal('SIGCONT')
  },
  'two seconds late': async ({ proxy }) => {
    proxy.delay(2000)
    await lasting(3)
    proxy.pass()
  },
  'lost packets': async ({ proxy }) => {
    proxy.stall()
    await lasting(3)
    proxy.pass()
  },
} as const satisfies { [name: string]: Blow }

export interface Outages {
  blows: readonly (keyof typeof blows)[]
  rounds: number
  rate: number
  instances: number
}

/** Strikes under load; after each blow every instance must serve again, and at the end nothing that was spent may be good. */
export async function redisOutages(goal: string, options: ScenarioOptions, size: Outages): Promise<Outcome> {
  const { seed, bounds, progress } = options
  const redis = await oneRedis()
  const proxy = await tcpProxy(redis.server.port)
  const store = () => `redis://127.0.0.1:${proxy.port}`
  try {
    return await judged(goal, { seed, bounds, instances: size.instances, store }, async (enterprise, notes) => {
      const before = await memoryOf(enterprise)
      await underLoad(enterprise, { rate: size.rate, times: 2, ahead: farAhead }, async () => {
        for (let round = 0; round < size.rounds; round++)
          for (const name of size.blows) {
            await lasting(1 + enterprise.random.next())
            const over = enterprise.fault('store')
            await blows[name]({ server: redis.server, proxy })
            over()
            notes.tried(name)
            notes.measured('until every instance serves again, s', await recovered(enterprise), bounds.grace)
            progress(`round ${round + 1} of ${size.rounds}: ${name}`)
          }
      })
      notes.measured('slowest 503, s', slowestRefusal(enterprise.log), bounds.answer)
      notes.measured('memory beyond the start, MB', (await memoryOf(enterprise)) - before, 200)
      notes.tried('spent ID-JAGs presented again', await enterprise.presentAgain())
    })
  } finally {
    proxy.close()
    await redis.remove()
  }
}

/** G-06: after a loss, ID-JAGs of an issuer whose clock is right work again when the skew and 5 s have passed. */
export async function honestAfterLoss(options: ScenarioOptions): Promise<Outcome> {
  const { seed, bounds } = options
  const redis = await oneRedis()
  try {
    return await judged(
      'G-06',
      { seed, bounds, instances: 2, store: () => redis.address },
      async (enterprise, notes) => {
        const over = enterprise.fault('store')
        await redis.server.ask('FLUSHALL')
        over()
        await until503IsOver(enterprise, notes)
        notes.measured(
          'until an ID-JAG issued now is redeemed, s',
          await recovered(enterprise, enterprise.instances, 0),
          35,
        )
      },
    )
  } finally {
    await redis.remove()
  }
}

/** The instances find out by themselves, at the latest with the next request. */
async function until503IsOver(enterprise: FaultEnterprise, notes: Notes): Promise<void> {
  notes.measured('until every instance serves again, s', await recovered(enterprise), 10)
}

/** Resident memory of all instances, in megabytes; 0 where the system does not tell. */
async function memoryOf({ instances }: FaultEnterprise): Promise<number> {
  const sizes = await Promise.all(
    instances.map(async (instance) => {
      const status = await readFile(`/proc/${instance.pid()}/status`, 'utf8').catch(() => '')
      return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1024
    }),
  )
  return sizes.reduce((sum, size) => sum + size, 0)
}

const full = (blow: Outages['blows'], share: number): Outages => ({
  blows: blow,
  rounds: atLeastOnce(20 * share),
  rate: 100,
  instances: 3,
})

export const redisScenarios: readonly Scenario[] = [
  {
    goal: 'G-05',
    name: 'redis-restart',
    title: 'Redis is killed and restarted, 20 times, 100 ID-JAGs/s twice each',
    needsRedis: true,
    run: (options) => redisOutages('G-05', options, full(['kill and restart'], options.share)),
  },
  {
    goal: 'G-06',
    name: 'redis-empty',
    title: 'Redis is emptied, and comes back empty, 20 times each',
    needsRedis: true,
    run: (options) => redisOutages('G-06', options, full(['FLUSHALL', 'return empty'], options.share)),
  },
  {
    goal: 'G-06',
    name: 'redis-fence',
    title: 'after a loss, a new ID-JAG works within 35 s',
    needsRedis: true,
    run: honestAfterLoss,
  },
  {
    goal: 'G-09',
    name: 'redis-hang',
    title: 'Redis hangs, answers two seconds late, and loses packets, 20 times each',
    needsRedis: true,
    run: (options) =>
      redisOutages('G-09', options, full(['SIGSTOP', 'two seconds late', 'lost packets'], options.share)),
  },
]
