/** The Token Status Lists of one server (draft-ietf-oauth-status-list-21): which tokens were ended, signed anew each second. */

import type { SigningKeys } from '../protocol/keys.ts'
import type { Seconds } from '../protocol/ports.ts'
import { compressStatusList, signStatusList } from '../protocol/status-list.ts'
import { statusListLength, statusListUri } from '../protocol/status-reference.ts'
import type { TokenStatuses } from './status.ts'

export interface PublishedStatusListsOptions {
  issuer: string
  statuses: TokenStatuses
  signingKeys: Pick<SigningKeys, 'current' | 'published'>
  now(): Seconds
}

export interface PublishedStatusLists {
  /**
   * The Status List Token of one list, signed at most a second ago. Any number from 0 on is a list: one that nobody was given a place
   * in yet ends nothing. Throws what `statuses` throws when it cannot know.
   */
  read(list: number): Promise<string>
  /** The addresses of the lists in which some token was ended, for who wants to fetch them beforehand (§9.3). */
  addresses(): string[]
}

/** So long one signed list is given out: part of the time that an end takes to reach every guard. */
const signedFor: Seconds = 1
/** A list is good for this time, for readers that cannot reach the server. Ours come again much sooner. */
const lifetime: Seconds = 60
const ttl: Seconds = 2
/** How many signed lists are kept; more are signed as they are asked for. */
const mostKept = 64

interface Kept {
  at: Seconds
  ended: readonly number[]
  compressed: string
  token: Promise<string>
}

/** Makes the lists of one server. */
export function publishedStatusLists({
  issuer,
  statuses,
  signingKeys,
  now,
}: PublishedStatusListsOptions): PublishedStatusLists {
  const kept = new Map<number, Kept>()

  const sign = (list: number, at: Seconds, known: Kept | undefined): Kept => {
    const from = list * statusListLength
    const ended = statuses.endedBetween(from, from + statusListLength)
    const compressed =
      known !== undefined && sameNumbers(known.ended, ended)
        ? known.compressed
        : compressStatusList(ended.map((index) => index - from))
    const publishedKids = signingKeys
      .published()
      .keys.map(({ kid }) => kid)
      .filter((kid) => kid !== undefined)
    const token = signStatusList(
      { issuer, list, compressed, publishedKids, now: at, lifetime, ttl },
      signingKeys.current(),
    )
    return { at, ended, compressed, token }
  }

  return {
    async read(list) {
      const at = now()
      let found = kept.get(list)
      // A clock that was set back must not keep an old list alive.
      if (found === undefined || at - found.at >= signedFor || at < found.at) {
        found = sign(list, at, found)
        kept.delete(list)
        kept.set(list, found)
        const [oldest] = kept.keys()
        if (kept.size > mostKept && oldest !== undefined) kept.delete(oldest)
      }
      return await found.token
    },
    addresses() {
      const ended = statuses.endedBetween(0, Number.MAX_SAFE_INTEGER)
      const lists = new Set(ended.map((index) => Math.floor(index / statusListLength)))
      return [...lists].sort((one, other) => one - other).map((list) => statusListUri(issuer, list))
    },
  }
}

function sameNumbers(one: readonly number[], other: readonly number[]): boolean {
  return one.length === other.length && one.every((number, at) => number === other[at])
}
