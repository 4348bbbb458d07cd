/** The resource side as a Fastify plugin: redemption, metadata and keys under one issuer, and the status of issued tokens. */

import type { FastifyPluginAsync } from 'fastify'
import type { Awaitable } from '../protocol/awaitable.ts'
import type { Client } from '../protocol/client-auth.ts'
import type { ProofNonces } from '../protocol/dpop-nonces.ts'
import type { SigningKeys } from '../protocol/keys.ts'
import { resourceAuthorizationServerMetadata, withEncryption, withMetadataDocuments } from '../protocol/metadata.ts'
import { grantType } from '../protocol/names.ts'
import type { Ports } from '../protocol/ports.ts'
import { encryptionOf } from '../resource-as/encryption.ts'
import type { IntrospectionEndpoint } from '../resource-as/introspect.ts'
import { type ResourceAuthorizationServer, redemption } from '../resource-as/redeem.ts'
import { authorizationErrorPage } from './authorization-page.ts'
import { type ClientCertificates, certificateAddresses, certificateReader } from './client-certificates.ts'
import { discoveryRoute, withDiscovery } from './discovery-route.ts'
import { issuerPath, issuerRoot, serveDocument, wellKnownPaths } from './documents.ts'
import { type EndedTokenOptions, endedTokenAddresses, endedTokenRoutes } from './ended-token-routes.ts'
import { type InteractiveEndpoints, withCodeGrant } from './interactive-endpoints.ts'
import type { EndpointLimits } from './throttle.ts'
import { tokenRoute } from './token-route.ts'

export interface ResourceAsPluginOptions {
  resourceAuthorizationServer: ResourceAuthorizationServer
  /**
   * The keys of its access tokens, to be published. A host with tokens of its own gives its own. A server with statuses gives all of
   * {@link SigningKeys}, because it verifies its own tokens and signs its status lists.
   */
  signingKeys: Pick<SigningKeys, 'published'> & Partial<SigningKeys>
  findClient(id: string): Awaitable<Client | undefined>
  /** Who may introspect, with credentials of its own. Absent: nobody. It needs a server with statuses. */
  findProtectedResource?: IntrospectionEndpoint['findProtectedResource']
  /** True: a client that authenticates is told whether an issuer's ID-JAGs would be taken from it (ID-JAG §9.4). Absent: nobody is. */
  discovery?: boolean | undefined
  /** Asked for each answer: whether the metadata says that clients may identify themselves by a document. Absent: they may not. */
  acceptsMetadataDocuments?(): boolean
  /** The authorization code grant, for clients that no company manages. Absent: managed only. */
  interactive?: InteractiveEndpoints
  /** Nonces that DPoP proofs must hold. Absent: they need none. */
  proofNonces?: ProofNonces
  /** Where the certificates of clients come from. Absent: there are none, and the branch `mtls-cnf-binding` binds nothing. */
  clientCertificates?: ClientCertificates | undefined
  /** The origin where the same paths are served and certificates are asked for, if it is another one (RFC 8705 §5). */
  mtlsOrigin?: string | undefined
  ports: Ports
  /** Names the policy in force, for the audit. */
  policyVersion?(): string
  report?(error: unknown, correlationId: string): void
  limits?: EndpointLimits | undefined
}

/**
 * Serves a {@link ResourceAuthorizationServer} at the paths of its issuer: `/token`, `/jwks`, `/authorize` and the well-known document;
 * with statuses also `/revoke`, `/introspect`, `/status/…` and `/status-lists`, with discovery `/discover`. Register it without a prefix: the issuer's own path
 * decides. Throws TypeError for statuses without the keys that go with them, and for introspection without statuses.
 */
export const resourceAsPlugin: FastifyPluginAsync<ResourceAsPluginOptions> = async (app, options) => {
  const { resourceAuthorizationServer: server, signingKeys, findClient, ports } = options
  const { issuer, skew } = server
  const report = options.report ?? (() => {})
  const policyVersion = options.policyVersion ?? (() => 'unversioned')
  const path = issuerPath(issuer)
  const root = issuerRoot(issuer)
  const throttle = options.limits?.throttle
  const endedTokens = endedTokenOptions(options, { issuer, skew, findClient, ports, report, policyVersion, throttle })
  const { interactive } = options
  const managed = resourceAuthorizationServerMetadata(
    {
      issuer,
      tokenEndpoint: `${root}/token`,
      jwksUri: `${root}/jwks`,
      authorizationEndpoint: `${root}/authorize`,
      takesProofs: true,
      detailTypes: [...(server.detailTypes?.keys() ?? [])],
      ...certificateAddresses(options, path, server.branches),
    },
    [...new Set(server.resources.flatMap(({ scopes }) => scopes))],
    endedTokens === undefined ? undefined : endedTokenAddresses(endedTokens),
  )
  const encryption = encryptionOf(server)
  const offered = encryption && { algorithms: encryption.keys.map(({ alg }) => alg), required: encryption.required }
  const open = withEncryption(withCodeGrant(managed, interactive), offered)
  const document = withDiscovery(open, issuer, options.discovery === true)
  serveDocument(app, wellKnownPaths('oauth-authorization-server', path), () =>
    withMetadataDocuments(document, options.acceptsMetadataDocuments?.() === true),
  )
  const opening = encryption?.keys.map(({ published }) => published) ?? []
  serveDocument(app, [`${path}/jwks`], () => ({ keys: [...signingKeys.published().keys, ...opening] }))
  if (interactive !== undefined) await interactive.routes(app)
  else
    authorizationErrorPage(
      app,
      `${path}/authorize`,
      'This server takes identity assertions of the company that manages the application. It has no consent page.',
    )
  const redeem = redemption(server)
  await tokenRoute(app, {
    path: `${path}/token`,
    endpoint: {
      role: 'resource-as',
      issuer,
      action: 'redeem',
      grants: { [grantType.jwtBearer]: redeem, [grantType.jwtDpop]: redeem },
      proofs: { address: `${root}/token`, nonces: options.proofNonces },
      findClient,
      skew,
      policyVersion,
      takeShare: options.limits?.takeShare,
    },
    certificateOf: certificateReader(options.clientCertificates, { ports, skew }),
    ports,
    report,
    throttle,
    otherGrants: interactive?.answer,
    otherGrantTypes: interactive?.grantTypes,
    // Public clients may be pages in a browser.
    openOrigin: interactive !== undefined,
  })
  if (endedTokens !== undefined) await endedTokenRoutes(app, endedTokens)
  if (options.discovery === true)
    await discoveryRoute(app, { ...server, findClient, policyVersion, ports, report, throttle })
}

function endedTokenOptions(
  { resourceAuthorizationServer, signingKeys, findProtectedResource, interactive }: ResourceAsPluginOptions,
  endpoint: Omit<EndedTokenOptions, 'statuses' | 'signingKeys'>,
): EndedTokenOptions | undefined {
  const { statuses } = resourceAuthorizationServer
  if (statuses === undefined) {
    if (findProtectedResource === undefined) return undefined
    throw new TypeError('introspection needs a server with statuses')
  }
  if (!canSign(signingKeys))
    throw new TypeError('a server with statuses needs all of its signing keys, not the published ones alone')
  return { ...endpoint, statuses, findProtectedResource, signingKeys, interactive }
}

function canSign(keys: ResourceAsPluginOptions['signingKeys']): keys is SigningKeys {
  return keys.current !== undefined && keys.source !== undefined
}
