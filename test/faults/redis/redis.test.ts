import { describe, expect, it } from 'vitest'
import { auditLimited } from '../scenarios/disks.ts'
import { sentinelFailovers } from '../scenarios/failovers.ts'
import { redisOutages } from '../scenarios/redis-outages.ts'
import { generousBounds } from '../scenarios/scenario.ts'

const options = { seed: 6, bounds: generousBounds, share: 1, progress: () => {} }

// All of them wait most of the time.
describe.concurrent('several instances on Redis', () => {
  it('grant nothing twice and serve again by themselves when it is killed, emptied, and hangs', async () => {
    const { objections, counts, tried } = await redisOutages('G-05', options, {
      blows: ['kill and restart', 'FLUSHALL', 'SIGSTOP'],
      rounds: 1,
      rate: 15,
      instances: 2,
    })
    expect(objections).toEqual([])
    expect(tried).toMatchObject({ 'kill and restart': 1, FLUSHALL: 1, SIGSTOP: 1 })
    expect(counts.unavailable).toBeGreaterThan(0)
  }, 120_000)

  it('issue nothing while the audit may not grow, and go on without a restart when it may', async () => {
    const { objections, counts, tried } = await auditLimited(options, { rounds: 1, rate: 15 })
    expect(objections).toEqual([])
    expect(tried).toMatchObject({ 'disks filled': 1 })
    expect(counts.unavailable).toBeGreaterThan(0)
  }, 120_000)

  it('grant nothing twice when Sentinels put a replica in the place of a dead primary', async () => {
    const size = { failovers: 1, rate: 15, instances: 2, within: 30 }
    const { objections, counts, tried } = await sentinelFailovers(options, size)
    expect(objections).toEqual([])
    expect(tried).toMatchObject({ failovers: 1 })
    expect(counts.unavailable).toBeGreaterThan(0)
  }, 120_000)
})
