/** Shared secrets of high entropy: the form in which they are kept, and how one that is shown is compared with it. */

import { generateKeySync, hash, timingSafeEqual } from 'node:crypto'

const keyBytes = 32

/**
 * The form in which a secret is kept: 32 bytes of a key drawn for it alone, then the SHA-256 of that key and the secret, so it is another
 * one each time. Two clients with one secret do not look alike, and no guess is tried against all clients at once. Nothing here is slow:
 * it is only for secrets that cannot be guessed, of 256 random bits. Does NOT judge the secret.
 */
export function secretDigestOf(secret: string): Uint8Array {
  const key = generateKeySync('hmac', { length: 8 * keyBytes }).export()
  return Buffer.concat([key, keyedHash(key.toString('base64url'), secret)])
}

/** True for the secret that a {@link secretDigestOf} is of. One hash, whatever the answer, and compared in constant time. */
export function isSecretOf(digest: Uint8Array, secret: string): boolean {
  const { key, kept } = partsOf(digest)
  const shown = keyedHash(key, secret)
  return kept.length === shown.length && timingSafeEqual(kept, shown)
}

interface Parts {
  key: string
  kept: Uint8Array
}

/** Of digests that are kept in memory: taken apart once. */
const parts = new WeakMap<Uint8Array, Parts>()

function partsOf(digest: Uint8Array): Parts {
  const known = parts.get(digest)
  if (known !== undefined) return known
  const key = Buffer.from(digest.subarray(0, keyBytes)).toString('base64url')
  const taken = { key, kept: digest.subarray(keyBytes) }
  parts.set(digest, taken)
  return taken
}

/** The key has one length, so that it and the secret cannot run into each other; and it is no message that anybody chose. */
function keyedHash(key: string, secret: string): Buffer {
  // As text, and then as bytes: asked for bytes, Node makes a hash object, at four times the cost.
  return Buffer.from(hash('sha256', key + secret, 'binary'), 'binary')
}
