/** A store that can be replaced under the processes that use it, with processes that follow it, on one clock. */

import { onTestFinished } from 'vitest'
import type { Access } from '../../../src/protocol/blocks.ts'
import { administration } from '../../../src/server/policy/administration.ts'
import { followPolicy, type PolicyFeed, type PolicyFeedOptions } from '../../../src/server/policy/policy-feed.ts'
import { storedTokenStatuses } from '../../../src/server/policy/token-statuses.ts'
import { memoryStore } from '../../../src/store/memory.ts'
import { type Records, StoreUnavailableError } from '../../../src/store/store.ts'

export const day = 24 * 3600
export const midnight = 20_000 * day

export const aliceAtChat: Access & { account: string } = {
  users: ['alice', 'chat-alice', 'alice@acme.example'],
  account: 'chat-alice',
  client: 'assistant-at-chat',
  audiences: ['https://auth.chat.example', 'https://chat.example/mcp'],
  issuer: 'https://id.acme.example',
}
export const bobAtChat = { ...aliceAtChat, users: ['bob', 'chat-bob'], account: 'chat-bob' }

export function policyWorld() {
  let at = midnight + 3600
  const now = () => at
  let records: Records | undefined = memoryStore({ now }).records
  const held = (): Records => {
    if (records === undefined) throw new StoreUnavailableError('the store is away')
    return records
  }
  const shared: Records = {
    get: async (kind, id) => await held().get(kind, id),
    list: async (kind) => await held().list(kind),
    change: async (changes) => await held().change(changes),
    revision: async () => await held().revision(),
  }
  const said: string[] = []
  const follow = async (options: Partial<PolicyFeedOptions> = {}): Promise<PolicyFeed> => {
    // An hour between two questions of its own: the tests ask.
    const say = (message: string) => void said.push(message)
    const feed = await followPolicy({ records: shared, now, say, interval: 3_600_000, ...options })
    onTestFinished(() => feed.close())
    return feed
  }
  return {
    now,
    said,
    records: shared,
    pass(seconds: number) {
      at += seconds
    },
    /** The store is gone until the next of these. */
    lose() {
      records = undefined
    },
    /** An empty store in the place of the one before. */
    empty() {
      records = memoryStore({ now }).records
    },
    admin: administration(shared, now),
    follow,
    async process() {
      const feed = await follow()
      return { feed, statuses: storedTokenStatuses({ records: shared, feed, now }) }
    },
  }
}
