/** The status of issued tokens: one index for an access, ended by a block, a revocation, or what is switched off. */

import { describe, expect, it } from 'vitest'
import { aliceAtChat, bobAtChat, day, midnight, policyWorld } from './policy.ts'

const operator = { by: 'operator@example' }

describe('the index of a token', () => {
  it('is one for all tokens of an access on a day, in every process, and another for another access', async () => {
    const world = policyWorld()
    const [one, other] = [await world.process(), await world.process()]
    const until = world.now() + 600
    const index = await one.statuses.indexFor(aliceAtChat, until)
    expect(await one.statuses.indexFor(aliceAtChat, until)).toBe(index)
    expect(await other.statuses.indexFor(aliceAtChat, until)).toBe(index)
    expect(await one.statuses.indexFor(bobAtChat, until)).not.toBe(index)
    const narrower = { ...aliceAtChat, audiences: aliceAtChat.audiences.slice(0, 1) }
    expect(await one.statuses.indexFor(narrower, until)).not.toBe(index)
    world.pass(day)
    await one.feed.refresh()
    expect(await one.statuses.indexFor(aliceAtChat, world.now() + 600)).not.toBe(index)
  })

  it('is one also when sixteen first tokens are issued at once in two processes', async () => {
    const world = policyWorld()
    const processes = [await world.process(), await world.process()]
    const indexes = await Promise.all(
      Array.from({ length: 16 }, (_, at) => processes[at % 2]?.statuses.indexFor(aliceAtChat, world.now() + 600)),
    )
    expect(new Set(indexes).size).toBe(1)
  })

  it('is not given to a token that would outlive its record', async () => {
    const world = policyWorld()
    const { statuses } = await world.process()
    await expect(async () => await statuses.indexFor(aliceAtChat, world.now() + 3701)).rejects.toMatchObject({
      status: 503,
    })
    expect(await statuses.indexFor(aliceAtChat, world.now() + 3700)).toBeGreaterThan(0)
  })

  it('is found by a block as long as a token of it may live, also over midnight', async () => {
    const world = policyWorld()
    const { feed, statuses } = await world.process()
    world.pass(midnight + day - 1 - world.now())
    await feed.refresh()
    const index = await statuses.indexFor(aliceAtChat, world.now() + 3600)
    world.pass(3600)
    await feed.refresh()
    await statuses.indexFor(aliceAtChat, world.now() + 600)
    await world.admin.block({ user: 'alice' }, operator)
    await feed.refresh()
    expect(statuses.isEnded(index)).toBe(true)
  })

  it('is 503 when the store cannot be asked', async () => {
    const world = policyWorld()
    const { statuses } = await world.process()
    world.lose()
    await expect(statuses.indexFor(aliceAtChat, world.now() + 600)).rejects.toMatchObject({ status: 503 })
    await expect(statuses.end(1)).rejects.toMatchObject({ status: 503 })
  })
})

describe('tokens end', () => {
  it('with a block on whom they were issued for, and nobody else’s', async () => {
    const world = policyWorld()
    const [here, there] = [await world.process(), await world.process()]
    const alice = await here.statuses.indexFor(aliceAtChat, world.now() + 600)
    const bob = await here.statuses.indexFor(bobAtChat, world.now() + 600)
    await world.admin.block({ user: 'alice' }, operator)
    await there.feed.refresh()
    expect(there.statuses.isEnded(alice)).toBe(true)
    expect(there.statuses.isEnded(bob)).toBe(false)
    expect(there.statuses.endedBetween(0, 65_536)).toEqual([alice])
    expect(there.statuses.endedBetween(alice + 1, 65_536)).toEqual([])
  })

  it('also when a process that had not heard of the block issued them', async () => {
    const world = policyWorld()
    const [late, early] = [await world.process(), await world.process()]
    await world.admin.block({ user: 'alice' }, operator)
    await early.feed.refresh()
    world.pass(20)
    const index = await late.statuses.indexFor(aliceAtChat, world.now() + 600)
    await early.feed.refresh()
    expect(early.statuses.isEnded(index)).toBe(true)
  })

  it('for good: the block is lifted, the old token stays ended, and the next one is good', async () => {
    const world = policyWorld()
    const { feed, statuses } = await world.process()
    const before = await statuses.indexFor(aliceAtChat, world.now() + 600)
    await world.admin.block({ user: 'alice' }, operator)
    await feed.refresh()
    await world.admin.unblock({ user: 'alice' }, operator)
    await feed.refresh()
    const after = await statuses.indexFor(aliceAtChat, world.now() + 600)
    expect(after).not.toBe(before)
    expect([statuses.isEnded(before), statuses.isEnded(after)]).toEqual([true, false])
  })

  it('for good also when more accesses are ended than one change may hold', async () => {
    const world = policyWorld()
    const { feed, statuses } = await world.process()
    const indexes: number[] = []
    for (let at = 0; at < 700; at++)
      indexes.push(await statuses.indexFor({ ...aliceAtChat, users: [`user-${at}`] }, world.now() + 600))
    await world.admin.block({ client: aliceAtChat.client }, operator)
    await world.admin.unblock({ client: aliceAtChat.client }, operator)
    await feed.refresh()
    expect([...feed.blocks.inForce()]).toEqual([])
    expect(indexes.filter((index) => !statuses.isEnded(index))).toEqual([])
  })

  it('for good also when a request that was let in before the block gets its status after it', async () => {
    const world = policyWorld()
    const [here, there] = [await world.process(), await world.process()]
    const until = world.now() + 600
    const index = await here.statuses.indexFor(aliceAtChat, until)
    await world.admin.block({ user: 'alice' }, operator)
    await here.feed.refresh()
    // Its check of the blocks was a moment ago.
    const late = await here.statuses.indexFor(aliceAtChat, until)
    await here.feed.refresh()
    await there.feed.refresh()
    for (const { statuses } of [here, there]) expect([index, late].map(statuses.isEnded)).toEqual([true, true])
    await world.admin.unblock({ user: 'alice' }, operator)
    await here.feed.refresh()
    await there.feed.refresh()
    for (const { statuses } of [here, there]) expect([index, late].map(statuses.isEnded)).toEqual([true, true])
  })

  it('when one of them is revoked, in every process, and once is enough', async () => {
    const world = policyWorld()
    const [here, there] = [await world.process(), await world.process()]
    const index = await here.statuses.indexFor(aliceAtChat, world.now() + 600)
    await here.statuses.end(index)
    await here.statuses.end(index)
    expect(here.statuses.isEnded(index)).toBe(true)
    expect(there.statuses.isEnded(index)).toBe(false)
    await there.feed.refresh()
    expect(there.statuses.isEnded(index)).toBe(true)
    expect(await there.statuses.indexFor(aliceAtChat, world.now() + 600)).not.toBe(index)
  })

  it('[T84] with what the configuration has switched off', async () => {
    const world = policyWorld()
    const { statuses } = await world.process()
    const index = await statuses.indexFor(aliceAtChat, world.now() + 600)
    const restarted = await world.follow({ switchedOff: () => [{ client: aliceAtChat.client }] })
    expect(restarted.isEnded(index)).toBe(true)
    expect(statuses.isEnded(index)).toBe(false)
  })
})
