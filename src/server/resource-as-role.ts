/** Builds the resource authorization server that a configuration describes. */

import type { RegisteredClient } from '../interactive/options.ts'
import type { Awaitable } from '../protocol/awaitable.ts'
import type { Client } from '../protocol/client-auth.ts'
import type { SigningKeys } from '../protocol/keys.ts'
import type { Seconds } from '../protocol/ports.ts'
import { type Accounts, accountsBySubject } from '../resource-as/accounts.ts'
import type { ProtectedResourceClient } from '../resource-as/introspect.ts'
import { jwtAccessTokens } from '../resource-as/issue.ts'
import type { ResourceAuthorizationServer } from '../resource-as/redeem.ts'
import type { ClientPolicy } from '../resource-as/trust.ts'
import type { Records } from '../store/store.ts'
import { clientFinder, protectedResourceFinder } from './clients.ts'
import { detailTypesOf, givenDetail } from './config-authorization-details.ts'
import type { ResourceAsConfig } from './config-schema.ts'
import { type DocumentClients, documentClients } from './metadata-documents.ts'
import { builtFrom, keyText, resourceAsEntries } from './policy/entries.ts'
import type { ResourceAsClientEntry } from './policy/entry-records.ts'
import { storedTokenStatuses } from './policy/token-statuses.ts'
import { storedAccounts } from './stored-accounts.ts'
import { samlNameRules } from './subject-id-role.ts'
import { type Surroundings, skew } from './surroundings.ts'
import { trustedIssuerFinder } from './trusted-issuers.ts'

/** The clocks of the processes that share a store, and one clock that is set back a little between two requests. */
const clockAllowance: Seconds = 5

/** What the Fastify plugin of the role is given, beside its keys. */
export interface ResourceAsRole {
  resourceAuthorizationServer: ResourceAuthorizationServer
  findClient(id: string): Awaitable<Client | undefined>
  /** The clients that identify themselves by a metadata document, for every grant of this server. */
  documentClients: DocumentClients
  /** True while there may be any. */
  acceptsMetadataDocuments(): boolean
  /** A client that is listed, or may come by its document, with what the code grant wants to know of it. */
  findRegistered(id: string): Promise<RegisteredClient | undefined>
  accounts: Accounts
  /** True: clients may ask which issuers are taken from them. */
  discovery: boolean
  /** Absent: nobody may introspect. */
  findProtectedResource?(id: string): Promise<ProtectedResourceClient | undefined>
}

/** `signingKeys` are those of the configuration, as they are by now. Nothing is fetched before the first request that needs it. */
export function resourceAsRole(
  config: Omit<ResourceAsConfig, 'keys' | 'listen'>,
  surroundings: Surroundings,
  records: Records,
  signingKeys: SigningKeys,
): ResourceAsRole {
  const { issuer, resources, accessTokenLifetime } = config
  const { policy, now } = surroundings
  const known = builtFrom(policy.entries, (entries) => resourceAsEntries(config, entries))
  const { metadataDocuments: unlisted } = config
  const byDocument = documentClients({ issuer, known: () => known().clients, unlisted }, surroundings)
  const policies = builtFrom(known, ({ clients }) => {
    const entries = [...clients.values()].map(({ entry }) => [entry.id, clientPolicy(entry)] as const)
    return new Map(entries)
  })
  const policyByDocument = (client: string): ClientPolicy | undefined => {
    const reach = unlisted?.idJag === true ? byDocument.reachOf(client) : undefined
    return reach === undefined ? undefined : { ...reach, byDocument: true }
  }
  const samlIssuers = builtFrom(known, ({ trustedIssuers }) => {
    const rules = [...trustedIssuers.values()].map(({ entry }) => samlNameRules(entry))
    return new Set(rules.flatMap((one) => one?.samlIssuers ?? []))
  })
  const accounts = storedAccounts({ records, server: issuer, entries: config.accounts })
  const findClient = clientFinder(issuer, () => known().clients, policy, byDocument)
  return {
    resourceAuthorizationServer: {
      issuer,
      findTrustedIssuer: trustedIssuerFinder(issuer, () => known().trustedIssuers, surroundings),
      isSamlIssuer: async (entityId) => samlIssuers().has(entityId),
      resources: resources.map(({ authorizationDetailsTypes, ...one }) => ({
        ...one,
        detailTypes: authorizationDetailsTypes,
      })),
      detailTypes: detailTypesOf(config.authorizationDetailsTypes),
      findClientPolicy: (client) => policies().get(client) ?? policyByDocument(client),
      resolveSubject: accountsBySubject(accounts),
      issue: jwtAccessTokens({
        issuer,
        signingKeys,
        lifetime: accessTokenLifetime,
        copyActor: config.copyActor === true,
        signatures: surroundings.signatures,
      }),
      blocks: policy.blocks,
      branches: config.branches,
      encryption: config.encryption,
      statuses: storedTokenStatuses({ records, feed: policy, now }),
      accessTokenLifetime,
      skew,
      clockAllowance,
    },
    accounts,
    discovery: config.discovery === true,
    findClient,
    async findRegistered(id) {
      const client = await findClient(id)
      const { redirectUris = [], name } = known().clients.get(keyText(id))?.entry ?? {}
      return client === undefined ? undefined : { client, redirectUris, name }
    },
    documentClients: byDocument,
    acceptsMetadataDocuments: byDocument.areAccepted,
    ...(config.protectedResources.length === 0
      ? {}
      : { findProtectedResource: protectedResourceFinder(issuer, config.protectedResources) }),
  }
}

function clientPolicy({ scopes, resources, authorizationDetails, signIn }: ResourceAsClientEntry): ClientPolicy {
  const details = authorizationDetails?.map(givenDetail)
  return { scopes, resources, signIn, ...(details === undefined ? {} : { details }) }
}
