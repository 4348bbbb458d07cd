/** Token Status Lists as JWTs (draft-ietf-oauth-status-list-21): written by the authorization server, read by the guard. */

import { inflateSync } from 'node:zlib'
import { StatusList } from '@sd-jwt/jwt-status-list'
import * as z from 'zod'
import { checkTimes, isType, readJwt, signJwt, verifySignature } from './jwt.ts'
import { JwtError } from './jwt-error.ts'
import type { KeySource, SignatureAlgorithm, SigningKey } from './keys.ts'
import { jwtType } from './names.ts'
import type { Seconds } from './ports.ts'
import { statusListLength, statusListUri } from './status-reference.ts'

/** The longest Status List Token that is read, in characters, which are bytes: a full list and its claims need a tenth of it. */
export const maxStatusListBytes = 128 * 1024
const maxCompressedLength = 64 * 1024
/** The longest `exp − iat` taken from a list. How long one is used is the reader's own, far shorter time. */
const maxListLifetime: Seconds = 31 * 24 * 3600

/**
 * The claim by which a list names the keys that its issuer publishes at this moment, so that a purged key is refused as soon as an
 * ended token. RFC 7519 §4.2: a private name that cannot collide, because it lies below the issuer itself.
 */
function publishedKidsClaim(issuer: string): string {
  return `${issuer}#published_kids`
}

/** Compresses a list of full length (§4.1): one bit for each token, 1 for those whose place is in `ended`. */
export function compressStatusList(ended: readonly number[]): string {
  // Most lists are empty, and anybody may ask for one after the other: they must not cost 5 ms each.
  if (ended.length > 0) return compressed(ended)
  nothingEnded ??= compressed([])
  return nothingEnded
}

let nothingEnded: string | undefined

function compressed(ended: readonly number[]): string {
  const statuses = new Array<number>(statusListLength).fill(0)
  for (const idx of ended) statuses[idx] = 1
  return new StatusList(statuses, 1).compressStatusList()
}

/** What a Status List Token is made of. */
export interface NewStatusList {
  issuer: string
  list: number
  /** From {@link compressStatusList}. */
  compressed: string
  /** The `kid` of every key in the issuer's JWK Set. */
  publishedKids: readonly string[]
  now: Seconds
  lifetime: Seconds
  /** After this time a reader should come again (§13.7). */
  ttl: Seconds
}

export async function signStatusList(status: NewStatusList, signer: SigningKey): Promise<string> {
  const { issuer, list, compressed, publishedKids, now, lifetime, ttl } = status
  const iat = Math.floor(now)
  const claims = {
    iss: issuer,
    sub: statusListUri(issuer, list),
    iat,
    exp: iat + lifetime,
    ttl,
    status_list: { bits: 1, lst: compressed },
    [publishedKidsClaim(issuer)]: publishedKids,
  }
  return await signJwt(claims, jwtType.statusList, signer)
}

const StatusListClaims = z.looseObject({
  iss: z.string().optional(),
  sub: z.string(),
  iat: z.number(),
  exp: z.number(),
  ttl: z.number().positive().optional(),
  status_list: z.looseObject({
    bits: z.literal([1, 2, 4, 8]),
    lst: z.string().max(maxCompressedLength),
  }),
})

/** A list that was verified. */
export interface ReadStatusList {
  issuedAt: Seconds
  ttl: Seconds | undefined
  /** The keys that the issuer publishes, when the list says so. */
  publishedKids: readonly string[] | undefined
  /** Undefined for a place that the list does not have. Every status but VALID is an end (§7.1: INVALID, SUSPENDED, and what others define). */
  isEnded(idx: number): boolean | undefined
  /** As it was signed, to see whether another list says the same. */
  compressed: string
}

export interface StatusListRules {
  /** The address it was fetched from. */
  uri: string
  issuer: string
  keys: KeySource
  algorithms: readonly SignatureAlgorithm[]
  now: Seconds
  skew: Seconds
  /** The list that was read from the same address before: what says the same is not unpacked again. */
  known?: ReadStatusList | undefined
}

/**
 * Verifies a Status List Token (§8.3). Throws {@link JwtError}, and what `keys` throws. `exp` is required: without it an old list
 * could be shown for ever. Unpacked, a list is at most 65 536 places long, whatever it claims.
 */
export async function readStatusList(token: string, rules: StatusListRules): Promise<ReadStatusList> {
  const jwt = readJwt(token, maxStatusListBytes)
  // RFC 8725 §3.11: an access token of the same issuer is no list.
  if (!isType(jwt.header.typ, jwtType.statusList)) throw new JwtError('typ_mismatch', 'is not a status list')
  await verifySignature(jwt, rules)
  const read = StatusListClaims.safeParse(jwt.claims)
  if (!read.success)
    throw new JwtError('malformed', `unexpected '${String(read.error.issues[0]?.path[0])}' claim value`)
  const { iss, sub, iat, ttl, status_list } = read.data
  if (iss !== undefined && iss !== rules.issuer) throw new JwtError('issuer_unknown', "unexpected 'iss' claim value")
  // §8.3: the list that stands at this address and not another one of the same issuer.
  if (sub !== rules.uri) throw new JwtError('malformed', "unexpected 'sub' claim value")
  checkTimes(jwt.claims, { now: rules.now, skew: rules.skew, maxLifetime: maxListLifetime })
  const kids = z.array(z.string()).optional().safeParse(jwt.claims[publishedKidsClaim(rules.issuer)])
  if (!kids.success) throw new JwtError('malformed', 'unexpected list of published keys')
  const { bits, lst } = status_list
  return {
    issuedAt: iat,
    ttl,
    publishedKids: kids.data,
    isEnded: rules.known?.compressed === `${bits} ${lst}` ? rules.known.isEnded : unpacked(lst, bits),
    compressed: `${bits} ${lst}`,
  }
}

function unpacked(lst: string, bits: 1 | 2 | 4 | 8): ReadStatusList['isEnded'] {
  try {
    // The package inflates without an end, and gzip too. Only what is small and plain zlib reaches it.
    inflateSync(Buffer.from(lst, 'base64url'), { maxOutputLength: (statusListLength * bits) / 8 })
    const { statusList } = StatusList.decompressStatusList(lst, bits)
    return (idx) => {
      const status = statusList[idx]
      return status === undefined ? undefined : status !== 0
    }
  } catch (cause) {
    throw new JwtError('malformed', 'holds a list that cannot be unpacked', { cause })
  }
}
