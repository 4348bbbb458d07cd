/** Tokens whose signature was found good lately: shown again, each is judged anew, and only arithmetic and reading are left out. */

import { hash, type KeyObject } from 'node:crypto'
import { following } from './awaitable.ts'
import type { JsonObject } from './json.ts'
import { maxJwtLength, readJwt, type UnverifiedJwt } from './jwt.ts'
import type { Seconds } from './ports.ts'
import { recentlyUsed } from './recently-used.ts'
import { type Signatures, usualSignatures } from './signatures.ts'

/** What one place knows of the tokens of one kind. Never for tokens that are good once: ID-JAGs, client assertions, proofs. */
export interface VerifiedTokens {
  /** Reads a token. Throws what {@link readJwt} throws. What it returns has NOT been verified. */
  take(token: string, now: Seconds, signatures?: Pick<Signatures, 'verify'>): TokenInHand
  /** A token that was found good lately, known by every byte of it, so that its form need not be looked at. Undefined for any other text. */
  seen(token: string, now: Seconds): SeenToken | undefined
}

/** What is known of a token that was found good lately. Whatever can have changed since has NOT been looked at. */
export type SeenToken = Pick<TokenInHand, 'jwt' | 'verifiedWith'>

/** One token of one request. */
export interface TokenInHand {
  /** Do not change it: it may be another request's, too. */
  jwt: UnverifiedJwt
  /** The key with which this very token was found good lately, in which case nothing in it was changed since. Undefined: it was not. */
  verifiedWith: KeyObject | undefined
  /** To verify this token with: it knows the answer for the key with which this very token was found good. */
  signatures: Pick<Signatures, 'verify'>
  /** Keeps the token in mind, for 300 s and never beyond `exp`: to be called when every check has passed, and never before. */
  remember(exp: Seconds): void
}

/** How many tokens are kept in mind unless it is said: some 10 MB. */
export const usualTokenCache = 10_000
const longest: Seconds = 300
/** Longer tokens are verified each time: ten thousand of them would fill the memory. */
const longestKept = 4096

interface Known {
  /** As it was read when it came again. Undefined: it has not; most tokens never do, and to keep all of each would cost them more. */
  read?: Pick<UnverifiedJwt, 'header' | 'claims' | 'signature'>
  /**
   * The key as its source gave it. A key set that is fetched or read anew has new keys, and those of another issuer are other ones: what
   * was signed with a key that is replaced, withdrawn or purged is known no more.
   */
  key: KeyObject
  at: Seconds
  until: Seconds
}

/** Keeps at most `maxEntries` in mind, and forgets what was not shown for longest. 0: nothing, at no cost. */
export function verifiedTokens(maxEntries: number = usualTokenCache): VerifiedTokens {
  const entries = recentlyUsed<Known>(maxEntries)
  const knownBy = (digest: string, now: Seconds) => {
    const found = entries.get(digest)
    // A clock that was set back says nothing of an age.
    return found !== undefined && now >= found.at && now < found.until ? found : undefined
  }
  return {
    seen(token, now) {
      if (maxEntries === 0 || token.length > longestKept) return undefined
      const known = knownBy(digestOf(token), now)
      return known && { jwt: jwtOf(token, known), verifiedWith: known.key }
    },
    take(token, now, signatures = usualSignatures) {
      if (maxEntries === 0) return { jwt: readJwt(token), verifiedWith: undefined, signatures, remember: () => {} }
      const digest = token.length > maxJwtLength ? '' : digestOf(token)
      const known = knownBy(digest, now)
      const jwt = known === undefined ? readJwt(token) : jwtOf(token, known)
      let signedBy: KeyObject | undefined
      return {
        jwt,
        verifiedWith: known?.key,
        signatures: {
          verify(jws) {
            if (jws.key === known?.key && jws.token === token) return true
            return following(signatures.verify(jws), (good) => {
              if (good === true && jws.token === token) signedBy = jws.key
              return good
            })
          },
        },
        remember(exp) {
          if (signedBy === undefined || token.length > longestKept) return
          entries.set(digest, { key: signedBy, at: now, until: Math.min(now + longest, exp) })
        },
      }
    },
  }
}

/** Of the whole token, the signature too: the same claims under another signature are another token. */
function digestOf(token: string): string {
  return hash('sha256', token, 'binary')
}

function jwtOf(token: string, known: Known): UnverifiedJwt {
  known.read ??= readToKeep(token)
  const { header, claims, signature } = known.read
  return { token, header, claims, signature }
}

function readToKeep(token: string): NonNullable<Known['read']> {
  const { header, claims, signature } = readJwt(token)
  // Bytes of their own: those that were read may be part of a larger buffer.
  return { header, claims: freeze(claims), signature: Uint8Array.from(signature) }
}

/** A reader by a schema that reads what cannot change any more only once. The claims that it gives are not to be changed either. */
export function readingOnce<Claims extends object, Unread extends JsonObject = JsonObject>(
  read: (claims: Unread) => Claims,
): (claims: Unread) => Claims {
  const known = new WeakMap<Unread, Claims>()
  return (claims) => {
    const before = known.get(claims)
    if (before !== undefined) return before
    if (!Object.isFrozen(claims)) return read(claims)
    // A reader may write what it makes of a claim into what it is given.
    const fresh = freeze(read({ ...claims }))
    known.set(claims, fresh)
    return fresh
  }
}

function freeze<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  for (const member of Object.values(value)) freeze(member)
  return Object.freeze(value)
}
