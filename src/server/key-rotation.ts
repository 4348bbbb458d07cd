/** The life of our signing keys: made, rotated by time, retired when it is over, and purged in an emergency. */

import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose'
import type { KeyManagementAlgorithm } from '../protocol/encryption-keys.ts'
import { isPublishedAt, type KeyTimes, signerAt, type TimedJwk, timesOf } from '../protocol/key-schedule.ts'
import { isSignatureAlgorithm, publicPartOf, type SignatureAlgorithm } from '../protocol/keys.ts'
import type { Seconds } from '../protocol/ports.ts'

/** Longer than a well-behaved verifier uses a JWK Set without asking again; ours do for at most 600 s. */
export const defaultLead: Seconds = 3600
/** Longer than any token of ours lives (an access token up to 3600 s, an ID-JAG up to 600 s), with the difference between clocks. */
export const defaultKeep: Seconds = 7200

/** A change of keys that is refused: a sentence without its subject, the key file, and what to do about it. */
export class RotationError extends Error {
  override readonly name = 'RotationError'
  readonly remedyFor: (path: string) => string
  constructor(fact: string, remedyFor: (path: string) => string) {
    super(fact)
    this.remedyFor = remedyFor
  }
}

/** A private key of a key file with its id and its times. */
export interface TimedKey extends KeyTimes {
  kid: string
  jwk: JWK
}

/** Makes a private JWK with `kid` (its thumbprint, RFC 7638), `use` and `alg`. */
export async function newPrivateKey(alg: SignatureAlgorithm | KeyManagementAlgorithm): Promise<JWK & { kid: string }> {
  const { privateKey } = await generateKeyPair(alg, { extractable: true })
  const jwk = await exportJWK(privateKey)
  return { ...jwk, kid: await calculateJwkThumbprint(jwk), use: isSignatureAlgorithm(alg) ? 'sig' : 'enc', alg }
}

/** The keys of a checked key file, each with its id (its thumbprint where it names none) and its times. */
export async function timedKeysOf(keys: readonly JWK[]): Promise<TimedKey[]> {
  return await Promise.all(
    keys.map(async (jwk) => ({
      kid: jwk.kid ?? (await calculateJwkThumbprint(publicPartOf(jwk))),
      jwk,
      ...timesOf(jwk),
    })),
  )
}

/** The keys as they stand in a key file. */
export function privateJwksOf(keys: readonly TimedKey[]): TimedJwk[] {
  return keys.map(({ kid, jwk, signsFrom, publishedUntil }) => {
    const { xaa_signs_from: _from, xaa_published_until: _until, ...rest }: TimedJwk = jwk
    return {
      ...rest,
      kid,
      ...(signsFrom === undefined ? {} : { xaa_signs_from: signsFrom }),
      ...(publishedUntil === undefined ? {} : { xaa_published_until: publishedUntil }),
    }
  })
}

/**
 * The keys with one more, which is published from now on and signs after `lead`; the one that signs now stays published until `keep`
 * after that. Keys whose time is over go. Throws {@link RotationError} while an earlier rotation has not taken effect.
 */
export function rotated(
  keys: readonly TimedKey[],
  added: TimedKey,
  { now, lead, keep }: { now: Seconds; lead: Seconds; keep: Seconds },
): TimedKey[] {
  const pending = keys.find(isPendingAt(now))
  if (pending !== undefined)
    throw new RotationError(
      `is being rotated: key ${pending.kid} signs from ${momentText(pending.signsFrom)}, and the next rotation can begin then`,
      (path) => `wait until then, or take the key back: xaa keys purge ${path} ${pending.kid}`,
    )
  const signer = signerAt(keys, now)
  const signsFrom = Math.ceil(now + lead)
  return [
    ...keys
      .filter((key) => isPublishedAt(key, now))
      .map((key) => (key === signer ? { ...key, publishedUntil: signsFrom + keep } : key)),
    { ...added, signsFrom },
  ]
}

/** The keys without those whose time is over. Throws {@link RotationError} when there is none of them, and says when there will be. */
export function retired(keys: readonly TimedKey[], now: Seconds): TimedKey[] {
  const left = keys.filter((key) => isPublishedAt(key, now))
  if (left.length < keys.length) return left
  const [next] = keys
    .flatMap(({ kid, publishedUntil }) => (publishedUntil === undefined ? [] : [{ kid, publishedUntil }]))
    .sort((one, other) => one.publishedUntil - other.publishedUntil)
  if (next === undefined)
    throw new RotationError(
      'holds no key that comes to an end',
      (path) => `put another in the place of the one that signs: xaa keys rotate ${path}`,
    )
  throw new RotationError(
    `holds no key whose time is over: ${next.kid} stays published until ${momentText(next.publishedUntil)}`,
    (path) => `wait until then, or, if it may be in the wrong hands: xaa keys purge ${path} ${next.kid}`,
  )
}

/** What a purge leaves behind. */
export interface Purge {
  keys: TimedKey[]
  signer: TimedKey
  /** True when verifiers may not know the signer yet: it was made now, or was published for less than its lead. */
  unknownYet: boolean
}

/**
 * The keys without one, at once and whatever its time. When it was the one that signs, the one before it signs again; without one,
 * the next signs now; without that, a new one does, which `make` makes. Throws {@link RotationError} for a kid that is not there.
 */
export async function purged(
  keys: readonly TimedKey[],
  kid: string,
  now: Seconds,
  make: (gone: TimedKey) => Promise<TimedKey>,
): Promise<Purge> {
  const gone = keys.find((key) => key.kid === kid)
  if (gone === undefined)
    throw new RotationError(`holds no key ${kid}`, (path) => `show what it holds: xaa keys list ${path}`)
  const wasSigner = signerAt(keys, now) === gone
  const left = keys.filter((key) => key !== gone)
  const isPending = isPendingAt(now)
  const pending = left.find(isPending)
  const before = signerAt(
    left.filter((key) => !isPending(key)),
    now,
  )
  // It takes the place of the purged key and the end of it, for which a pending rotation may have set a time.
  if (before !== undefined)
    return settled(left, before, wasSigner ? gone.publishedUntil : before.publishedUntil, pending, false)
  if (pending !== undefined) {
    const started = { ...pending, signsFrom: Math.floor(now) }
    return settled(replaced(left, pending, started), started, undefined, undefined, true)
  }
  const made = await make(gone)
  return { keys: [...left.filter((key) => isPublishedAt(key, now)), made], signer: made, unknownYet: true }
}

/** The signer of a purge with its end, which it has only when another key is to follow it. */
function settled(
  keys: readonly TimedKey[],
  signer: TimedKey,
  end: Seconds | undefined,
  pending: TimedKey | undefined,
  unknownYet: boolean,
): Purge {
  const { publishedUntil: _, ...endless } = signer
  const kept = pending === undefined || end === undefined ? endless : { ...signer, publishedUntil: end }
  return { keys: replaced(keys, signer, kept), signer: kept, unknownYet }
}

function replaced(keys: readonly TimedKey[], one: TimedKey, other: TimedKey): TimedKey[] {
  return keys.map((key) => (key === one ? other : key))
}

type PendingKey = TimedKey & { signsFrom: Seconds }

function isPendingAt(now: Seconds): (key: TimedKey) => key is PendingKey {
  return (key): key is PendingKey => key.signsFrom !== undefined && key.signsFrom > now
}

/** A moment as people read it, in UTC and whole seconds. */
export function momentText(at: Seconds): string {
  return new Date(at * 1000).toISOString().replace(/\.\d+Z$/, 'Z')
}
