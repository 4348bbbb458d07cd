/** The sign-in that a connection and its scopes demand, and the refusal that says what a better one would be (ID-JAG §9.2). */

import type { Seconds } from '../protocol/ports.ts'
import {
  demandParameters,
  type KnownSignIn,
  meets,
  type SignInDemand,
  signInText,
  together,
} from '../protocol/sign-in.ts'
import type { AccessDenial } from './decision.ts'

type JudgedSignIn = KnownSignIn & { now: Seconds; skew: Seconds }

/** The refusal where a sign-in does not meet a demand; undefined when it does. */
export function signInTooWeak(demand: SignInDemand, signIn: JudgedSignIn): AccessDenial | undefined {
  return meets(signIn, demand, signIn) ? undefined : tooWeak([demand], signIn)
}

/** What is answered says what meets all of the demands. */
function tooWeak(demands: readonly SignInDemand[], signIn: JudgedSignIn): AccessDenial {
  return {
    allowed: false,
    error: 'insufficient_user_authentication',
    description: 'a stronger or more recent sign-in is required',
    reason: 'step_up',
    detail: signInText(signIn),
    parameters: demandParameters(together(demands)),
  }
}

/**
 * Of the scopes that may be given, those for which the sign-in is good enough. One that was asked for and needs a better sign-in
 * refuses; so does it when none is left, because then the person could have them all.
 */
export function scopesForSignIn(
  scopes: readonly string[],
  asked: boolean,
  ofConnection: SignInDemand,
  entries: readonly { name: string; signIn?: SignInDemand }[],
  signIn: JudgedSignIn,
): string[] | AccessDenial {
  // A connection may have a scope in more than one entry, each for other people: any of a person's own will do.
  const demandsOf = (scope: string) => entries.filter(({ name }) => name === scope).map((entry) => entry.signIn ?? {})
  const good = scopes.filter((scope) => demandsOf(scope).some((demand) => meets(signIn, demand, signIn)))
  if (good.length === scopes.length || (!asked && good.length > 0)) return good
  const weak = scopes.filter((scope) => !good.includes(scope)).flatMap((scope) => demandsOf(scope).slice(0, 1))
  // Both at once: a fresh sign-in of a weaker class would only be refused for the other reason.
  return tooWeak([ofConnection, ...weak], signIn)
}
