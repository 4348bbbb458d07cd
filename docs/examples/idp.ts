/** Your own identity provider on Fastify learns the ID-JAG exchange: your users, clients, connections and keys. */
import Fastify from 'fastify'
import { defaultAlgorithms, type IdentityProvider, type IdpPluginOptions, idpPlugin, type User } from 'xaa-broker'

type Yours = Pick<IdentityProvider, 'issuer' | 'signingKeys' | 'findResourceServer' | 'findConnection'> &
  Pick<IdpPluginOptions, 'findClient' | 'ports'> & { findUser(sub: string): Promise<User | undefined> }

export async function startIdp({ findUser, findClient, ports, ...yours }: Yours) {
  const ownIdTokens = {
    issuer: yours.issuer,
    enabled: true,
    keys: yours.signingKeys.source,
    algorithms: defaultAlgorithms,
    clientIdOf: (client: string) => client,
    findUser: ({ sub }: { sub: string }) => findUser(sub),
  }
  const findIssuer = (issuer: string) => (issuer === yours.issuer ? ownIdTokens : undefined)
  const app = Fastify()
  await app.register(idpPlugin, { identityProvider: { ...yours, findIssuer, skew: 30 }, findClient, ports })
  return app
}
