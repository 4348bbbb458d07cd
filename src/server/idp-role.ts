/** Builds the identity provider that a configuration describes. */

import { type Connection, namesOf, type People, type ResourceServer, type User } from '../idp/connections.ts'
import type { IdentityProvider } from '../idp/exchange.ts'
import type { IdTokenIssuer } from '../idp/subject.ts'
import type { Awaitable } from '../protocol/awaitable.ts'
import type { Client } from '../protocol/client-auth.ts'
import type { IdTokenClaims } from '../protocol/id-token.ts'
import type { SigningKeys } from '../protocol/keys.ts'
import { personIdOf, personRules } from '../protocol/person.ts'
import { verifiedTokens } from '../protocol/verified-tokens.ts'
import type { Records } from '../store/store.ts'
import { actorsOf } from './actors-role.ts'
import { clientFinder } from './clients.ts'
import { detailTypesOf, givenToPeople } from './config-authorization-details.ts'
import type { ConnectionConfig, IdpConfig } from './config-schema.ts'
import { demandOf } from './config-sign-in.ts'
import { recipientOf } from './encryption-role.ts'
import { documentClients } from './metadata-documents.ts'
import { inTenant, tenantNamed } from './person-tenant.ts'
import { builtFrom, idpEntries, type KnownEntries, keyText } from './policy/entries.ts'
import type { PolicyFeed } from './policy/policy-feed.ts'
import { refreshTokensOf } from './refresh-tokens-role.ts'
import { samlAssertionsOf } from './saml-role.ts'
import { samlNameMapping } from './subject-id-role.ts'
import { followedIssuerKeys, type Surroundings, skew } from './surroundings.ts'

/** What the Fastify plugin of the role is given. */
export interface IdpRole {
  identityProvider: IdentityProvider
  findClient(id: string): Awaitable<Client | undefined>
  /** True while a client may identify itself by a metadata document. */
  acceptsMetadataDocuments(): boolean
  /** The types of authorization details of all resource servers. */
  detailTypes: readonly string[]
}

/** `signingKeys` are those of `config.keys`, as they are by now. Nothing is fetched before the first request that needs it. */
export function idpRole(
  config: IdpConfig,
  surroundings: Surroundings,
  signingKeys: SigningKeys,
  records: Records,
): IdpRole {
  const { issuer, pairwiseSecret } = config
  const { policy } = surroundings
  const known = builtFrom(policy.entries, (entries) => idpEntries(config, entries))
  const documents = documentClients({ issuer, known: () => known().clients }, surroundings)
  const idsElsewhere = builtFrom(known, ({ clients }) => {
    const named = [...clients.values()].filter(({ entry }) => entry.clientIdAt !== undefined)
    return new Map(named.map(({ entry }) => [entry.id, entry.clientIdAt ?? {}]))
  })
  const clientIdAt = (client: string, place: string): string => {
    const ids = idsElsewhere().get(client)
    return (ids !== undefined && Object.hasOwn(ids, place) ? ids[place] : undefined) ?? client
  }
  const directory = new Map(config.users.map((user) => [user.sub, userOf(user)]))
  const issuers = new Map(
    config.subjectIssuers.flatMap((one) => {
      const issuer = idTokenIssuer(one, directory, surroundings, clientIdAt)
      return [one.issuer, ...(one.aliases ?? [])].map((name) => [name, issuer])
    }),
  )
  const servers = config.resourceServers.map(
    ({ authorizationDetailsTypes, ...server }): ResourceServer => ({
      ...server,
      detailTypes: detailTypesOf(authorizationDetailsTypes),
      encryptionKey: recipientOf(server, surroundings),
      enabled: true,
    }),
  )
  // An issuer identifier is stronger than an alias, and of several the first counts.
  const serversByName = new Map([
    ...servers.toReversed().flatMap((server) => server.aliases.map((alias) => [alias, server] as const)),
    ...servers.toReversed().map((server) => [server.issuer, server] as const),
  ])
  const serverNow = (server: ResourceServer | undefined) =>
    server !== undefined && policy.isOff({ audience: server.issuer }) ? { ...server, enabled: false } : server
  return {
    identityProvider: {
      issuer,
      signingKeys,
      subjectTokens: verifiedTokens(config.subjectTokenCache),
      findIssuer(name) {
        const found = issuers.get(name)
        if (found === undefined) return undefined
        const { issuer: named } = found
        return policy.isOff({ issuer: named }, { issuer: named, audience: issuer })
          ? { ...found, enabled: false }
          : found
      },
      findResourceServer: (audience) => serverNow(serversByName.get(audience)),
      findConnection: connectionFinder(() => known().connections, config.resourceServers, policy),
      ...refreshTokensOf(config, { records, policy, directory }),
      blocks: policy.blocks,
      branches: config.branches,
      ...actorsOf(config, surroundings, () => known().clients),
      samlAssertions: samlAssertionsOf(
        config,
        (client, entityId) => known().clients.get(keyText(client))?.entry.samlAt?.[entityId],
        { directory: config.users.map(userOf), policy },
      ),
      ...(pairwiseSecret === undefined ? {} : { pairwiseSecret }),
      skew,
    },
    findClient: clientFinder(issuer, () => known().clients, policy, documents),
    acceptsMetadataDocuments: documents.areAccepted,
    detailTypes: [...new Set(servers.flatMap((server) => [...(server.detailTypes?.keys() ?? [])]))],
  }
}

/** What a connection takes from the entry of its resource server. */
type ServedServer = Pick<
  IdpConfig['resourceServers'][number],
  'issuer' | 'resources' | 'maxLifetime' | 'samlEntityId' | 'namesTenant'
