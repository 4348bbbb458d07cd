/** The throttle on wrong credentials: counted in the store for every process, and here for when the store does not answer. */

import { createHash } from 'node:crypto'
import { senderOf } from '../http/sender.ts'
import type { Throttle } from '../http/throttle.ts'
import type { Seconds } from '../protocol/ports.ts'
import { recentlyUsed } from '../protocol/recently-used.ts'
import type { Count, Store } from '../store/store.ts'

export interface CredentialThrottleOptions {
  store: Pick<Store, 'count' | 'countOf'>
  /** The issuer: another server's counters are its own. */
  server: string
  now(): Seconds
  /** How many in a minute are heard. */
  most: number
}

const window: Seconds = 60
/** How long what the store said is gone by. Wrong credentials that somebody sent elsewhere are noticed so much later. */
const freshness: Seconds = 1
const maxEntries = 10_000

/**
 * Counts wrong credentials for each client and sender. Beyond `most` in a minute the sender is not heard for that client until the
 * minute is over; other senders are, so that nobody can lock a client out. A sender without a wrong word lately costs one question to the
 * store in a second.
 */
export function credentialThrottle({ store, server, now, most }: CredentialThrottleOptions): Throttle {
  const counters = counterView(store, now)
  // Whoever sends wrong credentials chooses the client's name, and with it how long a key would be.
  const keyOf = (...parts: string[]) =>
    createHash('sha256')
      .update(JSON.stringify(['wrong-credentials', server, ...parts]))
      .digest('base64url')
  const keys = recentlyUsed<string>(maxEntries)
  const keyOfSender = (sender: string) => {
    const known = keys.get(sender)
    if (known !== undefined) return known
    const key = keyOf(sender)
    keys.set(sender, key)
    return key
  }
  const heldOf = async (key: string, sender: string, client: () => string | undefined): Promise<Seconds> => {
    if ((await counters.read(key)) === undefined) return 0
    const name = client()
    const counted = name === undefined ? undefined : await counters.read(keyOf(sender, name))
    return counted === undefined || counted.count < most ? 0 : counted.resetsAt - now()
  }
  return {
    heldFor(address, client) {
      const sender = senderOf(address)
      const key = keyOfSender(sender)
      return counters.sawNothing(key) ? 0 : heldOf(key, sender, client)
    },
    async wrong(address, client) {
      const sender = senderOf(address)
      await Promise.all([counters.add(keyOfSender(sender)), counters.add(keyOf(sender, client))])
    },
  }
}

/** Counters of the store as they were a moment ago, and never less than what was counted here. */
function counterView(store: CredentialThrottleOptions['store'], now: () => Seconds) {
  const seen = recentlyUsed<{ at: Seconds; count: Count | undefined }>(maxEntries)
  const running = (count: Count | undefined) => (count !== undefined && count.resetsAt > now() ? count : undefined)
  const keep = (key: string, count: Count | undefined) => {
    seen.set(key, { at: now(), count })
    return running(count)
  }
  return {
    /** True when the store said a moment ago that nothing is counted under this key. */
    sawNothing(key: string): boolean {
      const known = seen.get(key)
      return known !== undefined && known.count === undefined && now() - known.at < freshness
    },
    async read(key: string): Promise<Count | undefined> {
      const known = seen.get(key)
      if (known !== undefined && now() - known.at < freshness) return running(known.count)
      return await store.countOf(key).then(
        (count) => keep(key, count),
        () => keep(key, running(known?.count)),
      )
    },
    async add(key: string): Promise<void> {
      const here = running(seen.get(key)?.count)
      const counted = await store.count(key, window).catch(() => ({
        count: (here?.count ?? 0) + 1,
        resetsAt: here?.resetsAt ?? now() + window,
      }))
      keep(key, counted)
    },
  }
}
