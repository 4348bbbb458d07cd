/** Ten thousand entries made at run time: a change of one is read as one, and no other is made anew. */

import { describe, expect, it } from 'vitest'
import { resourceAsEntries } from '../../../src/server/policy/entries.ts'
import { entryAdministration } from '../../../src/server/policy/entry-administration.ts'
import { entryId, entryKinds } from '../../../src/server/policy/entry-records.ts'
import { followPolicy } from '../../../src/server/policy/policy-feed.ts'
import type { Records } from '../../../src/store/store.ts'
import { policyWorld } from './policy.ts'

const server = 'https://auth.chat.example'
const kind = entryKinds.trustedIssuers
const keyAt = (at: number) => [`https://${at}.example`, `customer-${at}`]
const entryAt = (at: number) => ({
  issuer: `https://${at}.example`,
  audTenant: `customer-${at}`,
  clients: [],
  disabled: false,
})
const operator = { by: 'operator@example' }

async function world(count: number) {
  const { records, now, follow, empty } = policyWorld()
  for (let from = 0; from < count; from += 1000) {
    const some = Array.from({ length: Math.min(1000, count - from) }, (_, at) => from + at)
    await records.change(
      some.map((at) => {
        const value = { server, key: keyAt(at), entry: entryAt(at), at: now(), by: 'import' }
        return { kind, id: entryId(server, keyAt(at)), expected: 0, value }
      }),
    )
  }
  const calls = { get: 0, list: [] as string[] }
  const counted: Records = {
    ...records,
    get: async (...asked) => {
      calls.get += 1
      return await records.get(...asked)
    },
    list: async (asked) => {
      calls.list.push(asked)
      return await records.list(asked)
    },
  }
  const feed = await follow({ records: counted })
  const put = async (at: number, change = {}) => {
    const { version } = (await records.get(kind, entryId(server, keyAt(at)))) ?? { version: 0 }
    const place = { kind: 'trustedIssuers', server, key: keyAt(at) } as const
    const seen = version === 0 ? ('none' as const) : version
    await entryAdministration(records, now).put(place, { ...entryAt(at), ...change }, seen, operator)
  }
  const entries = () => feed.entries().trustedIssuers
  return { records, now, calls, feed, put, entries, empty }
}

describe('a change of one entry', () => {
  it('is read by as many questions among ten thousand as among ten, and leaves every other as it is', async () => {
    const questions = []
    for (const count of [10, 10_000]) {
      const { calls, feed, put, entries } = await world(count)
      const before = new Map(entries().map((one) => [one.id, one]))
      Object.assign(calls, { get: 0, list: [] })
      await put(3, { disabled: true })
      await feed.refresh()
      expect(calls.list).not.toContain(kind)
      questions.push([calls.get, calls.list.length])
      expect(entries()).toHaveLength(count)
      const changed = entries().filter((one) => before.get(one.id) !== one)
      expect(changed.map(({ key, entry }) => [key, entry?.disabled])).toEqual([[keyAt(3), true]])
    }
    expect(questions[1]).toEqual(questions[0])
  })

  it('and of sixty at once is read all the same, when the head no longer tells which they are', async () => {
    const { calls, feed, put, entries, records, now } = await world(100)
    for (let at = 0; at < 60; at++) await put(at, { disabled: true })
    await feed.refresh()
    expect(calls.list.filter((one) => one === kind)).toHaveLength(2)
    const place = { kind: 'trustedIssuers', server, key: keyAt(70) } as const
    const { version } = (await records.get(kind, entryId(server, keyAt(70)))) ?? { version: 0 }
    await entryAdministration(records, now).remove(place, version, operator)
    await put(100)
    await feed.refresh()
    expect(calls.list.filter((one) => one === kind)).toHaveLength(2)
    expect(entries().filter(({ entry }) => entry?.disabled)).toHaveLength(60)
    const known = resourceAsEntries({ issuer: server, resources: [], clients: [], trustedIssuers: [] }, feed.entries())
    expect(known.trustedIssuers.size).toBe(100)
  })

  it('is read whole by a process that starts, with the same result', async () => {
    const { records, now, put, entries, feed } = await world(20)
    for (const at of [1, 2, 21]) await put(at, { disabled: true })
    await feed.refresh()
    const other = await followPolicy({ records, now, say: () => {}, interval: 3_600_000 })
    const sorted = (list: readonly { id: string; version: number }[]) =>
      list.map((one) => `${one.id} ${one.version}`).sort()
    expect(sorted(other.entries().trustedIssuers)).toEqual(sorted(entries()))
    other.close()
  })
})
