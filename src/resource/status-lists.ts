/** The guard's usual mode: the token's signature, and its place in a Token Status List of its issuer (draft-ietf-oauth-status-list-21). */

import { type AccessTokenRules, knownAccessToken, verifyAccessToken } from '../protocol/access-token.ts'
import { unavailable } from '../protocol/errors.ts'
import { discoverMetadata, type FetchDocument } from '../protocol/issuer-keys.ts'
import type { UnverifiedJwt } from '../protocol/jwt.ts'
import { JwtError } from '../protocol/jwt-error.ts'
import { mediaType } from '../protocol/names.ts'
import type { Seconds } from '../protocol/ports.ts'
import { recentlyUsed } from '../protocol/recently-used.ts'
import { maxStatusListBytes, type ReadStatusList, readStatusList } from '../protocol/status-list.ts'
import { readStatusClaim } from '../protocol/status-reference.ts'
import { readingOnce, type SeenToken, type TokenInHand, verifiedTokens } from '../protocol/verified-tokens.ts'
import { within } from './deadline.ts'
import { checkOf, type Revocation, type TokenSource } from './revocation.ts'
import { type YoungCopy, youngCopy } from './young-copy.ts'

export interface StatusListsOptions {
  /** Lists and metadata are fetched with it. It should follow no redirect. */
  fetchDocument: FetchDocument
  /** The longest that a request waits for a list, 1 s unless given. */
  deadline?: Seconds
}

/**
 * An end is in force everywhere within 5 s: the server's own list is at most 1 s old, its knowledge of an end at another instance 1 s,
 * and no list decides here later than 3 s after it was asked for. A list that is fetched every second is seldom older than 1 s.
 */
const freshFor: Seconds = 1
const waitFrom: Seconds = 2.5
const usableFor: Seconds = 3
/** Whether an issuer offers lists changes with its releases. What was said last serves while its metadata cannot be fetched. */
const offerAges = { freshFor: 300, waitFrom: Number.POSITIVE_INFINITY, usableFor: Number.POSITIVE_INFINITY }
/** Instances of one server may sign with clocks that are this far apart; a list that is older than the one before goes back in time. */
const signersApart: Seconds = 5
const mostLists = 64

/**
 * Checks tokens against the status lists of their issuer. A token without `status` is refused where the issuer's metadata offers lists
 * (`status_list_aggregation_endpoint`), and otherwise judged by signature and lifetime alone. A token whose key the list no longer names
 * is `key_unknown`, an ended one `token_ended`. Without a list that is young enough: 503 `status_unavailable`.
 */
export function statusLists({ fetchDocument, deadline = 1 }: StatusListsOptions): Revocation {
  return (source) => {
    const { issuer, now, accessTokenCache } = source
    const { origin } = new URL(issuer)
    const offersLists = youngCopy<boolean>({
      async load() {
        const metadata = await within(deadline, discoverMetadata(issuer, fetchDocument))
        return metadata.status_list_aggregation_endpoint !== undefined
      },
      agesOf: () => offerAges,
      failed: cannotKnow(issuer),
      now,
    })
    const lists = recentlyUsed<YoungCopy<ReadStatusList>>(mostLists)
    const newList = (uri: string) =>
      youngCopy<ReadStatusList>({
        load: async (known) => await within(deadline, fetchList(uri, source, fetchDocument, known)),
        agesOf: ({ ttl = waitFrom }) => ({
          freshFor: Math.min(freshFor, ttl),
          waitFrom: Math.min(waitFrom, ttl),
          usableFor,
        }),
        failed: cannotKnow(uri),
        now,
      })
    const listAt = (uri: string) => {
      const known = lists.get(uri)
      if (known !== undefined) return known
      const list = newList(uri)
      lists.set(uri, list)
      return list
    }
    const placeOf = readingOnce((claims) => {
      const place = readStatusClaim(claims.status)
      // No address that a token names is asked, unless it is the issuer's own server.
      if (place !== undefined && (!URL.canParse(place.uri) || new URL(place.uri).origin !== origin))
        throw new JwtError('fetch_blocked', 'names a status list of another server')
      return { place }
    })
    const accessTokens = verifiedTokens(accessTokenCache)
    const judge = async ({ jwt, signatures, remember }: TokenInHand, rules: AccessTokenRules) => {
      const claims = await verifyAccessToken(jwt, { ...rules, signatures })
      const { place } = placeOf(claims)
      if (place === undefined) refuseWithout(await offersLists.read())
      else checkStatus(place.idx, jwt, await listAt(place.uri).read())
      remember(claims.exp)
      return claims
    }
    /** The same for a token that was shown before, by what is at hand; undefined where somebody must be asked. */
    const known = (seen: SeenToken, rules: AccessTokenRules) => {
      const claims = knownAccessToken(seen, rules)
      if (claims === undefined) return undefined
      const { place } = placeOf(claims)
      if (place === undefined) {
        const offers = offersLists.fresh(rules.now)
        if (offers === undefined) return undefined
        refuseWithout(offers)
        return claims
      }
      const list = listAt(place.uri).fresh(rules.now)
      if (list === undefined) return undefined
      checkStatus(place.idx, seen.jwt, list)
      return claims
    }
    return checkOf({ accessTokens, known, judge })
  }
}

/** For a token without a place in a list. */
function refuseWithout(offersLists: boolean): void {
  if (offersLists) throw new JwtError('token_invalid', 'has no status, and its issuer keeps status lists')
}

function checkStatus(
  index: number,
  { header: { kid } }: UnverifiedJwt,
  { publishedKids, isEnded }: ReadStatusList,
): void {
  if (publishedKids !== undefined && (kid === undefined || !publishedKids.includes(kid)))
    throw new JwtError('key_unknown', 'is signed with a key that its issuer no longer publishes')
  const ended = isEnded(index)
  // Status list draft §8.3: a place that the list does not have is no status.
  if (ended === undefined) throw new JwtError('malformed', "unexpected 'status' claim value")
  if (ended) throw new JwtError('token_ended', 'was ended before its time')
}

async function fetchList(
  uri: string,
  { issuer, keys, algorithms, skew, now }: TokenSource,
  fetchDocument: FetchDocument,
  known: ReadStatusList | undefined,
): Promise<ReadStatusList> {
  const { status, body } = await fetchDocument(uri, { maxBytes: maxStatusListBytes, accept: mediaType.statusList })
  if (status !== 200) throw new Error(`it answered ${status}`)
  const token = Buffer.from(body).toString('latin1').trim()
  const list = await readStatusList(token, { uri, issuer, keys, algorithms, skew, now: now(), known })
  if (known !== undefined && list.issuedAt < known.issuedAt - signersApart)
    throw new Error('it is older than the list before')
  return list
}

/** Whatever went wrong, the token is not to blame: 503, and never a way in. */
function cannotKnow(address: string): (cause: unknown) => Error {
  return (cause) =>
    unavailable('status_unavailable', `status of tokens at ${address}: ${(cause as Error).message}`, cause)
}
