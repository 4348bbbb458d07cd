/** Your identity provider on Hono, wherever Hono runs, learns the ID-JAG exchange: your users, clients, connections and keys. */
import { Hono } from 'hono'
import {
  type IdentityProvider,
  type Ports,
  type TokenEndpoint,
  toFetchDocument,
  toFetchHandler,
  tokenExchange,
} from 'xaa-broker/fetch'

type Yours = { identityProvider: IdentityProvider; findClient: TokenEndpoint['findClient']; ports: Ports }

export function identityProvider({ identityProvider: idp, findClient, ports }: Yours) {
  const endpoint: TokenEndpoint = {
    role: 'idp',
    issuer: idp.issuer,
    action: 'exchange',
    grants: { 'urn:ietf:params:oauth:grant-type:token-exchange': tokenExchange(idp) },
    findClient,
    skew: idp.skew,
    policyVersion: () => 'first',
  }
  const answerToken = toFetchHandler(endpoint, ports, console.error)
  const answerKeys = toFetchDocument(() => idp.signingKeys.published())
  const app = new Hono()
  app.all('/token', (context) => answerToken(context.req.raw))
  app.all('/jwks', (context) => answerKeys(context.req.raw))
  return app
}
