/** What administrators change, as every process sees it. */

import { describe, expect, it } from 'vitest'
import { blockOf } from '../../../src/protocol/blocks.ts'
import { aliceAtChat, bobAtChat, policyWorld } from './policy.ts'

const it3am = { by: 'operator@example', note: 'laptop stolen' }

describe('a block', () => {
  it('is in force in every process that follows the store, and gone when it is lifted', async () => {
    const world = policyWorld()
    const [one, other] = [await world.follow(), await world.follow()]
    expect(await world.admin.block({ user: 'alice' }, it3am)).toMatchObject({ changed: true })
    expect(blockOf(one.blocks.inForce(), aliceAtChat)).toBeUndefined()
    for (const feed of [one, other]) {
      await feed.refresh()
      expect(blockOf(feed.blocks.inForce(), aliceAtChat)).toMatchObject({ user: 'alice', ...it3am, at: world.now() })
      expect(blockOf(feed.blocks.inForce(), bobAtChat)).toBeUndefined()
    }
    await world.admin.unblock({ user: 'alice' }, it3am)
    for (const feed of [one, other]) {
      await feed.refresh()
      expect([...feed.blocks.inForce()]).toEqual([])
      expect(feed.blocks.lifted()).toEqual([{ user: 'alice', liftedAt: world.now() }])
    }
  })

  it.each([
    ['user by sub', { user: 'alice' }],
    ['user by account', { user: 'chat-alice' }],
    ['user by e-mail address', { user: 'alice@acme.example' }],
    ['client', { client: 'assistant-at-chat' }],
    ['audience by issuer', { audience: 'https://auth.chat.example' }],
    ['audience by resource', { audience: 'https://chat.example/mcp' }],
    ['issuer', { issuer: 'https://id.acme.example' }],
    ['user and client', { user: 'alice', client: 'assistant-at-chat' }],
  ])('stops whom it names: %s', async (_what, names) => {
    const world = policyWorld()
    const feed = await world.follow()
    await world.admin.block(names, it3am)
    await feed.refresh()
    expect(blockOf(feed.blocks.inForce(), aliceAtChat)).toMatchObject(names)
    expect(feed.isOff(names)).toBe(true)
  })

  it.each([
    ['another user', { user: 'mallory' }],
    ['the user at another client', { user: 'alice', client: 'notebook' }],
    ['a tenant, where there is none', { tenant: 'acme' }],
    ['an e-mail address in other letters', { user: 'Alice@acme.example' }],
  ])('stops nobody else: %s', async (_what, names) => {
    const world = policyWorld()
    const feed = await world.follow()
    await world.admin.block(names, it3am)
    await feed.refresh()
    expect(blockOf(feed.blocks.inForce(), aliceAtChat)).toBeUndefined()
    expect(feed.isOff({ user: 'alice' })).toBe(false)
  })

  it('names somebody', async () => {
    const world = policyWorld()
    await expect(world.admin.block({}, it3am)).rejects.toThrow('a block names a user')
    expect(blockOf([{}], aliceAtChat)).toBeUndefined()
  })

  it('is made once, and lifted once', async () => {
    const world = policyWorld()
    const first = await world.admin.block({ user: 'alice', client: 'assistant' }, it3am)
    expect(await world.admin.block({ client: 'assistant', user: 'alice' }, it3am)).toEqual({ ...first, changed: false })
    expect(await world.admin.unblock({ user: 'alice' }, it3am)).toEqual({ ...first, changed: false })
    expect(await world.admin.blocks()).toHaveLength(1)
    expect(await world.admin.unblock({ user: 'alice', client: 'assistant' }, it3am)).toMatchObject({ changed: true })
    expect(await world.admin.blocks()).toEqual([])
  })

  it('is not lost when twenty administrators are busy at once, and each change is a version of its own', async () => {
    const world = policyWorld()
    const users = Array.from({ length: 20 }, (_, at) => `user-${at}`)
    const outcomes = await Promise.all(users.map((user) => world.admin.block({ user }, it3am)))
    expect(new Set(outcomes.map(({ version }) => version)).size).toBe(20)
    expect((await world.admin.blocks()).map(({ user }) => user).sort()).toEqual([...users].sort())
  })
})

