/** The keys of somebody else's issuer: found by its metadata, cached, fetched again when they must be and never more often. */

import { OAuthError, unavailable } from './errors.ts'
import { type JsonObject, parseJsonObject } from './json.ts'
import { JwtError } from './jwt-error.ts'
import { KeySetError, type KeySource, keySetOf } from './keys.ts'
import type { Seconds } from './ports.ts'
import type { Reason } from './reasons.ts'

/**
 * Fetches one document; `accept` is `application/json` unless given. The implementation guards addresses, time, size and redirects;
 * it throws {@link FetchError}.
 */
export type FetchDocument = (url: string, limits: { maxBytes: number; accept?: string }) => Promise<FetchedDocument>

/** What came, whatever its status. */
export interface FetchedDocument {
  status: number
  body: Uint8Array
  /** How long its server lets it be kept (RFC 9111 §5.2.2); 0 for not at all. Absent: it does not say. */
  maxAge?: Seconds
}

export class FetchError extends Error {
  override readonly name = 'FetchError'
  readonly reason: Reason
  constructor(reason: 'fetch_blocked' | 'fetch_failed', message: string, options?: { cause: unknown }) {
    super(message, options)
    this.reason = reason
  }
}

export interface IssuerKeysOptions {
  issuer: string
  fetchDocument: FetchDocument
  now(): Seconds
  /** Tells the operator what is wrong with an issuer's documents. */
  warn(message: string): void
  /** Told of each end of a fetch, with the word for why it failed. */
  onFetched?(failure?: Reason): void
  /** Where its metadata cannot be found by its issuer identifier, the address of its JWK Set. */
  jwksUri?: string
  /**
   * When an administrator last purged this issuer's keys. As soon as it moves on, no set that was fetched before is used any more, and
   * the next request fetches. Only compared with itself: other people's clocks do not matter. Asked at each use.
   */
  refuseBefore?(): Seconds
  /** True for the `kid` of a key that nothing may be signed with any more, whatever the issuer publishes. Asked at each use. */
  isPurged?(kid: string): boolean
}

const maxMetadataBytes = 64 * 1024
const maxJwksBytes = 256 * 1024
/** Older than this, the set is fetched again while the old one still serves. */
const freshFor: Seconds = 300
/** Older than this, a request waits for the new set: a key that was withdrawn is refused at the latest now. */
const usableFor: Seconds = 600
/** Older than this, a set that cannot be renewed serves no longer. */
const staleFor: Seconds = 3600
/**
 * ATK-120: in any span of this length, a set that is young enough is looked at again at most {@link looksPerWindow} times, for keys that it
 * does not have. On average that is once in 30 s, and a key that follows another at once is found all the same.
 */
const lookWindow: Seconds = 60
const looksPerWindow = 2
/** A failure is tried again after this time. */
const retryInterval: Seconds = 15

/**
 * A {@link KeySource} that follows an issuer's `jwks_uri` (ID-JAG §4.1: keys come from the configured issuer's metadata alone,
 * D-15). Throws {@link JwtError} `key_unknown` for a key that is not there or was purged, and {@link OAuthError} 503 while it cannot
 * know: the documents are unreachable or wrong, and no earlier set is young enough. One issuer's trouble never touches another's.
 */
export function issuerKeys(options: IssuerKeysOptions): KeySource {
  const { refuseBefore = () => 0, isPurged = () => false } = options
  let state = newState(Number.NEGATIVE_INFINITY)

  const refresh = (): Promise<void> => {
    const mine = state
    mine.pending ??= load(options)
      .then((keys) => {
        mine.known = { keys, at: options.now() }
        mine.failure = undefined
        options.onFetched?.()
      })
      .catch((cause: unknown) => {
        const detail = `keys of ${options.issuer}: ${cause instanceof Error ? cause.message : 'unknown'}`
        const reason = reasonOf(cause)
        mine.failure = unavailable(reason, detail, cause)
        mine.failedAt = options.now()
        options.onFetched?.(reason)
        options.warn(detail)
      })
      .finally(() => {
        mine.pending = undefined
      })
    return mine.pending
  }
  const mayFetch = () => state.pending !== undefined || options.now() - state.failedAt >= retryInterval
  /** Looks at the set again, unless that was done often enough. */
  const look = async () => {
    if (state.pending === undefined) {
      if (!mayFetch() || !isLookDue(state, options.now())) return
      state.lookedAt = [...state.lookedAt, options.now()].slice(-looksPerWindow)
    }
    await refresh()
  }
  const age = () => (state.known === undefined ? Number.POSITIVE_INFINITY : options.now() - state.known.at)
  const known = () => {
    if (state.known === undefined || age() > staleFor)
      throw state.failure ?? unavailable('jwks_unavailable', `no keys of ${options.issuer} are known yet`)
    return state.known.keys
  }
  const forgetPurged = () => {
    const purgedAt = refuseBefore()
    // An answer that is still under way was asked for before the purge: it belongs to the state that is left behind.
    if (purgedAt > state.purgedAt) state = newState(purgedAt)
  }

  return {
    atHand(header) {
      forgetPurged()
      if (header.kid === undefined || isPurged(header.kid) || age() > freshFor) return undefined
      return state.known?.keys.atHand?.(header)
    },
    async find(header) {
      forgetPurged()
      if (header.kid !== undefined && isPurged(header.kid)) throw new JwtError('key_unknown', 'the key was purged')
      const waits = age() > usableFor && mayFetch()
      if (waits) await refresh()
      else if (age() > freshFor && mayFetch()) void refresh()
      try {
        return await known().find(header)
      } catch (error) {
        if (!(error instanceof JwtError) || error.reason !== 'key_unknown' || header.kid === undefined) throw error
        // A rotation the issuer has published since: look once, and not more often than the window allows.
        if (!waits) await look()
        if (state.failure !== undefined) throw state.failure
        return await known().find(header)
      }
    },
  }
}

