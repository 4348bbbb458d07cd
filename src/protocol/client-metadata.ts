/** Clients that identify themselves by a Client ID Metadata Document: fetched when they come, judged, and kept for as long as may be. */

import { type ClientMetadata, ClientMetadataError, readClientMetadata } from './client-metadata-document.ts'
import { isMetadataDocumentId } from './client-metadata-id.ts'
import { OAuthError, unauthenticated } from './errors.ts'
import { type FetchDocument, FetchError, type IssuerKeysOptions, issuerKeys } from './issuer-keys.ts'
import { JsonError } from './json.ts'
import { KeySetError, type KeySource } from './keys.ts'
import { limitedFetch } from './limited-fetch.ts'
import type { Seconds } from './ports.ts'
import { type RecentlyUsed, recentlyUsed } from './recently-used.ts'

export type { ClientMetadata } from './client-metadata-document.ts'
export { isMetadataDocumentId } from './client-metadata-id.ts'

/** The documents of clients, as one server knows them. */
export interface ClientMetadataDocuments {
  /**
   * The metadata behind a client id. Throws {@link OAuthError} `invalid_client` (401) with the reason `cimd_invalid`, `fetch_blocked` or
   * `fetch_failed`, in the words of every failed client authentication; and `temporarily_unavailable` (503) with `cimd_limited` when
   * unlisted clients want more documents than are fetched at once or in a minute. Does NOT ask whether the client is wanted here.
   */
  find(clientId: string): Promise<ClientMetadata>
}

export interface ClientMetadataDocumentsOptions {
  fetchDocument: FetchDocument
  /**
   * For the clients that nobody named: anybody can send their addresses, so it must reach public ones only (CIMD draft §8.6), whatever
   * else `fetchDocument` was opened for. Absent: `fetchDocument`.
   */
  fetchUnlisted?: FetchDocument
  now(): Seconds
  /** Tells the operator what is wrong with the document of a client that `isNamed`; of others only the audit tells. */
  warn(message: string): void
  /** Also http on loopback hosts, for a server whose own issuer is loopback (development). False unless given. */
  allowLoopback?: boolean
  /** True for a client that the operator named: no stranger takes its place, nor its turn. Nobody is, unless given. */
  isNamed?(clientId: string): boolean
  /** True for the `kid` of a key that was purged. */
  isPurged?(kid: string): boolean
  /** How many documents of clients that nobody named are kept; the one unused for longest goes. */
  maxEntries?: number
  /** How many fetches they may cause at once, how many may wait, and how many may begin in a minute. */
  atOnce?: number
  maxWaiting?: number
  perMinute?: number
}

/**
 * CIMD draft §8.7 recommends 5 KB, and lets a server choose: a key set of a few RSA keys inside of the document needs more. No document
 * that keeps to the recommendation is refused.
 */
const maxDocumentBytes = 10 * 1024
/** What unlisted clients may publish at their `jwks_uri`: some forty RSA keys. */
const maxStrangersBytes = 16 * 1024
/** CIMD draft §5.2: a server may bound the lifetime that the document's server gives; this one stands in where it gives none. */
const usualLifetime: Seconds = 300
const shortestLifetime: Seconds = 60
const longestLifetime: Seconds = 24 * 3600
/** CIMD draft §5.2: no error is kept as an answer. ATK-124: the address is asked again after this time, and not sooner. */
const retryInterval: Seconds = 30