describe('the policy of a process', () => {
  it('is no ground for a decision when it was last read more than 30 seconds ago', async () => {
    const world = policyWorld()
    const feed = await world.follow()
    world.lose()
    world.pass(30)
    await expect(feed.refresh()).rejects.toThrow('away')
    expect([...feed.blocks.inForce()]).toEqual([])
    expect(feed.check()).toBeUndefined()
    world.pass(1)
    for (const ask of [
      feed.blocks.inForce,
      feed.blocks.lifted,
      () => feed.isOff({ user: 'alice' }),
      () => feed.isEnded(1),
    ])
      expect(ask).toThrow(expect.objectContaining({ code: 'temporarily_unavailable', reason: 'policy_stale' }))
    expect(() => feed.check()).toThrow('31 s ago')
    world.empty()
    await feed.refresh()
    expect([...feed.blocks.inForce()]).toEqual([])
    expect(feed.check()).toBeUndefined()
  })

  it('does not start without a store to follow', async () => {
    const world = policyWorld()
    world.lose()
    await expect(world.follow()).rejects.toThrow('away')
  })

  it('asks the store by itself, says once that it cannot, and once that it can again', async () => {
    const world = policyWorld()
    const feed = await world.follow({ interval: 5 })
    await world.admin.block({ user: 'alice' }, it3am)
    await expect.poll(() => [...feed.blocks.inForce()]).toHaveLength(1)
    world.lose()
    await expect.poll(() => world.said).toContain('the policy cannot be read: the store is away')
    world.empty()
    await expect.poll(() => world.said).toContain('the policy can be read again')
    expect(world.said.filter((message) => message.includes('cannot'))).toHaveLength(1)
    expect(world.said.some((message) => /^policy \d+ is in force$/.test(message))).toBe(true)
  })

  it('is written back to a store that came back empty: no block is forgotten', async () => {
    const world = policyWorld()
    const { feed, statuses } = await world.process()
    const other = await world.follow()
    const index = await statuses.indexFor(bobAtChat, world.now() + 600)
    await world.admin.block({ user: 'alice' }, it3am)
    await world.admin.block({ user: 'bob' }, it3am)
    await world.admin.purgeKey('stolen', it3am)
    await feed.refresh()
    await other.refresh()
    world.empty()
    await Promise.all([feed.refresh(), other.refresh()])
    await feed.refresh()
    const late = await world.follow()
    for (const one of [feed, late]) {
      expect([...one.blocks.inForce()].map(({ user }) => user).sort()).toEqual(['alice', 'bob'])
      expect(one.isPurgedKey('stolen')).toBe(true)
      expect(one.isEnded(index)).toBe(true)
    }
  })

  it('holds nothing against a store that was never changed', async () => {
    const world = policyWorld()
    const feed = await world.follow()
    world.empty()
    await feed.refresh()
    expect(feed.version()).toBe(0)
    expect(await world.records.revision()).toBe(0)
  })
})

describe('keys that are given up', () => {
  it('are refused by every process: one of our own by its id, those of a foreign issuer by when they were fetched', async () => {
    const world = policyWorld()
    const feed = await world.follow()
    expect(await world.admin.purgeKey('stolen', it3am)).toMatchObject({ changed: true })
    expect(await world.admin.purgeKey('stolen', it3am)).toMatchObject({ changed: false })
    await world.admin.purgeIssuerKeys('https://id.acme.example', it3am)
    await feed.refresh()
    expect(feed.isPurgedKey('stolen')).toBe(true)
    expect(feed.isPurgedKey('other')).toBe(false)
    expect(feed.keysPurgedAt('https://id.acme.example')).toBe(world.now())
    expect(feed.keysPurgedAt('https://other.example')).toBe(0)
    world.pass(10)
    await world.admin.purgeIssuerKeys('https://id.acme.example', it3am)
    await feed.refresh()
    expect(feed.keysPurgedAt('https://id.acme.example')).toBe(world.now())
  })
})
