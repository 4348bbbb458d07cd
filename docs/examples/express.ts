/** Your authorization server on Express redeems ID-JAGs: your customers' issuers, your accounts, clients and tokens. */
import express from 'express'
import {
  type Ports,
  type ResourceAuthorizationServer,
  redemption,
  type TokenEndpoint,
  toNodeListener,
} from 'xaa-broker/fetch'

type Yours = Pick<
  ResourceAuthorizationServer,
  'issuer' | 'findTrustedIssuer' | 'findClientPolicy' | 'resolveSubject' | 'issue'
> &
  Pick<TokenEndpoint, 'findClient'> & { ports: Ports }

export function authorizationServer({ findClient, ports, ...yours }: Yours) {
  const resources = [{ resource: 'https://chat.example/mcp', scopes: ['chat.read', 'chat.write'] }]
  const grant = redemption({ ...yours, resources, skew: 30, clockAllowance: 30 })
  const endpoint: TokenEndpoint = {
    role: 'resource-as',
    issuer: yours.issuer,
    action: 'redeem',
    grants: { 'urn:ietf:params:oauth:grant-type:jwt-bearer': grant },
    findClient,
    skew: 30,
    policyVersion: () => 'first',
  }
  const app = express()
  // Before any body parser: the endpoint reads the body itself.
  app.all('/token', toNodeListener(endpoint, ports, console.error))
  return app
}
