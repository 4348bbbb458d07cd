/** G-07: the primary dies, and Sentinels or the cluster put another in its place. */

import { generatorNow, lasting } from '../rig/clock.ts'
import { underLoad } from '../rig/load.ts'
import { clusteredRedis, watchedRedis } from '../rig/redis.ts'
import {
  atLeastOnce,
  farAhead,
  judged,
  type Outcome,
  recovered,
  type Scenario,
  type ScenarioOptions,
} from './scenario.ts'

export interface Failovers {
  failovers: number
  rate: number
  instances: number
  /** Seconds from the death of a primary until every instance serves again. */
  within: number
}

/** One primary, two replicas, three Sentinels. Each dead primary comes back as a replica before the next one dies. */
export async function sentinelFailovers(options: ScenarioOptions, size: Failovers): Promise<Outcome> {
  const { seed, bounds, progress } = options
  const redis = await watchedRedis()
  const store = () => redis.address
  try {
    return await judged('G-07', { seed, bounds, instances: size.instances, store }, async (enterprise, notes) => {
      await underLoad(enterprise, { rate: size.rate, times: 2, ahead: farAhead }, async () => {
        for (let at = 0; at < size.failovers; at++) {
          await lasting(1 + enterprise.random.next())
          const primary = await redis.primary()
          const died = generatorNow()
          const over = enterprise.fault('store')
          await primary.kill()
          await redis.replaced(primary)
          over()
          await recovered(enterprise)
          notes.tried('failovers')
          notes.measured('from the death of the primary to service, s', generatorNow() - died, size.within)
          // A replica that was away and returns may hold the others up for a moment.
          const back = enterprise.fault('store')
          await primary.start()
          await redis.whole()
          back()
          progress(`${at + 1} of ${size.failovers} failovers`)
        }
      })
      notes.tried('spent ID-JAGs presented again', await enterprise.presentAgain())
    })
  } finally {
    await redis.remove()
  }
}

/** A cluster loses one of its primaries; each serves its part of the keys, so some ID-JAGs are not touched by it. */
export async function clusterLosesNode(options: ScenarioOptions, size: Failovers): Promise<Outcome> {
  const { seed, bounds, progress } = options
  const redis = await clusteredRedis()
  progress('nine nodes are up')
  const store = () => redis.address
  try {
    return await judged('G-07', { seed, bounds, instances: size.instances, store }, async (enterprise, notes) => {
      await underLoad(enterprise, { rate: size.rate, times: 2, ahead: farAhead }, async () => {
        await lasting(2)
        const victim = enterprise.random.pick(redis.primaries)
        const died = generatorNow()
        const over = enterprise.fault('store')
        await victim.kill()
        // The others notice after a second at the earliest, and say until then that all is well.
        await lasting(1.5)
        await redis.served(victim)
        progress('every slot is served again')
        // A single ID-JAG may belong to a node that never was away.
        for (let right = 0; right < 20; right++) await recovered(enterprise)
        over()
        notes.tried('nodes lost')
        notes.measured('from the death of the primary to service, s', generatorNow() - died, size.within)
        await lasting(1)
      })
      notes.tried('spent ID-JAGs presented again', await enterprise.presentAgain())
    })
  } finally {
    await redis.remove()
  }
}

export const failovers: readonly Scenario[] = [
  {
    goal: 'G-07',
    name: 'sentinel',
    title: 'the primary dies under three Sentinels, 20 times, 100 ID-JAGs/s twice each',
    needsRedis: true,
    run: (options) =>
      sentinelFailovers(options, { failovers: atLeastOnce(20 * options.share), rate: 100, instances: 3, within: 5 }),
  },
  {
    goal: 'G-07',
    name: 'cluster',
    title: 'a cluster of three primaries with two replicas each loses a primary',
    needsRedis: true,
    run: (options) => clusterLosesNode(options, { failovers: 1, rate: 50, instances: 3, within: 20 }),
  },
]
