/** The shape of the configuration: every key there is, its default, and what its value must be. */

import * as z from 'zod'
import { defaultAlgorithms } from '../protocol/keys.ts'
import { type actorOfClient, copyActor, workloadIssuers } from './config-actors.ts'
import { detailTypeNames, detailTypes } from './config-authorization-details.ts'
import { branches } from './config-branches.ts'
import { clientMembers, clientMembersAt, protectedResourceMembers } from './config-clients.ts'
import { connection } from './config-connection.ts'
import { encryptionSchema, recipientSchema } from './config-encryption.ts'
import { interactiveSchema, peopleName } from './config-interactive.ts'
import { limits, trustedProxies } from './config-limits.ts'
import { metadataDocuments } from './config-metadata-documents.ts'
import { account, user } from './config-people.ts'
import { resourceServerLimits, subjectIssuerNaming } from './config-profiles.ts'
import { refreshTokens } from './config-refresh-tokens.ts'
import { samlIssuers } from './config-saml.ts'
import { signInMember } from './config-sign-in.ts'
import { signatures, subjectTokenCache } from './config-signatures.ts'
import { samlNames } from './config-subject-id.ts'
import { tenancy } from './config-tenants.ts'
import { transportMembers } from './config-transport.ts'
import { trustedIssuer } from './config-trusted-issuer.ts'
import {
  address,
  addressRange,
  algorithms,
  count,
  duration,
  foreignIssuer,
  foreignName,
  listen,
  ownIssuer,
  resource,
  scope,
} from './config-values.ts'
import { type Sources, secret, signingKeys } from './references.ts'
import { mapping } from './schema-problems.ts'
import { storeSetting } from './state.ts'

/** Whether each role's own issuer is loopback, known before the rest is read. */
export interface Development {
  idp: boolean
  resourceAs: boolean
}

/** Where each part listens unless the configuration says otherwise. */
export const usualListens = {
  idp: '127.0.0.1:4000',
  resourceAs: '127.0.0.1:4001',
  admin: '127.0.0.1:4010',
  metrics: '127.0.0.1:4020',
} as const

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
    /** Where Prometheus reads what is counted; absent, nothing is. The token may be left out where only this machine gets there. */
    metrics: mapping({
      listen: listen.prefault(usualListens.metrics),
      token: secret(sources, { development: false, clientSecret: true }).optional(),
    }).optional(),
    limits,
    trustedProxies,
    signatures,
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
    /** May be empty where people are known by SAML alone. */
    subjectIssuers: z.array(subjectIssuer).default([]),
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
    subjectTokenCache,
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
