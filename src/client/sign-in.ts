/** The application's way to a new sign-in, taken once where a server demands one (ID-JAG §9.2, RFC 9470 §4; CL-11). */

import type { Seconds } from '../protocol/ports.ts'
import { SignInRequired } from './cross-app-error.ts'

/** What the new sign-in must bring, to be passed on to the identity provider as `acr_values` and `max_age`. */
export interface DemandedSignIn {
  /** Best first; empty when nothing was said. */
  acrValues: readonly string[]
  /** Undefined when any age will do. 0 is a fresh sign-in, and a demand. */
  maxAge: Seconds | undefined
  /** The server that demands it; the identity provider where there is nothing to show it. */
  server: string | undefined
}

/**
 * Makes what runs work, and has the person sign in when it rejects with {@link SignInRequired}: once, then the work is run again, and a
 * second demand is final. Works that demand the same at the same time share one sign-in. Without `signIn`, work is only run.
 */
export function signingIn(
  signIn: ((demanded: DemandedSignIn) => Promise<void>) | undefined,
): <Result>(work: () => Promise<Result>) => Promise<Result> {
  const running = new Map<string, Promise<void>>()
  return async (work) => {
    try {
      return await work()
    } catch (cause) {
      if (signIn === undefined || !(cause instanceof SignInRequired)) throw cause
      const { acrValues, maxAge, server } = cause
      const key = JSON.stringify([acrValues, maxAge])
      const asked = running.get(key) ?? signIn({ acrValues, maxAge, server }).finally(() => running.delete(key))
      running.set(key, asked)
      await asked
      return await work()
    }
  }
}
