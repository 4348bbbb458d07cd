import { describe, expect, it } from 'vitest'
import { cutOffEverywhere, killsOnLmdb } from './scenarios/kills.ts'
import { generousBounds } from './scenarios/scenario.ts'

const options = { seed: 4, bounds: generousBounds, share: 1, progress: () => {} }

// Starting processes takes most of their time.
describe.concurrent('an instance that is killed', () => {
  it('[ATK-129] forgets no spent ID-JAG and grants none unrecorded when an instance on LMDB is killed under load', async () => {
    const { objections, counts, tried } = await killsOnLmdb(options, { kills: 1, every: 1, rate: 30, instances: 2 })
    expect(objections).toEqual([])
    expect(tried).toMatchObject({ kills: 1 })
    expect(counts.granted).toBeGreaterThan(20)
  }, 120_000)

  it('[ATK-129] spends an ID-JAG at most once wherever a redemption is cut off: only before it is consumed it stays good', async () => {
    const { objections, counts, tried } = await cutOffEverywhere(options, 1)
    expect(objections).toEqual([])
    expect(tried).toMatchObject({ failpoints: 5 })
    expect(counts.lost).toBe(5)
  }, 120_000)
})
