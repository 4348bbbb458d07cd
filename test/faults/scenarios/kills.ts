/** G-04: instances are killed at any moment, and at each named one. */

import { generatorNow, lasting } from '../rig/clock.ts'
import type { FaultEnterprise } from '../rig/enterprise.ts'
import { underLoad } from '../rig/load.ts'
import { type Failpoint, failpoints } from '../rig/orders.ts'
import { oneRedis } from '../rig/redis.ts'
import { atLeastOnce, judged, type Notes, type Outcome, type Scenario, type ScenarioOptions } from './scenario.ts'

export interface Kills {
  kills: number
  /** Seconds between two. */
  every: number
  rate: number
  instances: number
}

async function killInTurn(
  enterprise: FaultEnterprise,
  notes: Notes,
  { kills, every, rate }: Kills,
  { bounds, progress }: ScenarioOptions,
): Promise<void> {
  await underLoad(enterprise, { rate, times: 2 }, async () => {
    for (let at = 0; at < kills; at++) {
      await lasting(every * (0.5 + enterprise.random.next()))
      const victim = enterprise.anyInstance()
      const over = enterprise.fault('instance', victim)
      await victim.kill()
      notes.tried('kills')
      const started = generatorNow()
      await victim.start()
      notes.measured('start after a kill, s', generatorNow() - started, bounds.ready)
      over()
      progress(`${at + 1} of ${kills} kills`)
    }
    await lasting(1)
  })
  notes.tried('spent ID-JAGs presented again', await enterprise.presentAgain())
}

/** Kills instances that share an LMDB directory. */
export async function killsOnLmdb(options: ScenarioOptions, size: Kills): Promise<Outcome> {
  const { seed, bounds } = options
  return await judged('G-04', { seed, bounds, instances: size.instances }, (enterprise, notes) =>
    killInTurn(enterprise, notes, size, options),
  )
}

/** Kills instances that share a Redis. */
export async function killsOnRedis(options: ScenarioOptions, size: Kills): Promise<Outcome> {
  const { seed, bounds } = options
  const redis = await oneRedis()
  try {
    return await judged(
      'G-04',
      { seed, bounds, instances: size.instances, store: () => redis.address },
      (enterprise, notes) => killInTurn(enterprise, notes, size, options),
    )
  } finally {
    await redis.remove()
  }
}

/** Kills the workers of one `xaa serve --workers 2`, the oldest first; its supervisor puts others in their place. */
export async function workersKilled({ seed, bounds, progress }: ScenarioOptions, size: Kills): Promise<Outcome> {
  return await judged('G-04', { seed, bounds, instances: 1, workers: 2 }, async (enterprise, notes) => {
    const [instance] = enterprise.instances
    if (instance === undefined) throw new Error('there is no instance')
    await underLoad(enterprise, { rate: size.rate, times: 2 }, async () => {
      for (let at = 0; at < size.kills; at++) {
        await lasting(size.every * (0.5 + enterprise.random.next()))
        const over = enterprise.fault('instance', instance)
        const killed = generatorNow()
        await instance.killWorker()
        notes.measured('until another worker serves, s', generatorNow() - killed, bounds.ready)
        over()
        notes.tried('workers killed')
        progress(`${at + 1} of ${size.kills} workers killed`)
      }
      await lasting(1)
    })
    notes.tried('spent ID-JAGs presented again', await enterprise.presentAgain())
  })
}

/** Whether an ID-JAG is still good after the instance that redeemed it died there. */
const stillGood: { readonly [point in Failpoint]: boolean } = {
  'before-consume': true,
  'after-consume': false,
  'while-audit': false,
  'after-audit': false,
  'before-answer': false,
}

/** Cuts a redemption off at each failpoint, and presents the same ID-JAG at the other instance, and again at the restarted one. */
export async function cutOffEverywhere({ seed, bounds, progress }: ScenarioOptions, rounds: number): Promise<Outcome> {
  return await judged('G-04', { seed, bounds, instances: 2, rigged: true }, async (enterprise, notes) => {
    const [victim, other] = enterprise.instances
    if (victim === undefined || other === undefined) throw new Error('there are not two instances')
    for (let round = 0; round < rounds; round++)
      for (const point of failpoints) {
        const [minted] = await enterprise.mint(1)
        if (minted === undefined) throw new Error('nothing was minted')
        const over = enterprise.fault('instance', victim)
        await victim.tell({ dieAt: point })
        const cut = await enterprise.redeem({ minted, instance: victim })
        if (cut.status !== undefined) notes.objects(`${point}: the instance answered ${cut.status} and had to be dead`)
        await victim.ended()
        const elsewhere = await enterprise.redeem({ minted, instance: other })
        if ((elsewhere.status === 200) !== stillGood[point])
          notes.objects(`${point}: elsewhere the ID-JAG then gets ${elsewhere.status} ${elsewhere.code ?? ''}`)
        await victim.start()
        over()
        const again = await enterprise.redeem({ minted, instance: victim })
        if (again.status !== 400) notes.objects(`${point}: after the restart the ID-JAG gets ${again.status}`)
        notes.tried('failpoints')
        progress(`round ${round + 1} of ${rounds}: ${point}`)
      }
    notes.tried('spent ID-JAGs presented again', await enterprise.presentAgain())
  })
}

const full = (share: number): Kills => ({ kills: atLeastOnce(120 * share), every: 5, rate: 200, instances: 3 })

export const kills: readonly Scenario[] = [
  {
    goal: 'G-04',
    name: 'kill-lmdb',
    title: 'kill -9 of one of 3 instances on LMDB every 5 s, 10 minutes, 200 ID-JAGs/s twice each',
    needsRedis: false,
    run: (options) => killsOnLmdb(options, full(options.share)),
  },
  {
    goal: 'G-04',
    name: 'kill-redis',
    title: 'the same on Redis',
    needsRedis: true,
    run: (options) => killsOnRedis(options, full(options.share)),
  },
  {
    goal: 'G-04',
    name: 'kill-workers',
    title: 'kill -9 of one of 2 workers on LMDB every 5 s, 10 minutes, 200 ID-JAGs/s twice each',
    needsRedis: false,
    run: (options) => workersKilled(options, { ...full(options.share), instances: 1 }),
  },
  {
    goal: 'G-04',
    name: 'failpoints',
    title: 'kill -9 at each named failpoint, 20 times',
    needsRedis: false,
    run: (options) => cutOffEverywhere(options, atLeastOnce(20 * options.share)),
  },
]
