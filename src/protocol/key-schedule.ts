/** When our own keys sign and when they are published: everything follows from times in the key file and the clock. */

import type { JWK } from 'jose'
import type { Seconds } from './ports.ts'

/**
 * The times of one key. `signsFrom` absent: since ever. `publishedUntil` absent: without an end. At `publishedUntil` itself the key
 * is no longer published.
 */
export interface KeyTimes {
  signsFrom?: Seconds
  publishedUntil?: Seconds
}

/** A private JWK in a key file, with its times in seconds since 1970. These members are our own (RFC 7517 §4) and never published. */
export interface TimedJwk extends JWK {
  xaa_signs_from?: Seconds
  xaa_published_until?: Seconds
}

/** The times a private JWK carries; undefined when one of them is no number of seconds, or the key would end before it signs. */
export function timesOf({ xaa_signs_from: from, xaa_published_until: until }: TimedJwk): KeyTimes | undefined {
  if (!isTime(from) || !isTime(until)) return undefined
  if (from !== undefined && until !== undefined && until <= from) return undefined
  return {
    ...(from === undefined ? {} : { signsFrom: from }),
    ...(until === undefined ? {} : { publishedUntil: until }),
  }
}

function isTime(value: unknown): value is Seconds | undefined {
  return value === undefined || (typeof value === 'number' && Number.isFinite(value) && value >= 0)
}

/** True while a key is published, which it is before it signs, too. */
export function isPublishedAt({ publishedUntil }: KeyTimes, now: Seconds): boolean {
  return publishedUntil === undefined || now < publishedUntil
}

/**
 * The key that signs at a moment: of the published ones whose time to sign has come, the one whose time came last, and of equal ones
 * the first in the list. Where no time has come yet (a clock that was set back), the one that is next. Undefined only when no key
 * is published.
 */
export function signerAt<Key extends KeyTimes>(keys: Iterable<Key>, now: Seconds): Key | undefined {
  let signer: Key | undefined
  let next: Key | undefined
  for (const key of keys) {
    if (!isPublishedAt(key, now)) continue
    const from = startOf(key)
    if (from > now) {
      if (next === undefined || from < startOf(next)) next = key
    } else if (signer === undefined || from > startOf(signer)) signer = key
  }
  return signer ?? next
}

function startOf({ signsFrom = Number.NEGATIVE_INFINITY }: KeyTimes): number {
  return signsFrom
}
