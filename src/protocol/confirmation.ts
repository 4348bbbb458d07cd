/** The claim `cnf` of a token that is bound to a key (RFC 7800, RFC 9449 §6.1): how it is read, and whether a proof's key fits it. */

import * as z from 'zod'
import { JwtError } from './jwt-error.ts'

/** The claim as we write it: the RFC 7638 SHA-256 thumbprint of the key. */
export interface Confirmation {
  jkt: string
}

/** Absent where nothing is bound. */
export function confirmationOf(proofKey: string | undefined): Confirmation | undefined {
  return proofKey === undefined ? undefined : { jkt: proofKey }
}

const Confirmation = z.strictObject({ jkt: z.string().min(1) })

/**
 * Checks that a token with this `cnf` came with a proof by its key; a token without one passes. Throws {@link JwtError} `pop_missing`,
 * `pop_mismatch`, and `pop_unsupported` for every binding but a thumbprint alone (ID-JAG §9.8.1.2, POP-04, POP-05, POP-08).
 */
export function checkConfirmation(cnf: unknown, proofKey: string | undefined): void {
  if (cnf === undefined) return
  const read = Confirmation.safeParse(cnf)
  // RFC 7800 §3.1: an unknown binding is not "unbound", and of two none may be overlooked.
  if (!read.success) throw new JwtError('pop_unsupported', 'is bound in a way that cannot be checked here')
  if (proofKey === undefined) throw new JwtError('pop_missing', 'is bound to a key, and no DPoP proof came')
  if (read.data.jkt !== proofKey)
    throw new JwtError('pop_mismatch', 'is bound to another key than that of the DPoP proof')
}
