/** The status of issued access tokens, kept in the store and followed by every process that shares it. */

import type { Access } from '../../protocol/blocks.ts'
import { unavailable } from '../../protocol/errors.ts'
import type { Seconds } from '../../protocol/ports.ts'
import type { TokenStatuses } from '../../resource-as/status.ts'
import { ConflictError, type Records, StoreUnavailableError } from '../../store/store.ts'
import { answered } from '../answered.ts'
import { accessName, endOfIndex, longestTokenLife, placeOf } from './access-records.ts'
import type { PolicyFeed } from './policy-feed.ts'
import { kinds } from './policy-records.ts'

export interface StoredTokenStatusesOptions {
  records: Records
  feed: PolicyFeed
  now(): Seconds
}

const mostRemembered = 50_000

/** {@link TokenStatuses} over records: one write for the first token of an access on a day, none for the others. */
export function storedTokenStatuses({ records, feed, now }: StoredTokenStatusesOptions): TokenStatuses {
  const indexes = new Map<string, number>()
  const remember = (name: string, index: number): number => {
    if (indexes.size >= mostRemembered) indexes.clear()
    indexes.set(name, index)
    return index
  }
  const remembered = (name: string): number | undefined => {
    const index = indexes.get(name)
    return index === undefined || feed.isEnded(index) ? undefined : index
  }
  const find = async (access: Access, name: string): Promise<number> => {
    const { id, until } = placeOf(access, now())
    for (let attempt = 0; attempt < 10; attempt++) {
      const { version = 0 } = (await records.get(kinds.access, id)) ?? {}
      if (version > 0 && !feed.isEnded(version)) return remember(name, version)
      const { users, client, audiences, issuer, tenant } = access
      const value = { users, client, audiences, issuer, ...(tenant === undefined ? {} : { tenant }) }
      // A block finds an index by the record of its access: whoever takes its place ends the index before it, for good.
      const unended = version > 0 && (await records.get(kinds.ended, String(version))) === undefined
      const ends = unended ? [endOfIndex(version, now())] : []
      try {
        const index = await records.change([{ kind: kinds.access, id, expected: version, value, until }, ...ends])
        // A store that lost its memory counts from the start again, and may come by a number that has ended.
        if (!feed.isEnded(index)) return remember(name, index)
      } catch (error) {
        if (!(error instanceof ConflictError)) throw error
      }
    }
    throw new StoreUnavailableError('the access is being changed by others all the time')
  }
  return {
    indexFor(access, until) {
      const at = now()
      if (until > at + longestTokenLife) throw unavailable('internal_error', 'the token would outlive its status')
      const name = accessName(access, at)
      return remembered(name) ?? answered(() => find(access, name))
    },
    isEnded: feed.isEnded,
    endedBetween: feed.endedBetween,
    end: (index) =>
      answered(async () => {
        await records.change([endOfIndex(index, now())]).catch((error: unknown) => {
          // Somebody else ended it.
          if (!(error instanceof ConflictError)) throw error
        })
        await feed.refresh()
      }),
  }
}
