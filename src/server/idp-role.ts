/** Builds the identity provider that a configuration describes. */

import { type Connection, namesOf, type People, type ResourceServer, type User } from '../idp/connections.ts'
import type { IdentityProvider } from '../idp/exchange.ts'
import type { IdTokenIssuer } from '../idp/subject.ts'
import type { Client } from '../protocol/client-auth.ts'
import type { IdTokenClaims } from '../protocol/id-token.ts'
import type { SigningKeys } from '../protocol/keys.ts'
import { clientFinder } from './clients.ts'
import type { ConnectionConfig, IdpConfig } from './config-schema.ts'
import { builtFrom, idpEntries, type KnownEntries, keyText } from './policy/entries.ts'
import type { PolicyFeed } from './policy/policy-feed.ts'
import { followedIssuerKeys, type Surroundings, skew } from './surroundings.ts'

/** What the Fastify plugin of the role is given. */
export interface IdpRole {
  identityProvider: IdentityProvider
  findClient(id: string): Promise<Client | undefined>
}

/** `signingKeys` are those of `config.keys`, as they are by now. Nothing is fetched before the first request that needs it. */
export function idpRole(config: IdpConfig, surroundings: Surroundings, signingKeys: SigningKeys): IdpRole {
  const { issuer, pairwiseSecret } = config
  const { policy } = surroundings
  const known = builtFrom(policy.entries, (entries) => idpEntries(config, entries))
  const clientIdAt = (client: string, place: string): string => {
    const ids = known().clients.get(keyText(client))?.entry.clientIdAt ?? {}
    return (Object.hasOwn(ids, place) ? ids[place] : undefined) ?? client
  }
  const issuers = new Map(
    config.subjectIssuers.map((one) => [one.issuer, idTokenIssuer(one, config, surroundings, clientIdAt)]),
  )
  const servers = config.resourceServers.map((server): ResourceServer => ({ ...server, enabled: true }))
  const serverNow = (server: ResourceServer | undefined) =>
    server !== undefined && policy.isOff({ audience: server.issuer }) ? { ...server, enabled: false } : server
  return {
    identityProvider: {
      issuer,
      signingKeys,
      findIssuer(name) {
        const found = issuers.get(name)
        const off = policy.isOff({ issuer: name }) || policy.isOff({ issuer: name, audience: issuer })
        return found !== undefined && off ? { ...found, enabled: false } : found
      },
      findResourceServer: async (audience) =>
        serverNow(
          servers.find((server) => server.issuer === audience) ??
            servers.find((server) => server.aliases.includes(audience)),
        ),
      findConnection: connectionFinder(() => known().connections, config.resourceServers, policy),
      blocks: policy.blocks,
      ...(pairwiseSecret === undefined ? {} : { pairwiseSecret }),
      skew,
    },
    findClient: clientFinder(issuer, () => known().clients, policy),
  }
}

/** Finds the connection of a client to an audience among those that are known now, disabled while a block names exactly it. */
export function connectionFinder(
  known: () => KnownEntries<ConnectionConfig>,
  servers: readonly Pick<ResourceServer, 'issuer' | 'resources'>[],
  policy: Pick<PolicyFeed, 'isOff'>,
): IdentityProvider['findConnection'] {
  const connections = builtFrom(
    known,
    (entries) => new Map([...entries].map(([key, { entry }]) => [key, connectionOf(entry, servers)])),
  )
  return async (client, audience) => {
    const found = connections().get(keyText(client, audience))
    return found !== undefined && policy.isOff({ client, audience }) ? { ...found, enabled: false } : found
  }
}

function idTokenIssuer(
  { issuer, algorithms, jwksUri, users, groupsClaim }: IdpConfig['subjectIssuers'][number],
  config: IdpConfig,
  surroundings: Surroundings,
  clientIdAt: (client: string, issuer: string) => string,
): IdTokenIssuer {
  const directory = new Map(config.users.map((user) => [user.sub, userOf(user)]))
  return {
    issuer,
    enabled: true,
    keys: followedIssuerKeys(issuer, surroundings, jwksUri),
    algorithms,
    clientIdOf: (client) => clientIdAt(client, issuer),
    async findUser(claims) {
      const user = users === 'directory' ? directory.get(claims.sub) : userOfToken(claims, groupsClaim)
      const off = user !== undefined && namesOf(user).some((name) => surroundings.policy.isOff({ user: name }))
      return off ? { ...user, enabled: false } : user
    },
  }
}

/** The ID Token is the user record: whoever the issuer signed in is enabled. */
function userOfToken(claims: IdTokenClaims, groupsClaim: string): User {
  const groups = claims[groupsClaim]
  return {
    sub: claims.sub,
    enabled: true,
    groups: Array.isArray(groups) ? groups.filter((group) => typeof group === 'string') : [],
    claims,
  }
}

function userOf({ sub, disabled, groups, claims, email, emailVerified }: IdpConfig['users'][number]): User {
  return {
    sub,
    enabled: !disabled,
    groups,
    claims: { ...claims, ...(email === undefined ? {} : { email, email_verified: emailVerified }) },
  }
}

/** A connection as decisions go by it. One without resources of its own has all that its audience governs. */
export function connectionOf(
  config: ConnectionConfig,
  servers: readonly Pick<ResourceServer, 'issuer' | 'resources'>[],
): Connection {
  const { client, audience, clientId, disabled, signIn, lifetime, subject, claims } = config
  return {
    client,
    audience,
    clientThere: clientId,
    enabled: !disabled,
    who: peopleOf(config),
    scopes: config.scopes.map((scope) => (typeof scope === 'string' ? { name: scope } : scopeOf(scope))),
    resources: config.resources ?? servers.find(({ issuer }) => issuer === audience)?.resources ?? [],
    signIn: {
      ...(signIn.acr === undefined ? {} : { acr: signIn.acr }),
      ...(signIn.maxAge === undefined ? {} : { maxAge: signIn.maxAge }),
    },
    lifetime,
    subject: typeof subject === 'string' ? { kind: subject } : { kind: 'claim', claim: subject.claim },
    userClaims: claims,
  }
}

function scopeOf(scope: Exclude<ConnectionConfig['scopes'][number], string>): Connection['scopes'][number] {
  const limited = scope.everyone !== undefined || scope.users !== undefined || scope.groups !== undefined
  return limited ? { name: scope.name, who: peopleOf(scope) } : { name: scope.name }
}

function peopleOf({ everyone, users, groups }: Pick<ConnectionConfig, 'everyone' | 'users' | 'groups'>): People {
  return { ...(everyone === true ? { everyone } : {}), users: users ?? [], groups: groups ?? [] }
}
