/** The clients of one authorization server, as they are known now. */

import { type Client, secretDigestOf } from '../protocol/client-auth.ts'
import type { ProtectedResourceClient } from '../resource-as/introspect.ts'
import type { ClientConfig } from './config-schema.ts'
import { builtFrom, type KnownEntries } from './policy/entries.ts'
import type { PolicyFeed } from './policy/policy-feed.ts'

/** What is known of a client, whichever role it is of. */
export type ClientEntry = Omit<ClientConfig, 'secret'> & { secretDigest?: Uint8Array | undefined }

/** Finds a client by its id among those that are known now, disabled while it is blocked by its name alone, or by it at this server. */
export function clientFinder(
  issuer: string,
  known: () => KnownEntries<ClientEntry>,
  policy: Pick<PolicyFeed, 'isOff'>,
): (id: string) => Promise<Client | undefined> {
  const clients = builtFrom(
    known,
    (entries) => new Map([...entries.values()].map(({ entry }) => [entry.id, clientOf(issuer, entry)])),
  )
  return async (id) => {
    const client = clients().get(id)
    const off = client !== undefined && (policy.isOff({ client: id }) || policy.isOff({ client: id, audience: issuer }))
    return off ? { ...client, enabled: false } : client
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
  { id, authMethods, secretDigest, jwks, disabled, assertionAudienceAlso }: ClientEntry,
): Client {
  return {
    id,
    enabled: !disabled,
    authMethods,
    ...(secretDigest === undefined ? {} : { secretDigest }),
    ...(jwks === undefined ? {} : { keys: jwks }),
    ...(assertionAudienceAlso === undefined ? {} : { assertionAudienceAlso: `${issuer}/token` }),
  }
}
