import { describe, expect, it } from 'vitest'
import { blocksOnLmdb } from './scenarios/kill-switch.ts'
import { rotations } from './scenarios/rotation.ts'
import { generousBounds } from './scenarios/scenario.ts'

const options = { seed: 7, bounds: generousBounds, share: 1, progress: () => {} }

// Both of them wait most of the time.
describe.concurrent('what an administrator does under load', () => {
  it('rotates keys without a refusal, and has a purged key refused everywhere within 5 s', async () => {
    const { objections, counts, tried } = await rotations(options, { rotations: 1, rate: 15, instances: 2 })
    expect(objections).toEqual([])
    expect(tried).toMatchObject({
      'rotations of the key of the access tokens': 1,
      'rotations of the key of the issuer': 1,
      'purges of the key of the access tokens': 1,
      'purges of the key of the issuer': 1,
    })
    expect(tried['access tokens shown to the API']).toBeGreaterThan(2 * 15 * 5)
    expect(counts.unavailable + counts.lost).toBe(0)
  }, 120_000)

  it('blocks a user at every instance within 5 s, also at one that is killed meanwhile', async () => {
    const { objections, tried } = await blocksOnLmdb(options, { rounds: 1, rate: 15, instances: 2 })
    expect(objections).toEqual([])
    expect(tried).toMatchObject({ blocks: 1, kills: 1, 'blocks lifted': 1 })
  }, 120_000)
})
