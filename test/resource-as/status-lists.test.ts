/** The lists that a resource authorization server publishes: what is in them, how often they are signed, and where they are named. */

import { beforeEach, describe, expect, it } from 'vitest'
import { unavailable } from '../../src/protocol/errors.ts'
import type { SigningKey, SigningKeys } from '../../src/protocol/keys.ts'
import { type ReadStatusList, readStatusList } from '../../src/protocol/status-list.ts'
import { type PublishedStatusLists, publishedStatusLists } from '../../src/resource-as/status-lists.ts'
import { signingKeysNamed } from '../fixture/keys.ts'
import { type TestStatuses, testStatuses } from '../fixture/statuses.ts'

const issuer = 'https://as.example'
let now: number
let keys: SigningKeys
let signatures: number
let statuses: TestStatuses
let lists: PublishedStatusLists

beforeEach(async () => {
  now = 1_800_000_000
  keys = await signingKeysNamed(['as-1'], ['as-2'])
  signatures = 0
  statuses = testStatuses()
  const current = (): SigningKey => {
    signatures++
    return keys.current()
  }
  lists = publishedStatusLists({
    issuer,
    statuses,
    signingKeys: { current, published: () => keys.published() },
    now: () => now,
  })
})
const read = async (list: number): Promise<ReadStatusList> =>
  await readStatusList(await lists.read(list), {
    uri: `${issuer}/status/${list}`,
    issuer,
    keys: keys.source,
    algorithms: ['ES256'],
    now,
    skew: 0,
  })

describe('a published list', () => {
  it('has the ended tokens of its own part, and names the published keys', async () => {
    for (const index of [0, 65_535, 65_536, 200_000]) await statuses.end(index)
    const [first, second] = [await read(0), await read(1)]
    expect([first.isEnded(0), first.isEnded(1), first.isEnded(65_535)]).toEqual([true, false, true])
    expect([second.isEnded(0), second.isEnded(65_535)]).toEqual([true, false])
    expect(first.publishedKids).toEqual(['as-1', 'as-2'])
    keys = await signingKeysNamed(['as-2'])
    now += 1
    expect((await read(0)).publishedKids).toEqual(['as-2'])
  })

  it('is signed once a second, however often it is read', async () => {
    const [one] = await Promise.all(Array.from({ length: 100 }, () => lists.read(0)))
    now += 0.99
    expect(await lists.read(0)).toBe(one)
    expect(signatures).toBe(1)
    await statuses.end(5)
    now += 0.01
    expect((await read(0)).isEnded(5)).toBe(true)
    now += 1
    expect((await read(0)).isEnded(5)).toBe(true)
    expect(signatures).toBe(3)
  })

  it('is signed anew when the clock was set back', async () => {
    await lists.read(0)
    now -= 100
    expect((await read(0)).issuedAt).toBe(now)
  })

  it('is kept for the 64 lists that were read last', async () => {
    for (let list = 0; list < 65; list++) await lists.read(list)
    await lists.read(64)
    expect(signatures).toBe(65)
    await lists.read(0)
    expect(signatures).toBe(66)
  })

  it('is not given out while nobody knows what has ended', async () => {
    statuses.broken = unavailable('policy_stale', 'too old')
    await expect(lists.read(0)).rejects.toMatchObject({ status: 503, reason: 'policy_stale' })
    statuses.broken = undefined
    expect((await read(0)).isEnded(0)).toBe(false)
  })
})

it('the lists in which something has ended are named, each once', async () => {
  expect(lists.addresses()).toEqual([])
  for (const index of [200_000, 1, 2]) await statuses.end(index)
  expect(lists.addresses()).toEqual([`${issuer}/status/0`, `${issuer}/status/3`])
})
