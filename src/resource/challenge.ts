/** A request that a guard does not let pass, with the exact answer for it (RFC 6750 §3, RFC 9449 §7.1). */

import { proofAlgorithms } from '../protocol/dpop.ts'
import type { HttpAnswer } from '../protocol/http-answer.ts'
import type { Reason } from '../protocol/reasons.ts'

/** The value of `algs` in a DPoP challenge. */
export const algs = proofAlgorithms.join(' ')

/** One way to come again, for the header `WWW-Authenticate`. */
export interface SchemeChallenge {
  scheme: 'Bearer' | 'DPoP'
  parameters: { readonly [name: string]: string }
}

/** What is thrown for it. */
export class Challenge extends Error {
  override readonly name = 'Challenge'
  readonly status: 400 | 401 | 403
  readonly wwwAuthenticate: string
  readonly reason: Reason
  /** Absent when no token came: such a request is no error (RFC 6750 §3.1). */
  readonly error: string | undefined
  /** The nonce that the next DPoP proof must hold (RFC 9449 §9). */
  readonly proofNonce: string | undefined

  constructor(
    status: 400 | 401 | 403,
    reason: Reason,
    message: string,
    challenges: readonly SchemeChallenge[],
    proofNonce?: string,
  ) {
    super(message)
    this.status = status
    this.reason = reason
    this.error = challenges.map(({ parameters }) => parameters.error).find((error) => error !== undefined)
    this.proofNonce = proofNonce
    this.wwwAuthenticate = challenges.map(written).join(', ')
  }
}

function written({ scheme, parameters }: SchemeChallenge): string {
  return `${scheme} ${Object.entries(parameters)
    .map(([name, value]) => `${name}="${value.replace(/["\\]/g, '')}"`)
    .join(', ')}`
}

/** How a challenge is answered. */
export function challengeAnswer({ status, wwwAuthenticate, error, proofNonce }: Challenge): HttpAnswer {
  const headers = {
    'www-authenticate': wwwAuthenticate,
    'cache-control': 'no-store',
    ...(proofNonce === undefined ? {} : { 'dpop-nonce': proofNonce }),
  }
  return { status, headers, body: error === undefined ? {} : { error } }
}
