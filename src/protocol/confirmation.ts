/** The claim `cnf` of a token that is bound to a key or to a certificate (RFC 7800, RFC 9449 §6.1, RFC 8705 §3.1), and what fits it. */

import * as z from 'zod'
import { type Branches, usualBranches } from './branches.ts'
import type { Client } from './client-auth.ts'
import { OAuthError } from './errors.ts'
import { JwtError } from './jwt-error.ts'

/** The claim as we write it: the RFC 7638 SHA-256 thumbprint of a key, or the SHA-256 of a certificate's DER, both base64url. */
export type Confirmation = { jkt: string } | { 'x5t#S256': string }

/** What came with a request to show who holds a token. */
export interface Possession {
  /** The thumbprint of the key of the DPoP proof. Absent: none came. */
  proofKey?: string | undefined
  /** The thumbprint of the client's certificate; null where none came. Absent: certificates mean nothing here. */
  certificate?: string | null | undefined
}

/**
 * What of a token request counts (ID-JAG §9.8; branch `mtls-cnf-binding`): the certificate only where the branch is in force. Throws
 * {@link OAuthError} for a client that promised to bind its tokens to its certificate and came without it. That proofs come where they were promised, the
 * token endpoint sees to.
 */
export function possessionOf(
  request: { client: Pick<Client, 'boundTokens'>; proofKey?: string | undefined; certificate?: string | undefined },
  branches: Branches = usualBranches,
): Possession {
  const { client, proofKey } = request
  const shown = { proofKey, certificate: branches['mtls-cnf-binding'] ? (request.certificate ?? null) : undefined }
  // RFC 8705 §3.4: the client said that its tokens are bound to its certificate; with a proof they would not be.
  if (client.boundTokens === 'certificate' && (typeof shown.certificate !== 'string' || proofKey !== undefined))
    throw new OAuthError('invalid_request', 'this client must come with its certificate, and without a DPoP proof', {
      reason: 'pop_required',
    })
  return shown
}

/** Absent where nothing is bound. Never both: with a proof, the proof's key (branch `mtls-cnf-binding`). */
export function confirmationOf({ proofKey, certificate }: Possession): Confirmation | undefined {
  if (proofKey !== undefined) return { jkt: proofKey }
  return typeof certificate === 'string' ? { 'x5t#S256': certificate } : undefined
}

const thumbprint = z.string().min(1)
const Confirmation = z.union([z.strictObject({ jkt: thumbprint }), z.strictObject({ 'x5t#S256': thumbprint })])

/**
 * Checks that a token with this `cnf` came with what it is bound to; a token without one passes. Throws {@link JwtError} `pop_missing`,
 * `pop_mismatch`, and `pop_unsupported` for every binding but one thumbprint alone, and for a certificate's where certificates mean
 * nothing (ID-JAG §9.8.1.2, RFC 8705 §3, POP-04, POP-05, POP-08).
 */
export function checkConfirmation(cnf: unknown, { proofKey, certificate }: Possession): void {
  if (cnf === undefined) return
  const read = Confirmation.safeParse(cnf)
  // RFC 7800 §3.1: an unknown binding is not "unbound", and of two none may be overlooked.
  if (!read.success || ('x5t#S256' in read.data && certificate === undefined))
    throw new JwtError('pop_unsupported', 'is bound in a way that cannot be checked here')
  if ('jkt' in read.data) {
    if (proofKey === undefined) throw new JwtError('pop_missing', 'is bound to a key, and no DPoP proof came')
    if (read.data.jkt !== proofKey)
      throw new JwtError('pop_mismatch', 'is bound to another key than that of the DPoP proof')
    return
  }
  if (certificate === null) throw new JwtError('pop_missing', 'is bound to a certificate, and none came')
  if (read.data['x5t#S256'] !== certificate)
    throw new JwtError('pop_mismatch', 'is bound to another certificate than that of the request')
}
