/** The chat vendor of the fixture on a port of 127.0.0.1, with a protected resource that may introspect, for verifiers in other processes. */

import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { jwtAccessTokens } from '../../../src/resource-as/issue.ts'
import { mcp, search } from '../../fixture/addresses.ts'
import type { Credentials } from '../../fixture/clients.ts'
import { enterprise, redeem } from '../../fixture/enterprise.ts'
import { signingKeysNamed } from '../../fixture/keys.ts'
import { resourceClient, testStatuses } from '../../fixture/statuses.ts'

export interface ServedVendor {
  issuer: string
  /** The resource its tokens are for, unless another is asked for. */
  resource: string
  /** The resource at the authorization server. */
  api: Credentials
  /** An access token of alice, issued so many seconds ago; it lives for ten minutes. */
  token(change?: { resource?: string; secondsAgo?: number }): Promise<string>
  /** What an operator does: from now on the token is dead. */
  revoke(token: string): Promise<void>
  close(): Promise<void>
}

/** A second resource of the same vendor. */
export const otherResource = search

export async function servedVendor(): Promise<ServedVendor> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const { entry, credentials } = await resourceClient('chat-api', [mcp])
  const world = await enterprise({
    issuer,
    issue: jwtAccessTokens({ issuer, signingKeys: await signingKeysNamed(['chat-1']), lifetime: 600 }),
    accessTokenLifetime: 600,
    statuses: testStatuses(),
    plugin: { findProtectedResource: async (id) => (id === entry.id ? entry : undefined) },
  })
  await world.chat.app.ready()
  server.on('request', (request, response) => world.chat.app.routing(request, response))
  const systemNow = () => Math.floor(Date.now() / 1000)
  world.clock.now = systemNow()
  return {
    issuer,
    resource: mcp,
    api: credentials,
    async token({ resource = mcp, secondsAgo = 0 } = {}) {
      world.clock.now = systemNow() - secondsAgo
      const scope = resource === mcp ? 'chat.read' : 'search.read'
      const answer = await redeem(world, { claims: { aud: issuer, resource, scope } })
      world.clock.now = systemNow()
      return answer.json<{ access_token: string }>().access_token
    },
    async revoke(token) {
      const { id, secret } = world.chat.clients.basic
      await fetch(`${issuer}/revoke`, {
        method: 'POST',
        headers: { authorization: `Basic ${btoa(`${id}:${secret}`)}` },
        body: new URLSearchParams({ token }),
      })
    },
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
