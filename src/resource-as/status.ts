/** What becomes of access tokens after they were issued: the port through which they are ended before their time. */

import type { Awaitable } from '../protocol/awaitable.ts'
import type { Access } from '../protocol/blocks.ts'
import type { Seconds } from '../protocol/ports.ts'

/**
 * The status of issued access tokens. All tokens of one access (the same person, client, issuer and audiences) share one index, so that
 * a block finds them without a list of tokens. An index that has ended never comes back: the next token of that access gets a new one.
 */
export interface TokenStatuses {
  /** The index for a token of this access that lives until `until`. Durable before it resolves. Throws `temporarily_unavailable`. */
  indexFor(access: Access & { account: string }, until: Seconds): Awaitable<number>
  /** Whether tokens with this index are no longer good. Throws `temporarily_unavailable` when it cannot know. */
  isEnded(index: number): boolean
  /** Ends every token with this index (RFC 7009 §2.1 allows that related tokens end with the one that is revoked). Durable before it resolves. */
  end(index: number): Promise<void>
  /** The ended indexes from `from` on and below `to`. Throws `temporarily_unavailable` when it cannot know. */
  endedBetween(from: number, to: number): readonly number[]
}
