/** The clients of one authorization server, from its configuration. */

import { type Client, secretDigestOf } from '../protocol/client-auth.ts'
import type { ClientConfig } from './config-schema.ts'

/** Finds a client by its id. Of a secret, only the digest is kept. */
export function clientFinder(
  issuer: string,
  configs: readonly ClientConfig[],
): (id: string) => Promise<Client | undefined> {
  const clients = new Map(configs.map((config) => [config.id, clientOf(issuer, config)]))
  return async (id) => clients.get(id)
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