/** What is known of an issuer's keys since they were last purged. */
interface State {
  purgedAt: Seconds
  known?: { keys: KeySource; at: Seconds }
  /** When the set was looked at again for a key that it did not have, oldest first. */
  lookedAt: Seconds[]
  /** Why the latest fetch was of no use, and when. */
  failure?: OAuthError | undefined
  failedAt: Seconds
  pending?: Promise<void> | undefined
}

function newState(purgedAt: Seconds): State {
  return { purgedAt, lookedAt: [], failedAt: Number.NEGATIVE_INFINITY }
}

function isLookDue({ lookedAt }: State, now: Seconds): boolean {
  return lookedAt.filter((at) => now - at < lookWindow).length < looksPerWindow
}

async function load(options: IssuerKeysOptions): Promise<KeySource> {
  const uri = options.jwksUri ?? (await discoverJwksUri(options))
  const { status, body } = await options.fetchDocument(uri, { maxBytes: maxJwksBytes })
  if (status !== 200) throw new FetchError('fetch_failed', `${uri} answered ${status}`)
  return await keySetOf(jwksOf(body), options.isPurged)
}

function jwksOf(body: Uint8Array): JsonObject {
  try {
    return parseJsonObject(body)
  } catch (cause) {
    throw new KeySetError('is not a JWK Set: it cannot be read as one JSON object', { cause })
  }
}

async function discoverJwksUri({ issuer, fetchDocument }: IssuerKeysOptions): Promise<string> {
  const document = await discoverMetadata(issuer, fetchDocument)
  if (typeof document.jwks_uri !== 'string') throw new MetadataError(`metadata of ${issuer} names no jwks_uri`)
  return document.jwks_uri
}

/** What an issuer publishes about itself cannot be used. */
export class MetadataError extends Error {
  override readonly name = 'MetadataError'
}

/**
 * The metadata of an issuer (RFC 8414 §3, OpenID Connect Discovery §4), tried in the order MCP clients use. An address that is
 * not served answers 4xx, and the next is tried. RFC 8414 §3.3: `issuer` in the document is the very string asked for.
 */
export async function discoverMetadata(issuer: string, fetchDocument: FetchDocument): Promise<JsonObject> {
  for (const url of metadataAddresses(issuer)) {
    const { status, body } = await fetchDocument(url, { maxBytes: maxMetadataBytes })
    if (status >= 400 && status < 500) continue
    if (status !== 200) throw new FetchError('fetch_failed', `${url} answered ${status}`)
    const document = parseJsonObject(body)
    if (document.issuer !== issuer)
      throw new MetadataError(
        `${url} says issuer ${JSON.stringify(document.issuer)}, expected ${JSON.stringify(issuer)}`,
      )
    return document
  }
  throw new MetadataError(`${issuer} publishes no metadata at ${metadataAddresses(issuer).join(' or ')}`)
}

/** RFC 8414 §3.1 inserts the well-known part before the path, OpenID Connect Discovery §4 appends it. */
export function metadataAddresses(issuer: string): string[] {
  const { origin, pathname } = new URL(issuer)
  const path = pathname === '/' ? '' : pathname.replace(/\/$/, '')
  return [
    ...new Set([
      `${origin}/.well-known/oauth-authorization-server${path}`,
      `${origin}/.well-known/openid-configuration${path}`,
      `${origin}${path}/.well-known/openid-configuration`,
    ]),
  ]
}

function reasonOf(cause: unknown): Reason {
  if (cause instanceof OAuthError) return cause.reason
  if (cause instanceof FetchError) return cause.reason === 'fetch_blocked' ? 'fetch_blocked' : 'jwks_unavailable'
  return cause instanceof KeySetError ? 'jwks_invalid' : 'metadata_invalid'
}
