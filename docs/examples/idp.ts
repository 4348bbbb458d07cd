/** Your own identity provider on Fastify learns the ID-JAG exchange: your users, your clients, your keys. */

import Fastify from 'fastify'
import {
  type Client,
  type Connection,
  defaultAlgorithms,
  idpPlugin,
  type Ports,
  type SigningKeys,
  type User,
} from 'xaa-broker'

/** What you have already. */
export interface YourIdp {
  issuer: string
  signingKeys: SigningKeys
  findClient(id: string): Promise<Client | undefined>
  findUser(sub: string): Promise<User | undefined>
  connections: Connection[]
}

export async function startIdp(yours: YourIdp, ports: Ports) {
  const app = Fastify()
  const { issuer, signingKeys, findClient, findUser, connections } = yours
  const ownIdTokens = {
    issuer,
    enabled: true,
    keys: signingKeys.source,
    algorithms: defaultAlgorithms,
    clientIdOf: (client: string) => client,
    findUser: ({ sub }: { sub: string }) => findUser(sub),
  }
  await app.register(idpPlugin, {
    identityProvider: {
      issuer,
      signingKeys,
      findIssuer: (iss) => (iss === issuer ? ownIdTokens : undefined),
      findResourceServer: async (audience) =>
        audience === 'https://auth.chat.example'
          ? { issuer: audience, aliases: [], resources: ['https://chat.example/mcp'], enabled: true }
          : undefined,
      findConnection: async (client, audience) =>
        connections.find((one) => one.client === client && one.audience === audience),
      skew: 30,
    },
    findClient,
    ports,
  })
  return app
}
