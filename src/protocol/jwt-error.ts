/** Why a JWT was not accepted: one error for every way to fail, with a reason word and no OAuth code. */

import type { Reason } from './reasons.ts'

/** The caller gives it the OAuth code that its own step of the protocol asks for. */
export class JwtError extends Error {
  override readonly name = 'JwtError'
  readonly reason: Reason
  constructor(reason: Reason, message: string, options?: { cause: unknown }) {
    super(message, options)
    this.reason = reason
  }
}