/** Nothing is fetched before the first question. Several who ask for one document at the same time share its fetch. */
export function clientMetadataDocuments(options: ClientMetadataDocumentsOptions): ClientMetadataDocuments {
  const { fetchDocument, now, allowLoopback = false, isNamed = () => false, maxEntries = 500 } = options
  const { fetchUnlisted = fetchDocument, atOnce = 8, maxWaiting = 32, perMinute = 240 } = options
  const limits = { now, atOnce, maxWaiting, perMinute, maxBytes: maxStrangersBytes }
  const named: Lane = { ...newLane(Number.POSITIVE_INFINITY), fetchDocument, warn: options.warn }
  const strangers = { ...newLane(maxEntries), fetchDocument: limitedFetch(fetchUnlisted, limits), warn: () => {} }

  const load = async (clientId: string, lane: Lane): Promise<ClientMetadata> => {
    const before = lane.known.get(clientId)
    let keysFollowed: Kept['keysFollowed']
    const keysAt = (jwksUri: string): KeySource => {
      const { fetchDocument, warn } = lane
      const keys =
        before?.keysFollowed?.jwksUri === jwksUri
          ? before.keysFollowed.keys
          : publishedKeys({ issuer: clientId, jwksUri, fetchDocument, now, warn, ...purgesOf(options) })
      keysFollowed = { jwksUri, keys }
      return keys
    }
    try {
      const { status, body, maxAge } = await lane.fetchDocument(clientId, { maxBytes: maxDocumentBytes })
      if (status !== 200) throw new FetchError('fetch_failed', `${clientId} answered ${status}`)
      const source = { clientId, allowLoopback, keysAt, isPurged: options.isPurged }
      const metadata = await readClientMetadata(body, source)
      const lifetime = Math.min(Math.max(maxAge ?? usualLifetime, shortestLifetime), longestLifetime)
      lane.failures.delete(clientId)
      lane.known.set(clientId, { metadata, at: now(), until: now() + lifetime, keysFollowed })
      return metadata
    } catch (cause) {
      const error = refusal(clientId, cause)
      if (error.reason === 'cimd_limited') {
        // A flood of strangers does not stop a client that was known before it.
        if (before !== undefined && now() - before.at < longestLifetime) return before.metadata
        throw error
      }
      lane.known.delete(clientId)
      lane.failures.set(clientId, { error, until: now() + retryInterval })
      lane.warn(`client metadata document: ${error.detail}`)
      throw error
    }
  }

  return {
    async find(clientId) {
      // CIMD draft §3: what is no such address is nobody, and nothing is fetched.
      if (!isMetadataDocumentId(clientId, { allowLoopback }))
        throw unauthenticated('cimd_invalid', 'the client id is no address of a metadata document')
      const lane = isNamed(clientId) ? named : strangers
      const kept = lane.known.get(clientId)
      if (kept !== undefined && now() < kept.until) return kept.metadata
      const failure = lane.failures.get(clientId)
      if (failure !== undefined && now() < failure.until) throw failure.error
      const pending = lane.pending.get(clientId) ?? load(clientId, lane).finally(() => lane.pending.delete(clientId))
      lane.pending.set(clientId, pending)
      return await pending
    },
  }
}

/** Clients of one kind: those that the operator named, or everybody else. What one kind does costs the other nothing. */
interface Lane {
  known: RecentlyUsed<Kept>
  failures: RecentlyUsed<{ error: OAuthError; until: Seconds }>
  pending: Map<string, Promise<ClientMetadata>>
  fetchDocument: FetchDocument
  warn(message: string): void
}

interface Kept {
  metadata: ClientMetadata
  at: Seconds
  until: Seconds
  /** Kept when the document comes anew: what was fetched, and when it may be fetched again. */
  keysFollowed: { jwksUri: string; keys: KeySource } | undefined
}

function newLane(maxEntries: number): Pick<Lane, 'known' | 'failures' | 'pending'> {
  return { known: recentlyUsed(maxEntries), failures: recentlyUsed(maxEntries), pending: new Map() }
}

function purgesOf({ isPurged }: ClientMetadataDocumentsOptions): Pick<IssuerKeysOptions, 'isPurged'> {
  return isPurged === undefined ? {} : { isPurged }
}

/** What a client fails to publish is the client's fault, and never this server's: 401 in place of 503. */
function publishedKeys(options: IssuerKeysOptions): KeySource {
  const keys = issuerKeys(options)
  return {
    async find(header) {
      try {
        return await keys.find(header)
      } catch (error) {
        if (!(error instanceof OAuthError) || error.reason === 'cimd_limited') throw error
        throw unauthenticated(error.reason, `${error.detail}`, error)
      }
    },
  }
}

function refusal(clientId: string, cause: unknown): OAuthError {
  if (cause instanceof OAuthError) return cause
  if (cause instanceof FetchError) return unauthenticated(cause.reason, cause.message, cause)
  if (cause instanceof KeySetError)
    return unauthenticated('cimd_invalid', `${clientId}: its jwks ${cause.message}`, cause)
  if (cause instanceof ClientMetadataError || cause instanceof JsonError)
    return unauthenticated('cimd_invalid', `${clientId} ${cause.message}`, cause)
  throw cause
}