>

/**
 * Finds the connection of a client to an audience among those that are known now, disabled while a block names exactly it: the one for
 * people of this tenant alone, or else the one that names no tenant.
 */
export function connectionFinder(
  known: () => KnownEntries<ConnectionConfig>,
  servers: readonly ServedServer[],
  policy: Pick<PolicyFeed, 'isOff'>,
): IdentityProvider['findConnection'] {
  const ready = new WeakMap<ConnectionConfig, Connection>()
  const readied = (entry: ConnectionConfig): Connection => {
    const made = ready.get(entry) ?? connectionOf(entry, servers)
    ready.set(entry, made)
    return made
  }
  return (client, audience, tenant) => {
    const own = tenant === undefined ? undefined : known().get(keyText(client, audience, tenant))
    const entry = (own ?? known().get(keyText(client, audience)))?.entry
    if (entry === undefined) return undefined
    const off =
      policy.isOff({ client, audience }) ||
      (entry.tenant !== undefined && policy.isOff({ client, audience, tenant: entry.tenant }))
    return off ? { ...readied(entry), enabled: false } : readied(entry)
  }
}

function idTokenIssuer(
  {
    issuer,
    algorithms,
    jwksUri,
    users,
    groupsClaim,
    userClaim,
    tenantClaim,
    tenants,
    tenant,
  }: IdpConfig['subjectIssuers'][number],
  directory: ReadonlyMap<string, User>,
  surroundings: Surroundings,
  clientIdAt: (client: string, issuer: string) => string,
): IdTokenIssuer {
  const rules = personRules({ userClaim, tenantClaim, tenants })
  return {
    issuer,
    enabled: true,
    keys: followedIssuerKeys(issuer, surroundings, jwksUri),
    algorithms,
    clientIdOf: (client) => clientIdAt(client, issuer),
    findUser(claims) {
      const id = personIdOf(claims, rules)
      const place = tenantNamed(claims, tenant)
      const user =
        users === 'directory' ? inTenant(directory.get(id), place) : userOfToken(id, place, claims, groupsClaim)
      const off = user !== undefined && surroundings.policy.isOff(...namesOf(user).map((name) => ({ user: name })))
      return off ? { ...user, enabled: false } : user
    },
  }
}

/** The ID Token is the user record: whoever the issuer signed in is enabled. */
function userOfToken(id: string, tenant: string | undefined, claims: IdTokenClaims, groupsClaim: string): User {
  const groups = claims[groupsClaim]
  return {
    sub: id,
    tenant,
    enabled: true,
    groups: Array.isArray(groups) ? groups.filter((group) => typeof group === 'string') : [],
    claims,
  }
}

function userOf({ sub, tenant, disabled, groups, claims, email, emailVerified }: IdpConfig['users'][number]): User {
  return {
    sub,
    ...(tenant === undefined ? {} : { tenant }),
    enabled: !disabled,
    groups,
    claims: { ...claims, ...(email === undefined ? {} : { email, email_verified: emailVerified }) },
  }
}

/** A connection as decisions go by it. One without resources of its own has all that its audience governs. */
export function connectionOf(config: ConnectionConfig, servers: readonly ServedServer[]): Connection {
  const server = servers.find(({ issuer }) => issuer === config.audience)
  const { tenant, everyTenant, audTenant, audSubClaim } = config
  const { client, audience, clientId, disabled, signIn, refreshTokens, lifetime, subject, claims } = config
  return {
    client,
    audience,
    tenant,
    everyTenant,
    namesTenant: server?.namesTenant,
    audTenant,
    audSubClaim,
    // ID-JAG §5: the address of a metadata document is the client's id at both sides.
    clientThere: clientId ?? client,
    enabled: !disabled,
    who: peopleOf(config),
    scopes: config.scopes.map((scope) => (typeof scope === 'string' ? { name: scope } : scopeOf(scope))),
    resources: config.resources ?? server?.resources ?? [],
    ...detailsOf(config),
    signIn: demandOf(signIn),
    ...(refreshTokens === undefined ? {} : { refreshTokens }),
    lifetime: Math.min(lifetime, server?.maxLifetime ?? lifetime),
    subject: typeof subject === 'string' ? { kind: subject } : { kind: 'claim', claim: subject.claim },
    subjectId: samlNameMapping(config, server?.samlEntityId),
    userClaims: claims,
  }
}

function scopeOf(scope: Exclude<ConnectionConfig['scopes'][number], string>): Connection['scopes'][number] {
  const { everyone, users, groups, workloads } = scope
  const limited = [everyone, users, groups, workloads].some((named) => named !== undefined)
  return {
    name: scope.name,
    ...(limited ? { who: peopleOf(scope) } : {}),
    ...(scope.signIn === undefined ? {} : { signIn: demandOf(scope.signIn) }),
  }
}

function detailsOf({ authorizationDetails }: ConnectionConfig): Pick<Connection, 'details'> {
  if (authorizationDetails === undefined) return {}
  return {
    details: authorizationDetails.map(givenToPeople).map(({ detail, who }) => ({
      detail,
      ...(who === undefined ? {} : { who: peopleOf(who) }),
    })),
  }
}

function peopleOf({
  everyone,
  users,
  groups,
  workloads,
}: Pick<ConnectionConfig, 'everyone' | 'users' | 'groups' | 'workloads'>): People {
  return { ...(everyone === true ? { everyone } : {}), users: users ?? [], groups: groups ?? [], workloads }
}
