/** Shared secrets of high entropy: the form in which they are kept, and how one that is shown is compared with it. */

import { createHmac, createSecretKey, generateKeySync, type KeyObject, timingSafeEqual } from 'node:crypto'

const keyBits = 256
const keyBytes = keyBits / 8

/**
 * The form in which a secret is kept: 32 bytes of a key drawn for it alone, then the HMAC-SHA-256 of the secret under that key, so it is
 * another one each time. Two clients with one secret do not look alike, and no guess is tried against all clients at once. Nothing here is
 * slow: it is only for secrets that cannot be guessed, of 256 random bits. Does NOT judge the secret.
 */
export function secretDigestOf(secret: string): Uint8Array {
  const key = generateKeySync('hmac', { length: keyBits })
  return Buffer.concat([key.export(), keyedHash(key, secret)])
}

/** True for the secret that a {@link secretDigestOf} is of. One HMAC, whatever the answer, and compared in constant time. */
export function isSecretOf(digest: Uint8Array, secret: string): boolean {
  const kept = digest.subarray(keyBytes)
  const shown = keyedHash(keyOf(digest), secret)
  return kept.length === shown.length && timingSafeEqual(kept, shown)
}

/** Of digests that are kept in memory: read once. */
const keys = new WeakMap<Uint8Array, KeyObject>()

function keyOf(digest: Uint8Array): KeyObject {
  const known = keys.get(digest)
  if (known !== undefined) return known
  const key = createSecretKey(digest.subarray(0, keyBytes))
  keys.set(digest, key)
  return key
}

function keyedHash(key: KeyObject, secret: string): Buffer {
  return createHmac('sha256', key).update(secret).digest()
}
