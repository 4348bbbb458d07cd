/** Your own authorization server on Fastify redeems ID-JAGs: your accounts, your clients, your tokens. */

import Fastify from 'fastify'
import {
  type Client,
  type Issue,
  type Ports,
  type ResolveSubject,
  resourceAsPlugin,
  type SigningKeys,
  type TrustedIssuer,
} from 'xaa-broker'

/** What you have already. */
export interface YourAuthorizationServer {
  issuer: string
  signingKeys: SigningKeys
  findClient(id: string): Promise<Client | undefined>
  /** Your customer's identity provider, from your own configuration. */
  findTrustedIssuer(issuer: string): Promise<TrustedIssuer | undefined>
  /** Your accounts: the id of the one that belongs to `iss` + `sub`, or undefined. */
  resolveSubject: ResolveSubject
  /** Your token format. */
  issue: Issue
}

export async function startAuthorizationServer(yours: YourAuthorizationServer, ports: Ports) {
  const app = Fastify()
  const { issuer, signingKeys, findClient, findTrustedIssuer, resolveSubject, issue } = yours
  const resource = 'https://chat.example/mcp'
  await app.register(resourceAsPlugin, {
    resourceAuthorizationServer: {
      issuer,
      findTrustedIssuer,
      resources: [{ resource, scopes: ['chat.read', 'chat.write'] }],
      findClientPolicy: async () => ({ scopes: ['chat.read', 'chat.write'], resources: [resource] }),
      resolveSubject,
      issue,
      skew: 30,
      clockAllowance: 30,
    },
    signingKeys,
    findClient,
    ports,
  })
  return app
}
