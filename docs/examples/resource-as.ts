/** Your own authorization server on Fastify redeems ID-JAGs: your customers' issuers, your accounts, clients and tokens. */
import Fastify from 'fastify'
import { type ResourceAsPluginOptions, type ResourceAuthorizationServer, resourceAsPlugin } from 'xaa-broker'

type Yours = Pick<ResourceAsPluginOptions, 'signingKeys' | 'findClient' | 'ports'> &
  Pick<ResourceAuthorizationServer, 'issuer' | 'findTrustedIssuer' | 'findClientPolicy' | 'resolveSubject' | 'issue'>

export async function startAuthorizationServer({ signingKeys, findClient, ports, ...yours }: Yours) {
  const resources = [{ resource: 'https://chat.example/mcp', scopes: ['chat.read', 'chat.write'] }]
  const app = Fastify()
  await app.register(resourceAsPlugin, {
    resourceAuthorizationServer: { ...yours, resources, skew: 30, clockAllowance: 30 },
    signingKeys,
    findClient,
    ports,
  })
  return app
}
