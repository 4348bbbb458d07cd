/** The clients of one authorization server, from its configuration. */

import { type Client, secretDigestOf } from '../protocol/client-auth.ts'
import type { ProtectedResourceClient } from '../resource-as/introspect.ts'
import type { ClientConfig } from './config-schema.ts'
import type { PolicyFeed } from './policy/policy-feed.ts'

/** Finds a client by its id, disabled while it is blocked by its name alone. Of a secret, only the digest is kept. */
export function clientFinder(
  issuer: string,
  configs: readonly ClientConfig[],
  policy: PolicyFeed,
): (id: string) => Promise<Client | undefined> {
  const clients = new Map(configs.map((config) => [config.id, clientOf(issuer, config)]))
  return async (id) => {
    const client = clients.get(id)
    return client !== undefined && policy.isOff({ client: id }) ? { ...client, enabled: false } : client
  }
}

/** Finds the credentials of a protected resource, for introspection. */
export function protectedResourceFinder(
  issuer: string,
  configs: readonly (ClientConfig & { resources: readonly string[] })[],
): (id: string) => Promise<ProtectedResourceClient | undefined> {
  const known = new Map(
    configs.map((config) => [config.id, { ...clientOf(issuer, config), resources: config.resources }]),
  )
  return async (id) => known.get(id)
}

function clientOf(
  issuer: string,
  { id, authMethods, secret, jwks, disabled, assertionAudienceAlso }: ClientConfig,
): Client {
  return {
    id,
    enabled: !disabled,
    authMethods,
    ...(secret === undefined ? {} : { secretDigest: secretDigestOf(secret) }),
    ...(jwks === undefined ? {} : { keys: jwks }),
    ...(assertionAudienceAlso === undefined ? {} : { assertionAudienceAlso: `${issuer}/token` }),
  }
}
