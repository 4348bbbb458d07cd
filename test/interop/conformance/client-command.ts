/** The client under test of the MCP conformance suite: an MCP session over our `fetch`, told the address and its own credentials. */

import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { type ClientAuthentication, clientSecretBasic, createCrossAppFetch } from '../../../src/client/client.ts'

/** What the suite tells the client of this scenario. */
interface Context {
  client_id: string
  client_secret: string
  idp_client_id: string
  idp_id_token: string
  idp_issuer: string
}

const { MCP_CONFORMANCE_CONTEXT = '{}' } = process.env
const context = JSON.parse(MCP_CONFORMANCE_CONTEXT) as Context
const url = new URL(process.argv[2] ?? '')

/** The suite's identity provider gives this client no secret, and our library has no public clients of its own accord. */
const publicClient: ClientAuthentication = {
  id: context.idp_client_id,
  async authenticate({ form }) {
    form.set('client_id', context.idp_client_id)
  },
}

/** Whom the client is registered with, which an operator writes down. The suite says it only in the metadata of the resource. */
async function authorizationServer(): Promise<string> {
  const answer = await fetch(new URL(`/.well-known/oauth-protected-resource${url.pathname}`, url))
  const { authorization_servers } = (await answer.json()) as { authorization_servers: [string] }
  return authorization_servers[0]
}

const crossAppFetch = createCrossAppFetch({
  identityProvider: { issuer: context.idp_issuer, client: publicClient },
  resourceServers: {
    [await authorizationServer()]: { client: clientSecretBasic(context.client_id, context.client_secret) },
  },
  subject: { idToken: () => context.idp_id_token },
})
const client = new Client({ name: 'xaa-broker', version: '1.0.0' })
await client.connect(new StreamableHTTPClientTransport(url, { fetch: crossAppFetch }))
const { tools } = await client.listTools()
console.log(tools.map(({ name }) => name).join(' '))
await client.close()
