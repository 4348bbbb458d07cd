/** Nonces for DPoP proofs (RFC 9449 §8): made of the time and a secret, so that every instance knows them and none keeps them. */

import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Seconds } from './ports.ts'

/** The nonces of one server, or of several that share a secret. */
export interface ProofNonces {
  /** The nonce to give out now. */
  current(now: Seconds): string
  /** Whether a nonce was given out in this window of 300 s or the one before, or by an instance whose clock is a window ahead. */
  accepts(nonce: string, now: Seconds): boolean
}

const windowLength: Seconds = 300
const minSecretLength = 32

/**
 * Nonces that live 5 to 10 minutes: the HMAC-SHA-256 of the number of a window of time. All instances of a server need the same `secret`.
 * Throws TypeError for a secret of fewer than 32 characters.
 */
export function proofNonces(secret: string): ProofNonces {
  if (secret.length < minSecretLength)
    throw new TypeError(`the secret of DPoP nonces needs ${minSecretLength} characters or more`)
  const nonceOf = (window: number) => createHmac('sha256', secret).update(`dpop-nonce ${window}`).digest('base64url')
  const windowAt = (now: Seconds) => Math.floor(now / windowLength)
  return {
    current: (now) => nonceOf(windowAt(now)),
    accepts(nonce, now) {
      const given = Buffer.from(nonce)
      return [0, -1, 1].some((offset) => {
        const expected = Buffer.from(nonceOf(windowAt(now) + offset))
        return given.length === expected.length && timingSafeEqual(given, expected)
      })
    },
  }
}
