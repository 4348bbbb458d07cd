/** How good a person's sign-in must have been, and whether one was (ID-JAG §9.2, RFC 9470). */

import type { ErrorParameters } from './errors.ts'
import type { Seconds } from './ports.ts'

/** What is demanded. An empty one demands nothing. */
export interface SignInDemand {
  /** Authentication context classes, any of which will do. */
  acr?: readonly string[] | undefined
  /** How long ago it may have been. */
  maxAge?: Seconds | undefined
}

/** What is known of a sign-in. What is not known meets no demand. */
export interface KnownSignIn {
  authTime?: Seconds | undefined
  acr?: string | undefined
}

/** Whether a sign-in is what is demanded. One in the future, beyond the skew, is none. */
export function meets(
  { authTime, acr }: KnownSignIn,
  { acr: accepted, maxAge }: SignInDemand,
  { now, skew }: { now: Seconds; skew: Seconds },
): boolean {
  if (accepted !== undefined && (acr === undefined || !accepted.includes(acr))) return false
  return maxAge === undefined || (authTime !== undefined && now - authTime <= maxAge + skew && authTime <= now + skew)
}

/** One demand that says what all of these do: the classes that each of them takes, and the shortest age. Where no class would do for all, the first's are said. */
export function together(demands: readonly SignInDemand[]): SignInDemand {
  const [first, ...others] = demands.flatMap(({ acr }) => (acr === undefined ? [] : [acr]))
  const ages = demands.flatMap(({ maxAge }) => (maxAge === undefined ? [] : [maxAge]))
  const shared = first?.filter((one) => others.every((accepted) => accepted.includes(one)))
  return {
    ...(first === undefined ? {} : { acr: shared?.length === 0 ? first : shared }),
    ...(ages.length === 0 ? {} : { maxAge: Math.min(...ages) }),
  }
}

/** A demand in the names of the wire (RFC 9470 §3; at a token endpoint ID-JAG §9.2). */
export function demandParameters({ acr, maxAge }: SignInDemand): ErrorParameters {
  return {
    ...(acr === undefined ? {} : { acr_values: acr.join(' ') }),
    ...(maxAge === undefined ? {} : { max_age: maxAge }),
  }
}

/** A sign-in as an operator reads it. */
export function signInText({ authTime, acr }: KnownSignIn): string {
  return `signed in at ${authTime ?? 'unknown'} with acr ${acr ?? 'unknown'}`
}
