/** Your own API on Fastify gets a guard: nobody passes without an access token of its authorization server. */

import Fastify from 'fastify'
import {
  defaultAlgorithms,
  type FetchDocument,
  type KeySource,
  type Ports,
  principalOf,
  resourcePlugin,
  statusLists,
} from 'xaa-broker'

export async function startApi(keys: KeySource, fetchDocument: FetchDocument, ports: Ports) {
  const app = Fastify()
  await app.register(resourcePlugin, {
    resource: 'https://chat.example/mcp',
    authorizationServer: 'https://auth.chat.example',
    keys,
    algorithms: defaultAlgorithms,
    scopes: ['chat.read', 'chat.write'],
    skew: 30,
    maxLifetime: 3600,
    revocation: statusLists({ fetchDocument }),
    ports,
    requiredScopes: (request) => (request.method === 'GET' ? ['chat.read'] : ['chat.write']),
    routes(api) {
      api.get('/mcp', async (request) => ({ you: principalOf(request).account, through: principalOf(request).client }))
    },
  })
  return app
}
