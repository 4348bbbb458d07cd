/** The resource side as a Fastify plugin: redemption, metadata and keys under one issuer. */

import type { FastifyPluginAsync } from 'fastify'
import type { Client } from '../protocol/client-auth.ts'
import type { SigningKeys } from '../protocol/keys.ts'
import { resourceAuthorizationServerMetadata } from '../protocol/metadata.ts'
import { grantType } from '../protocol/names.ts'
import type { Ports } from '../protocol/ports.ts'
import { type ResourceAuthorizationServer, redemption } from '../resource-as/redeem.ts'
import { authorizationErrorPage } from './authorization-page.ts'
import { issuerPath, issuerRoot, serveDocument, wellKnownPaths } from './documents.ts'
import { tokenRoute } from './token-route.ts'

export interface ResourceAsPluginOptions {
  resourceAuthorizationServer: ResourceAuthorizationServer
  /** The keys of its access tokens, to be published. A host with tokens of its own gives its own. */
  signingKeys: Pick<SigningKeys, 'published'>
  findClient(id: string): Promise<Client | undefined>
  ports: Ports
  /** Names the policy in force, for the audit. */
  policyVersion?(): string
  report?(error: unknown, correlationId: string): void
}

/**
 * Serves a {@link ResourceAuthorizationServer} at the paths of its issuer: `/token`, `/jwks`, `/authorize` and the well-known
 * document. Register it without a prefix: the issuer's own path decides.
 */
export const resourceAsPlugin: FastifyPluginAsync<ResourceAsPluginOptions> = async (app, options) => {
  const { resourceAuthorizationServer: server, signingKeys, ports } = options
  const { issuer, skew } = server
  const path = issuerPath(issuer)
  const root = issuerRoot(issuer)
  const document = resourceAuthorizationServerMetadata(
    {
      issuer,
      tokenEndpoint: `${root}/token`,
      jwksUri: `${root}/jwks`,
      authorizationEndpoint: `${root}/authorize`,
    },
    [...new Set(server.resources.flatMap(({ scopes }) => scopes))],
  )
  serveDocument(app, wellKnownPaths('oauth-authorization-server', path), () => document)
  serveDocument(app, [`${path}/jwks`], () => signingKeys.published())
  authorizationErrorPage(
    app,
    `${path}/authorize`,
    'This server takes identity assertions of the company that manages the application. It has no consent page.',
  )
  await tokenRoute(app, {
    path: `${path}/token`,
    endpoint: {
      role: 'resource-as',
      issuer,
      action: 'redeem',
      grants: { [grantType.jwtBearer]: redemption(server) },
      findClient: options.findClient,
      skew,
      policyVersion: options.policyVersion ?? (() => 'unversioned'),
    },
    ports,
    report: options.report ?? (() => {}),
  })
}
