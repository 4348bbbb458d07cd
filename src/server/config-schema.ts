/** The shape of the configuration: every key there is, its default, and what its value must be. */

import * as z from 'zod'
import { defaultAlgorithms } from '../protocol/keys.ts'
import { clientAuthMethods } from '../protocol/names.ts'
import { actorOfClient, actorsOfIssuer, copyActor, workloadIssuers } from './config-actors.ts'
import { clientDetails, connectionDetails, detailTypeNames, detailTypes } from './config-authorization-details.ts'
import { branches } from './config-branches.ts'
import { encryptionSchema, recipientSchema } from './config-encryption.ts'
import { codeGrantMembers, interactiveSchema, peopleName } from './config-interactive.ts'
import { limits, trustedProxies } from './config-limits.ts'
import { clientId, metadataDocument, metadataDocuments } from './config-metadata-documents.ts'
import { account, people, user } from './config-people.ts'
import { profile, resourceServerLimits, subjectIssuerNaming } from './config-profiles.ts'
import { connectionRefreshTokens, refreshTokens } from './config-refresh-tokens.ts'
import { samlAt, samlIssuers } from './config-saml.ts'
import { signInDemand, signInMember } from './config-sign-in.ts'
import { samlNames } from './config-subject-id.ts'
import { tenancy } from './config-tenants.ts'
import { transportMembers } from './config-transport.ts'
import {
  address,
  addressRange,
  algorithms,
  count,
  duration,
  emailDomain,
  foreignIssuer,
  foreignName,
  id,
  listen,
  ownIssuer,
  resource,
  scope,
} from './config-values.ts'
import { publicKeys, type Sources, secret, signingKeys } from './references.ts'
import { mapping } from './schema-problems.ts'
import { storeSetting } from './state.ts'

/** Whether each role's own issuer is loopback, known before the rest is read. */
export interface Development {
  idp: boolean
  resourceAs: boolean
}

/** Where each part listens unless the configuration says otherwise. */
export const usualListens = { idp: '127.0.0.1:4000', resourceAs: '127.0.0.1:4001', admin: '127.0.0.1:4010' } as const

/** The schema. It reads the files and variables that the configuration names, so it is parsed asynchronously. */
export function configSchema(sources: Sources, development: Development) {
  return mapping({
    idp: idpSchema(sources, development.idp).optional(),
    resourceAs: resourceAsSchema(sources, development.resourceAs).optional(),
    store: storeSetting(sources).prefault('lmdb'),
    audit: z
      .union([z.literal('stdout'), mapping({ file: z.string().min(1) })], { error: 'must be stdout or { file: path }' })
      .default('stdout'),
    outbound: mapping({ allowAddresses: z.array(addressRange).default([]) }).prefault({}),
    /** The administration over HTTP; absent, there is none. Its token is as strong as in production, wherever it runs. */
    admin: mapping({
      listen: listen.prefault(usualListens.admin),
      token: secret(sources, { development: false, clientSecret: true }),
      name: foreignName.default('administrator'),
    }).optional(),
    limits,
    trustedProxies,
    workers: count(64).default(1),
    instances: count(1000).default(1),
    shutdown: mapping({ delay: duration(0, 8).default(2) }).prefault({}),
  })
}

function idpSchema(sources: Sources, development: boolean) {
  return mapping({
    issuer: ownIssuer,
    listen: listen.prefault(usualListens.idp),
    ...transportMembers(sources),
    keys: signingKeys(sources),
    subjectIssuers: z.array(subjectIssuer).min(1),
    samlIssuers: samlIssuers(sources),
    workloadIssuers,
    users: z.array(user).default([]),
    clients: z.array(mapping({ ...clientMembers(sources, development), ...clientMembersAt.idp })),
    resourceServers: z.array(
      mapping({
        issuer: foreignIssuer,
        resources: z.array(resource).default([]),
        aliases: z.array(foreignName).default([]),
        encryption: recipientSchema(sources),
        ...resourceServerLimits,
        ...tenancy.resourceServer,
        ...detailTypes(sources),
        ...samlNames.resourceServer,
      }),
    ),
    connections: z.array(connection),
    refreshTokens,
    pairwiseSecret: secret(sources, { development, clientSecret: false }).optional(),
    /** DPoP proofs must hold a nonce that is made with it; absent, they need none. The same at every instance. */
    dpopNonceSecret: secret(sources, { development: false, clientSecret: false }).optional(),
    branches,
  })
}

const subjectIssuer = mapping({
  issuer: foreignIssuer,
  ...subjectIssuerNaming,
  ...tenancy.subjectIssuer,
  algorithms: algorithms.default([...defaultAlgorithms]),
  users: z.enum(['token', 'directory']),
  groupsClaim: z.string().min(1).default('groups'),
  jwksUri: address.optional(),
})

const authMethods = z.array(z.enum(clientAuthMethods)).min(1)

/** What every client has, beside its credentials. Without a metadata document, it has `authMethods`. */
export const plainClientMembers = {
  id: clientId,
  metadataDocument,
  authMethods: authMethods.optional(),
  assertionAudienceAlso: z.literal('tokenEndpoint').optional(),
  disabled: z.boolean().default(false),
  /** What all of its tokens are bound to (RFC 9449 §5.2, RFC 8705 §3.4). Absent: what each request brings. */
  boundTokens: z.enum(['dpop', 'certificate']).optional(),
}

