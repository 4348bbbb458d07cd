import { expect, it } from 'vitest'
import { diskFull } from './scenarios/disks.ts'
import { generousBounds } from './scenarios/scenario.ts'

const options = { seed: 5, bounds: generousBounds, share: 1, progress: () => {} }

it('issues nothing while the disk of store and audit is full, and goes on without a restart when it is not', async ({
  skip,
}) => {
  const outcome = await diskFull(options, { rounds: 1, rate: 20 })
  if (outcome === undefined) return skip('no small disk can be mounted here')
  expect(outcome.objections).toEqual([])
  expect(outcome.tried).toMatchObject({ 'disks filled': 1 })
  expect(outcome.counts.unavailable).toBeGreaterThan(0)
  expect(outcome.counts.granted).toBeGreaterThan(0)
}, 120_000)
