/** G-12: clocks that are a little wrong do no harm, clocks that are very wrong are noticed, and a step of an hour spends nothing twice. */

import type { Seconds } from '../../../src/protocol/ports.ts'
import { lasting } from '../rig/clock.ts'
import { underLoad } from '../rig/load.ts'
import { oneRedis } from '../rig/redis.ts'
import { atLeastOnce, judged, type Outcome, recovered, type Scenario, type ScenarioOptions } from './scenario.ts'

/** How far a clock may be wrong without harm. */
const harmless: Seconds = 25

/** The issuer, one instance, or everything but Redis is 25 s early or late: nothing is refused. */
export async function smallDifferences({ seed, bounds, progress }: ScenarioOptions, length: Seconds): Promise<Outcome> {
  const redis = await oneRedis()
  try {
    return await judged(
      'G-12',
      { seed, bounds, instances: 2, rigged: true, store: () => redis.address },
      async (enterprise, notes) => {
        const [one, other] = enterprise.instances
        if (one === undefined || other === undefined) throw new Error('there are not two instances')
        for (const by of [harmless, -harmless])
          for (const [who, issuer, instances] of [
            ['the issuer', by, []],
            ['one instance', 0, [one]],
            ['all but Redis', by, [one, other]],
          ] as const) {
            for (const instance of instances) await instance.tell({ clockAhead: by })
            await underLoad(enterprise, { rate: 50, times: 2, ahead: issuer }, () => lasting(length))
            for (const instance of instances) await instance.tell({ clockAhead: 0 })
            // A new clock is compared within the next second; a token must not meet both.
            await lasting(1)
            notes.tried('differences')
            progress(`${who} is ${by} s ahead`)
          }
        notes.tried('spent ID-JAGs presented again', await enterprise.presentAgain())
      },
    )
  } finally {
    await redis.remove()
  }
}

/** One instance's clock steps under load, by 40 s and by an hour, both ways: it gives up service until it is right again. */
export async function steps({ seed, bounds, progress }: ScenarioOptions, rounds: number): Promise<Outcome> {
  const redis = await oneRedis()
  try {
    return await judged(
      'G-12',
      { seed, bounds, instances: 2, rigged: true, store: () => redis.address },
      async (enterprise, notes) => {
        const [instance] = enterprise.instances
        if (instance === undefined) throw new Error('there is no instance')
        await underLoad(enterprise, { rate: 50, times: 2 }, async () => {
          for (let round = 0; round < rounds; round++)
            for (const by of [40, -40, 3600, -3600]) {
              await lasting(1)
              const [old] = await enterprise.mint(1, -400)
              const over = enterprise.fault('clock', instance)
              await instance.tell({ clockAhead: by })
              // Before anything can have compared the clocks: a moment of trust would be enough for a token that is over.
              if (old !== undefined) await enterprise.redeem({ minted: old, instance, mustRefuse: ['invalid_grant'] })
              await lasting(2)
              const [minted] = await enterprise.mint(1)
              if (minted === undefined) throw new Error('nothing was minted')
              const { status } = await enterprise.redeem({ minted, instance })
              if (status === 200) notes.objects(`a clock that is ${by} s ahead of Redis is still trusted after 2 s`)
              await instance.tell({ clockAhead: 0 })
              over()
              notes.measured(
                'until a clock set right is trusted, s',
                await recovered(enterprise, [instance], 0),
                bounds.grace,
              )
              notes.tried('steps')
              progress(`round ${round + 1} of ${rounds}: ${by} s`)
            }
        })
        notes.tried('spent ID-JAGs presented again', await enterprise.presentAgain())
      },
    )
  } finally {
    await redis.remove()
  }
}

export const clocks: readonly Scenario[] = [
  {
    goal: 'G-12',
    name: 'clocks-apart',
    title: 'issuer, instance or Redis 25 s early and late',
    needsRedis: true,
    run: (options) => smallDifferences(options, options.share < 1 ? 5 : 60),
  },
  {
    goal: 'G-12',
    name: 'clock-steps',
    title: 'the clock of an instance steps by 40 s and by an hour, both ways',
    needsRedis: true,
    run: (options) => steps(options, atLeastOnce(10 * options.share)),
  },
]
