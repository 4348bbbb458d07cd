/** The sign-in that a resource or a client's entry demands of what is shown for an access token (ID-JAG D-22). */

import { OAuthError } from '../protocol/errors.ts'
import type { Seconds } from '../protocol/ports.ts'
import { demandParameters, type KnownSignIn, meets, signInText, together } from '../protocol/sign-in.ts'
import type { ClientPolicy, GovernedResource } from './trust.ts'

/**
 * Refuses a sign-in that is not what the client's entry and each of the granted resources demand, and says what meets all of them. Throws OAuthError `insufficient_user_authentication`: the person signs in again
 * at the identity provider, never here; and `access_denied` for a workload, which signs in nowhere.
 */
export function refuseWeakSignIn(
  signIn: KnownSignIn & { subjectProfile?: string | undefined },
  policy: Pick<ClientPolicy, 'signIn'>,
  granted: readonly string[],
  { resources, skew }: { resources: readonly GovernedResource[]; skew: Seconds },
  now: Seconds,
): void {
  const demands = policy.signIn === undefined ? [] : [policy.signIn]
  for (const one of resources) if (one.signIn !== undefined && granted.includes(one.resource)) demands.push(one.signIn)
  if (demands.every((demand) => meets(signIn, demand, { now, skew }))) return
  if (signIn.subjectProfile !== undefined)
    throw new OAuthError('access_denied', 'a sign-in is demanded, and a workload has none', { reason: 'policy_denied' })
  throw new OAuthError('insufficient_user_authentication', 'a stronger or more recent sign-in is required', {
    reason: 'step_up',
    detail: signInText(signIn),
    parameters: demandParameters(together(demands)),
  })
}