/** What a client has at one role alone. */
export const clientMembersAt = {
  idp: {
    profile: profile('idpClient'),
    clientIdAt: z.record(z.string(), foreignName).default({}),
    samlAt,
    ...actorOfClient,
  },
  resourceAs: {
    profile: profile('resourceAsClient'),
    scopes: z.array(scope).min(1),
    resources: z.array(resource).min(1),
    ...clientDetails,
    ...codeGrantMembers,
    ...signInMember,
  },
}

function clientMembers(sources: Sources, development: boolean) {
  return {
    ...plainClientMembers,
    secret: secret(sources, { development, clientSecret: true }).optional(),
    jwks: publicKeys(sources).optional(),
  }
}

/** A protected resource authenticates as a client does, and never by a metadata document. */
function protectedResourceMembers(sources: Sources, development: boolean) {
  const { metadataDocument: _, ...members } = clientMembers(sources, development)
  return { ...members, id, authMethods }
}

/** A connection, in the file and at run time. */
export const connection = mapping({
  client: clientId,
  audience: z.string(),
  ...tenancy.connection,
  /** Absent for a client with a metadata document: it is the same everywhere (ID-JAG §5). */
  clientId: foreignName.optional(),
  scopes: z
    .array(
      z.union([scope, mapping({ name: scope, ...people, ...signInMember })], {
        error: 'must be a scope, or a mapping with its name and people',
      }),
    )
    .min(1),
  resources: z.array(resource).optional(),
  ...connectionDetails,
  ...people,
  signIn: signInDemand.prefault({}),
  refreshTokens: connectionRefreshTokens,
  lifetime: duration(10, 600).default(300),
  subject: z
    .union([z.enum(['same', 'pairwise']), mapping({ claim: z.string().min(1) })], {
      error: 'must be same, pairwise or { claim: NAME }',
    })
    .default('same'),
  ...samlNames.connection,
  claims: z.array(z.string().min(1)).default(['email', 'email_verified']),
  disabled: z.boolean().default(false),
})

function resourceAsSchema(sources: Sources, development: boolean) {
  return mapping({
    issuer: ownIssuer,
    listen: listen.prefault(usualListens.resourceAs),
    ...transportMembers(sources),
    keys: signingKeys(sources),
    resources: z
      .array(
        mapping({
          resource,
          scopes: z.array(scope).min(1),
          name: peopleName,
          boundTokens: z.boolean().optional(),
          ...detailTypeNames,
          ...signInMember,
        }),
      )
      .min(1),
    ...detailTypes(sources),
    clients: z.array(mapping({ ...clientMembers(sources, development), ...clientMembersAt.resourceAs })),
    /** Who may introspect tokens, with credentials that are no client's. */
    protectedResources: z
      .array(mapping({ ...protectedResourceMembers(sources, development), resources: z.array(resource).min(1) }))
      .default([]),
    metadataDocuments,
    interactive: interactiveSchema(sources, development),
    trustedIssuers: z.array(trustedIssuer),
    accounts: z.array(account).default([]),
    accessTokenLifetime: duration(60, 3600).default(600),
    copyActor,
    dpopNonceSecret: secret(sources, { development: false, clientSecret: false }).optional(),
    /** Whether a client that authenticates may ask which issuers are taken from it. */
    discovery: z.boolean().optional(),
    encryption: encryptionSchema(sources),
    branches,
  })
}

/** A trusted issuer, in the file and at run time. */
export const trustedIssuer = mapping({
  issuer: foreignIssuer,
  profile: profile('trustedIssuer'),
  ...tenancy.trustedIssuer,
  clients: z.array(clientId),
  /** Also every client that comes by `resourceAs.metadataDocuments`. */
  metadataDocuments: z.boolean().optional(),
  assertions: z.enum(['single-use', 'until-exp']).default('single-use'),
  maxLifetime: duration(10, 3600).default(3600),
  algorithms: algorithms.default([...defaultAlgorithms]),
  emailDomains: z.array(emailDomain).default([]),
  unknownUsers: z.enum(['refuse', 'create']).default('refuse'),
  ...samlNames.trustedIssuer,
  ...actorsOfIssuer,
  jwksUri: address.optional(),
  disabled: z.boolean().default(false),
})

/** A configuration that was read and judged: defaults filled in, secrets and keys at hand. */
export type ConfigValues = z.output<ReturnType<typeof configSchema>>
/** The part of it that makes an identity provider. */
export type IdpConfig = NonNullable<ConfigValues['idp']>
/** The part of it that makes a resource authorization server. */
export type ResourceAsConfig = NonNullable<ConfigValues['resourceAs']>
/** What the clients of both roles have in common. */
export type ClientConfig = Omit<IdpConfig['clients'][number], 'clientIdAt' | 'samlAt' | keyof typeof actorOfClient>
/** A connection that was read. */
export type ConnectionConfig = z.output<typeof connection>
/** A trusted issuer that was read. */
export type TrustedIssuerConfig = z.output<typeof trustedIssuer>
