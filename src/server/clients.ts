/** The clients of one authorization server, as they are known now. */

import type { Awaitable } from '../protocol/awaitable.ts'
import type { Client } from '../protocol/client-auth.ts'
import { documentClient } from '../protocol/document-client.ts'
import { secretDigestOf } from '../protocol/secrets.ts'
import type { ProtectedResourceClient } from '../resource-as/introspect.ts'
import type { ClientConfig } from './config-schema.ts'
import type { DocumentClients } from './metadata-documents.ts'
import { builtFrom, type KnownEntries, keyText } from './policy/entries.ts'
import type { PolicyFeed } from './policy/policy-feed.ts'

/** What is known of a client, whichever role it is of. */
export type ClientEntry = Omit<ClientConfig, 'secret'> & { secretDigest?: Uint8Array | undefined }

/**
 * Finds a client by its id among those that are known now, or that may come by their document, disabled while it is blocked by its name
 * alone, or by it at this server. Fetches nothing.
 */
export function clientFinder(
  issuer: string,
  known: () => KnownEntries<ClientEntry>,
  policy: Pick<PolicyFeed, 'isOff'>,
  { documents, reachOf }: DocumentClients,
): (id: string) => Awaitable<Client | undefined> {
  const isOff = (id: string) => policy.isOff({ client: id }, { client: id, audience: issuer })
  const byDocument = ({ id, disabled, assertionAudienceAlso, boundTokens }: ClientEntry) => ({
    ...documentClient(
      { id, enabled: !disabled && !isOff(id), ...alsoAddressed(issuer, assertionAudienceAlso) },
      documents,
    ),
    ...(boundTokens === undefined ? {} : { boundTokens }),
  })
  const clients = builtFrom(known, (entries) => {
    const listed = [...entries.values()].filter(({ entry }) => entry.metadataDocument !== true)
    return new Map(listed.map(({ entry }) => [entry.id, clientOf(issuer, entry)]))
  })
  return (id) => {
    const client = clients().get(id)
    if (client !== undefined) return isOff(id) ? { ...client, enabled: false } : client
    const entry = known().get(keyText(id))?.entry
    if (entry !== undefined) return byDocument(entry)
    return reachOf(id) === undefined ? undefined : byDocument({ id, disabled: false })
  }
}

/** Finds the credentials of a protected resource, for introspection. */
export function protectedResourceFinder(
  issuer: string,
  configs: readonly (ClientConfig & { resources: readonly string[] })[],
): (id: string) => Promise<ProtectedResourceClient | undefined> {
  const known = new Map(
    configs.map(({ secret, ...config }) => {
      const secretDigest = secret === undefined ? undefined : secretDigestOf(secret)
      return [config.id, { ...clientOf(issuer, { ...config, secretDigest }), resources: config.resources }]
    }),
  )
  return async (id) => known.get(id)
}

function clientOf(
  issuer: string,
  { id, authMethods = [], secretDigest, jwks, disabled, assertionAudienceAlso, boundTokens }: ClientEntry,
): Client {
  return {
    id,
    enabled: !disabled,
    authMethods,
    ...(secretDigest === undefined ? {} : { secretDigest }),
    ...(jwks === undefined ? {} : { keys: jwks }),
    ...(boundTokens === undefined ? {} : { boundTokens }),
    ...alsoAddressed(issuer, assertionAudienceAlso),
  }
}

function alsoAddressed(issuer: string, also: ClientEntry['assertionAudienceAlso']) {
  return also === undefined ? {} : { assertionAudienceAlso: `${issuer}/token` }
}
