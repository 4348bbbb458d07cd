/** An application made of oauth4webapi: it discovers the servers of a world, exchanges, and redeems. */

import * as oauth from 'oauth4webapi'
import { grantType, tokenType } from '../../src/protocol/names.ts'
import type { Credentials } from '../../src/testing/clients.ts'
import type { World } from '../../src/testing/world.ts'

export const onLoopback = { [oauth.allowInsecureRequests]: true }
// The one line that oauth4webapi needs: an ID-JAG is no access token, and its token_type says so.
const idJagAnswer = { recognizedTokenTypes: { n_a: () => {} } }

export interface Application {
  idp: oauth.AuthorizationServer
  chat: oauth.AuthorizationServer
  /** Asks for an ID-JAG for the chat, with parameters laid over a good request; by default alice's, for `assistant`. */
  exchange(
    client: Credentials,
    authentication: oauth.ClientAuth,
    change?: { [name: string]: string },
    options?: oauth.ProcessTokenResponseOptions,
  ): Promise<oauth.TokenEndpointResponse>
  redeem(client: Credentials, authentication: oauth.ClientAuth, assertion: string): Promise<oauth.TokenEndpointResponse>
}

export async function discover(issuer: string, algorithm: 'oauth2' | 'oidc'): Promise<oauth.AuthorizationServer> {
  const url = new URL(issuer)
  return await oauth.processDiscoveryResponse(url, await oauth.discoveryRequest(url, { algorithm, ...onLoopback }))
}

export async function applicationOf(world: World): Promise<Application> {
  const idp = await discover(world.idp.issuer, 'oauth2')
  const chat = await discover(world.resourceAs.chat.issuer, 'oauth2')
  return {
    idp,
    chat,
    async exchange(client, authentication, change = {}, options = idJagAnswer) {
      const parameters = {
        requested_token_type: tokenType.idJag,
        audience: chat.issuer,
        resource: world.resources.mcp,
        scope: 'chat.read',
        subject_token: await world.mintIdToken({ user: 'alice', client: 'assistant' }),
        subject_token_type: tokenType.idToken,
        ...change,
      }
      const as = { client_id: client.id }
      const grant = grantType.tokenExchange
      const answer = await oauth.genericTokenEndpointRequest(idp, as, authentication, grant, parameters, onLoopback)
      return await oauth.processGenericTokenEndpointResponse(idp, as, answer, options)
    },
    async redeem(client, authentication, assertion) {
      const as = { client_id: client.id }
      const grant = grantType.jwtBearer
      const answer = await oauth.genericTokenEndpointRequest(chat, as, authentication, grant, { assertion }, onLoopback)
      return await oauth.processGenericTokenEndpointResponse(chat, as, answer)
    },
  }
}
