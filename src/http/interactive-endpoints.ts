/** What a code grant brings along for the resource side's plugin: addresses, grants, routes. Its own room makes it. */

import type { FastifyInstance } from 'fastify'
import type { Client, ClientCredentials } from '../protocol/client-auth.ts'
import type { Metadata } from '../protocol/metadata.ts'
import type { ShownTokenRequest } from '../resource-as/shown-token.ts'
import type { OtherGrants } from './token-route.ts'

export interface InteractiveEndpoints {
  /** Members for the RFC 8414 document, in place of those of a server without the grant. */
  metadata: Metadata
  /** The values of `grant_type` that {@link InteractiveEndpoints.answer} serves. */
  grantTypes: readonly string[]
  answer: OtherGrants
  /** Registers `/authorize`, the pages, and what else the metadata names. */
  routes(app: FastifyInstance): Promise<void>
  /** True when the `token` of a revocation request looks like a refresh token, and not like an access token. */
  isRefreshToken(body: string): boolean
  /** The public client that a request without credentials names. Throws OAuthError `invalid_client` for one that is disabled. */
  findOpenClient(credentials: ClientCredentials): Promise<Client | undefined>
  /** Ends a refresh token and what came of it (RFC 7009). Throws OAuthError, after its audit event. */
  revoke(request: ShownTokenRequest): Promise<void>
}

/** The metadata of a server with the grant: public clients may come, too. */
export function withCodeGrant(metadata: Metadata, interactive: InteractiveEndpoints | undefined): Metadata {
  if (interactive === undefined) return metadata
  const list = (name: string) => [metadata[name] ?? []].flat().map(String)
  const open = ['token_endpoint_auth_methods_supported', 'revocation_endpoint_auth_methods_supported']
    .filter((name) => metadata[name] !== undefined)
    .map((name) => [name, [...list(name), 'none']] as const)
  return {
    ...metadata,
    grant_types_supported: [...list('grant_types_supported'), ...interactive.grantTypes],
    ...Object.fromEntries(open),
    ...interactive.metadata,
  }
}
