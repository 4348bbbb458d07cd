/** What every role needs of the process around it, and how far other people's clocks may be off. */

import { type FetchDocument, issuerKeys } from '../protocol/issuer-keys.ts'
import type { KeySource } from '../protocol/keys.ts'
import type { Seconds } from '../protocol/ports.ts'
import type { Reason } from '../protocol/reasons.ts'
import type { Signatures } from '../protocol/signatures.ts'
import type { PolicyFeed } from './policy/policy-feed.ts'

export interface Surroundings {
  fetchDocument: FetchDocument
  /** For addresses that anybody may send: it reaches nothing that the operator opened, and takes no turn of the other. */
  fetchUnlisted: FetchDocument
  now(): Seconds
  /** How signatures are computed. Absent: as usual. */
  signatures?: Signatures
  /** What administrators changed at run time. */
  policy: PolicyFeed
  /** Tells the operator what is wrong with somebody else's documents. */
  warn(message: string): void
  /** Told of each end of a fetch of a configured issuer's keys, with why it failed. Absent: nobody counts them. */
  onKeysFetched?: ((failure?: Reason) => void) | undefined
}

/** How far other people's clocks may be off. */
export const skew: Seconds = 30

/** The keys of somebody else's issuer, fetched when they are needed, and given up when an administrator says so. */
export function followedIssuerKeys(issuer: string, surroundings: Surroundings, jwksUri: string | undefined): KeySource {
  const { fetchDocument, now, warn, policy, onKeysFetched } = surroundings
  return issuerKeys({
    issuer,
    fetchDocument,
    now,
    warn,
    refuseBefore: () => policy.keysPurgedAt(issuer),
    isPurged: policy.isPurgedKey,
    ...(jwksUri === undefined ? {} : { jwksUri }),
    ...(onKeysFetched === undefined ? {} : { onFetched: onKeysFetched }),
  })
}

interface KeyPlace {
  issuer: string
  jwksUri?: string | undefined
}

/** The keys of many issuers, of whom some come and go: what was fetched for one that stays is kept. */
export interface KeptIssuerKeys {
  /** Nothing is fetched by asking for them. */
  of(place: KeyPlace): KeySource
  /** Forgets those of every other place. */
  keepOnly(stays: (place: KeyPlace) => boolean): void
}

/** Of none at first. */
export function keptIssuerKeys(surroundings: Surroundings): KeptIssuerKeys {
  const kept = new Map<string, { place: KeyPlace; keys: KeySource }>()
  return {
    of({ issuer, jwksUri }) {
      const text = JSON.stringify([issuer, jwksUri ?? null])
      const known = kept.get(text)
      if (known !== undefined) return known.keys
      const keys = followedIssuerKeys(issuer, surroundings, jwksUri)
      kept.set(text, { place: { issuer, jwksUri }, keys })
      return keys
    },
    keepOnly(stays) {
      for (const [text, { place }] of kept) if (!stays(place)) kept.delete(text)
    },
  }
}
