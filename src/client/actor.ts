/** Who acts for the person, as the client shows it at the exchange: by an assertion of its own, or by a token that the application has (RFC 8693 §2.1). */

import type { AuthorizationServer } from './authorization-server.ts'
import type { AssertionAudience, ClientAuthentication } from './client-authentication.ts'
import { CrossAppError } from './cross-app-error.ts'
import type { TokenRequestPorts } from './token-answer.ts'

/** `privateKeyJwt(…)`: an assertion of the client's own, new for every exchange. A function: the JWT it gives, asked for at every exchange. */
export type ActorOption = ClientAuthentication | (() => string | Promise<string>)

/**
 * The actor token for one exchange; undefined without an actor. It is NOT looked into: the identity provider judges it. Throws
 * CrossAppError `check` where there is nothing to show, and what the application's function throws.
 */
export async function actorTokenOf(
  actor: ActorOption | undefined,
  { issuer, tokenEndpoint }: AuthorizationServer,
  assertionAudience: AssertionAudience | undefined,
  { now, newId }: Pick<TokenRequestPorts, 'now' | 'newId'>,
): Promise<string | undefined> {
  if (actor === undefined) return undefined
  const assertionOf = async (client: ClientAuthentication): Promise<string | null> => {
    const form = new URLSearchParams()
    const request = { headers: new Headers(), form, issuer, tokenEndpoint }
    const addressed = assertionAudience === undefined ? request : { ...request, assertionAudience }
    await client.authenticate(addressed, { now, newId })
    return form.get('client_assertion')
  }
  const token = typeof actor === 'function' ? await actor() : await assertionOf(actor)
  if (!token) {
    throw new CrossAppError(
      'the actor that the application gave shows no token: it must be privateKeyJwt or a function',
      {
        step: 'exchange',
        stop: 'check',
        server: issuer,
      },
    )
  }
  return token
}
