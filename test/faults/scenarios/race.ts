/** G-03: every ID-JAG is presented many times at once, at every instance, and redeemed exactly once. */

import type { FaultEnterprise } from '../rig/enterprise.ts'
import { oneRedis } from '../rig/redis.ts'
import { atLeastOnce, judged, type Notes, type Outcome, type Scenario, type ScenarioOptions } from './scenario.ts'

export interface Race {
  tokens: number
  /** Of each, spread over the instances. */
  presentations: number
}

/** Presents tokens, one after the other. */
export async function race(
  enterprise: FaultEnterprise,
  notes: Notes,
  { tokens, presentations }: Race,
  progress: (text: string) => void,
) {
  const atOnce = 1
  for (let done = 0; done < tokens; done += atOnce) {
    const round = await enterprise.mint(Math.min(atOnce, tokens - done))
    await Promise.all(
      round.flatMap((minted, at) =>
        Array.from({ length: presentations }, (_, nth) => {
          const instance = enterprise.instances[(at + nth) % enterprise.instances.length]
          if (instance === undefined) throw new Error('there is no instance')
          return enterprise.redeem({ minted, instance })
        }),
      ),
    )
    notes.tried('races', round.length)
    if (done % 100 === 0) progress(`${done} of ${tokens} ID-JAGs, ${presentations} presentations each`)
  }
}

/** Three instances on one LMDB directory. */
export async function raceOnLmdb({ seed, bounds, progress }: ScenarioOptions, size: Race): Promise<Outcome> {
  return await judged('G-03', { seed, bounds, instances: 3 }, (enterprise, notes) =>
    race(enterprise, notes, size, progress),
  )
}

/** Three instances on one Redis. */
export async function raceOnRedis({ seed, bounds, progress }: ScenarioOptions, size: Race): Promise<Outcome> {
  const redis = await oneRedis()
  try {
    return await judged('G-03', { seed, bounds, instances: 3, store: () => redis.address }, (enterprise, notes) =>
      race(enterprise, notes, size, progress),
    )
  } finally {
    await redis.remove()
  }
}

const full = (share: number): Race => ({ tokens: atLeastOnce(10_000 * share), presentations: 64 })

export const races: readonly Scenario[] = [
  {
    goal: 'G-03',
    name: 'race-lmdb',
    title: '10 000 ID-JAGs, 64 presentations each, 3 instances on one LMDB directory',
    needsRedis: false,
    run: (options) => raceOnLmdb(options, full(options.share)),
  },
  {
    goal: 'G-03',
    name: 'race-redis',
    title: '10 000 ID-JAGs, 64 presentations each, 3 instances on one Redis',
    needsRedis: true,
    run: (options) => raceOnRedis(options, full(options.share)),
  },
]
