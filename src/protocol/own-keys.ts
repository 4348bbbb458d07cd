/** Our own signing keys: read from a private JWK Set, and asked by the clock who signs and what is published. */

import { KeyObject } from 'node:crypto'
import { type CryptoKey, calculateJwkThumbprint, importJWK, type JWK } from 'jose'
import { unavailable } from './errors.ts'
import { isPublishedAt, type KeyTimes, signerAt, timesOf } from './key-schedule.ts'
import {
  entriesOf,
  isSignatureAlgorithm,
  type KeyEntry,
  KeySetError,
  pick,
  publicPartOf,
  type SignatureAlgorithm,
  type SigningKey,
  type SigningKeys,
  signatureAlgorithms,
} from './keys.ts'
import type { Seconds } from './ports.ts'

/** One of our own keys with everything about it: ready to sign, ready to verify, as it is published, and its times. */
export interface OwnKey extends SigningKey, KeyTimes {
  published: JWK
  entry: KeyEntry
}

/**
 * Reads our own private JWK Set, in its order. Throws {@link KeySetError} for an empty set, a key without its private part, a broken or
 * weak key, two keys alike, times that cannot be read, or a set in which every key comes to an end.
 */
export async function ownKeysOf(jwks: { keys: JWK[] }): Promise<OwnKey[]> {
  const read: Omit<OwnKey, 'entry'>[] = []
  for (const jwk of jwks.keys) {
    const alg = jwk.alg
    if (!isSignatureAlgorithm(alg)) throw new KeySetError(`has no alg of ${signatureAlgorithms.join(', ')}`)
    if (typeof jwk.d !== 'string') throw new KeySetError('has no private part')
    const signer = await signingKeyOf(jwk, alg)
    const times = timesOf(jwk)
    if (times === undefined)
      throw new KeySetError(
        `holds a key whose times cannot be used: ${signer.kid} (xaa_signs_from and xaa_published_until are seconds since 1970)`,
      )
    read.push({ ...signer, ...times, published: { ...publicPartOf(jwk), kid: signer.kid, use: 'sig', alg } })
  }
  if (read.length === 0) throw new KeySetError('holds no key')
  const entries = await entriesOf({ keys: read.map(({ published }) => published) })
  const keys = read.map((key): OwnKey => {
    const entry = entries.find(({ kid }) => kid === key.kid)
    if (entry?.keys.get(key.alg) === undefined) throw new KeySetError(`holds a key that is too weak: ${key.kid}`)
    return { ...key, entry }
  })
  if (keys.every(({ publishedUntil }) => publishedUntil !== undefined))
    throw new KeySetError('holds no key without an end: none would sign after it')
  return keys
}

/** Where {@link signingKeysAt} looks at each use: the keys as they are then, the clock, and the kids that are refused. */
export interface KeyRing {
  keys(): readonly OwnKey[]
  now(): Seconds
  isRefused(kid: string): boolean
}

/** Our keys by the clock: who signs and what is published follows from the times of each key ({@link signerAt}). */
export function signingKeysAt({ keys, now, isRefused }: KeyRing): SigningKeys {
  const present = () => keys().filter((key) => isPublishedAt(key, now()) && !isRefused(key.kid))
  return {
    current() {
      const signer = signerAt(present(), now())
      if (signer === undefined)
        throw unavailable('key_unusable', 'every signing key was purged: no token can be signed')
      return signer
    },
    published: () => ({ keys: present().map(({ published }) => published) }),
    source: {
      find: async ({ alg, kid }) => {
        const entries = present().map(({ entry }) => entry)
        return pick(entries, alg, kid)
      },
    },
  }
}

/**
 * Reads our own private JWK Set once. A key without times is published and signs since ever, the first before the others. Throws what
 * {@link ownKeysOf} throws, and {@link KeySetError} for a set with times when no clock is given.
 */
export async function signingKeysOf(jwks: { keys: JWK[] }, now?: () => Seconds): Promise<SigningKeys> {
  const keys = await ownKeysOf(jwks)
  if (now === undefined && keys.some(({ signsFrom, publishedUntil }) => (signsFrom ?? publishedUntil) !== undefined))
    throw new KeySetError('holds keys with times, and no clock was given to follow them')
  return signingKeysAt({ keys: () => keys, now: now ?? (() => 0), isRefused: () => false })
}

async function signingKeyOf(jwk: JWK, alg: SignatureAlgorithm): Promise<SigningKey> {
  try {
    const kid = jwk.kid ?? (await calculateJwkThumbprint(jwk))
    return { kid, alg, key: KeyObject.from((await importJWK(jwk, alg, { extractable: true })) as CryptoKey) }
  } catch (cause) {
    throw new KeySetError(`holds a key that is no valid ${alg} key`, { cause })
  }
}
