/** G-08: the network is cut between primary and replicas, between an instance and Redis, and so that there are two primaries. */

import { lasting } from '../rig/clock.ts'
import type { FaultEnterprise } from '../rig/enterprise.ts'
import { underLoad } from '../rig/load.ts'
import { replicatedRedis, watchedRedis } from '../rig/redis.ts'
import { type TcpProxy, tcpProxy } from '../rig/tcp-proxy.ts'
import {
  farAhead,
  judged,
  type Notes,
  type Outcome,
  recovered,
  type Scenario,
  type ScenarioOptions,
} from './scenario.ts'

/** Proxies that are made while servers start, and closed together. */
function proxies() {
  const made: TcpProxy[] = []
  return {
    made,
    async before(port: number): Promise<number> {
      const proxy = await tcpProxy(port)
      made.push(proxy)
      return proxy.port
    },
    close: () => {
      for (const proxy of made) proxy.close()
    },
  }
}

/** Cuts both replicas off, then one instance: the primary alone has no majority, the instance alone has no store. */
export async function cutLinks(options: ScenarioOptions, seconds: readonly number[]): Promise<Outcome> {
  const { seed, bounds, progress } = options
  const replication = proxies()
  const redis = await replicatedRedis((port) => replication.before(port))
  const instanceLink = await tcpProxy(redis.servers[0]?.port ?? 0)
  const store = (at: number) => (at === 0 ? `redis://127.0.0.1:${instanceLink.port}` : redis.address)
  try {
    return await judged('G-08', { seed, bounds, instances: 2, store }, async (enterprise, notes) => {
      await underLoad(enterprise, { rate: 50, times: 2, ahead: farAhead }, async () => {
        for (const length of seconds) {
          await lasting(1)
          await duringFault(enterprise, notes, 'primary without replicas', async () => {
            for (const link of replication.made) link.cut()
            await lasting(length)
            await noService(enterprise, notes, 'a primary that lost both replicas', enterprise.instances)
            for (const link of replication.made) link.pass()
            await redis.whole()
          })
          await duringFault(enterprise, notes, 'instance without Redis', async () => {
            instanceLink.cut()
            await lasting(length)
            await noService(enterprise, notes, 'an instance that lost Redis', enterprise.instances.slice(0, 1))
            instanceLink.pass()
          })
          progress(`cut for ${length} s`)
        }
      })
      notes.tried('spent ID-JAGs presented again', await enterprise.presentAgain())
    })
  } finally {
    instanceLink.close()
    replication.close()
    await redis.remove()
  }
}

/**
 * Two primaries at once: replicas and Sentinels lose the old one and elect another, and one instance still speaks to the old one
 * directly. What each side grants must never be granted by the other.
 */
export async function splitBrain(options: ScenarioOptions, seconds: number): Promise<Outcome> {
  const { seed, bounds } = options
  const links = proxies()
  const redis = await watchedRedis((port) => links.before(port))
  const [old] = redis.servers
  if (old === undefined) throw new Error('there is no primary')
  const store = (at: number) => (at === 0 ? old.address : redis.address)
  try {
    return await judged('G-08', { seed, bounds, instances: 2, store }, async (enterprise, notes) => {
      const [onOldSide, onNewSide] = enterprise.instances
      if (onOldSide === undefined || onNewSide === undefined) throw new Error('there are not two instances')
      await underLoad(enterprise, { rate: 50, times: 2, ahead: farAhead }, async () => {
        await lasting(2)
        // The instance with the old address has no service from here to its end, and must not have.
        enterprise.fault('store', onOldSide)
        const over = enterprise.fault('store', onNewSide)
        for (const link of links.made) link.cut()
        await redis.replaced(old)
        over()
        await recovered(enterprise, [onNewSide])
        await noService(enterprise, notes, 'the old primary', [onOldSide])
        await lasting(seconds)
        const healing = enterprise.fault('store', onNewSide)
        for (const link of links.made) link.pass()
        await redis.whole()
        healing()
        await recovered(enterprise, [onNewSide])
        notes.tried('split brains')
      })
      notes.tried('spent ID-JAGs presented again', await enterprise.presentAgain())
    })
  } finally {
    links.close()
    await redis.remove()
  }
}

async function duringFault(
  enterprise: FaultEnterprise,
  notes: Notes,
  what: string,
  strike: () => Promise<void>,
): Promise<void> {
  const over = enterprise.fault('store')
  await strike()
  await recovered(enterprise)
  over()
  notes.tried(what)
}

/** Objects when one of these instances grants anything now. */
async function noService(
  enterprise: FaultEnterprise,
  notes: Notes,
  who: string,
  instances: FaultEnterprise['instances'],
): Promise<void> {
  for (const instance of instances) {
    const [minted] = await enterprise.mint(1, farAhead)
    if (minted === undefined) throw new Error('nothing was minted')
    const { status } = await enterprise.redeem({ minted, instance })
    if (status !== 503) notes.objects(`${who} answers ${status} at ${instance.name}, and has no majority`)
  }
}

export const partitions: readonly Scenario[] = [
  {
    goal: 'G-08',
    name: 'partition',
    title: 'the links of the replicas and of an instance are cut for 1, 5 and 30 s',
    needsRedis: true,
    run: (options) => cutLinks(options, options.share < 1 ? [1, 5] : [1, 5, 30]),
  },
  {
    goal: 'G-08',
    name: 'split-brain',
    title: 'two primaries at once, with an instance at each',
    needsRedis: true,
    run: (options) => splitBrain(options, options.share < 1 ? 5 : 30),
  },
]
