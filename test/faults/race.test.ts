import { expect, it } from 'vitest'
import { raceOnLmdb } from './scenarios/race.ts'
import { generousBounds } from './scenarios/scenario.ts'

const options = { seed: 3, bounds: generousBounds, share: 1, progress: () => {} }

it('[ATK-055] redeems each of 12 ID-JAGs once, when 3 instances on one LMDB directory get 64 presentations of it at once', async () => {
  const { objections, counts, tried } = await raceOnLmdb(options, { tokens: 12, presentations: 64 })
  expect(objections).toEqual([])
  expect(tried).toMatchObject({ races: 12 })
  expect(counts).toMatchObject({ tokens: 12, presentations: 768 })
  expect(counts.granted + counts.refused + counts.unavailable).toBe(768)
}, 120_000)
