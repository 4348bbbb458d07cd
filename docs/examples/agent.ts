/** Your application calls an API as the signed-in person, and knows nothing of the API but its address. */

import { clientSecretBasic, createCrossAppFetch, SignInRequired } from 'xaa-broker/client'

/** What your registrations gave you: one at the company's identity provider, one at the API's authorization server. */
export interface YourRegistrations {
  identityProvider: { issuer: string; id: string; secret: string }
  authorizationServer: { issuer: string; id: string; secret: string }
}

export function fetchAs(idToken: string, { identityProvider, authorizationServer }: YourRegistrations) {
  return createCrossAppFetch({
    identityProvider: {
      issuer: identityProvider.issuer,
      client: clientSecretBasic(identityProvider.id, identityProvider.secret),
    },
    // The list is also whom you trust: an API that names another server gets nothing.
    resourceServers: {
      [authorizationServer.issuer]: { client: clientSecretBasic(authorizationServer.id, authorizationServer.secret) },
    },
    subject: { idToken: () => idToken },
  })
}

/** True when only a new sign-in at the identity provider helps. Every other refusal is final: there is no other credential to try. */
export function mustSignInAgain(error: unknown): boolean {
  return error instanceof SignInRequired
}
