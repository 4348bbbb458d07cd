/** The identity provider side as a Fastify plugin: token exchange, metadata and keys under one issuer. */

import type { FastifyPluginAsync } from 'fastify'
import { type IdentityProvider, tokenExchange } from '../idp/exchange.ts'
import type { Awaitable } from '../protocol/awaitable.ts'
import { usualBranches } from '../protocol/branches.ts'
import type { Client } from '../protocol/client-auth.ts'
import type { ProofNonces } from '../protocol/dpop-nonces.ts'
import { keyManagementAlgorithms } from '../protocol/encryption-keys.ts'
import {
  identityProviderMetadata,
  type Metadata,
  withEncryption,
  withMetadataDocuments,
  withRefreshTokens,
} from '../protocol/metadata.ts'
import { grantType } from '../protocol/names.ts'
import type { Ports } from '../protocol/ports.ts'
import { authorizationErrorPage } from './authorization-page.ts'
import { type ClientCertificates, certificateAddresses, certificateReader } from './client-certificates.ts'
import { issuerPath, issuerRoot, serveDocument, wellKnownPaths } from './documents.ts'
import { revocationRoute } from './revocation-route.ts'
import type { EndpointLimits } from './throttle.ts'
import { type OtherGrants, tokenRoute } from './token-route.ts'

export interface IdpPluginOptions {
  identityProvider: IdentityProvider
  findClient(id: string): Awaitable<Client | undefined>
  /** Asked for each answer: whether the metadata says that clients may identify themselves by a document. Absent: they may not. */
  acceptsMetadataDocuments?(): boolean
  /** Nonces that DPoP proofs must hold. Absent: they need none. */
  proofNonces?: ProofNonces
  /** The types of authorization details of its resource servers, for the metadata. Absent: none. */
  detailTypes?: readonly string[]
  /** Where the certificates of clients come from. Absent: there are none, and the branch `mtls-cnf-binding` binds nothing. */
  clientCertificates?: ClientCertificates | undefined
  /** The origin where the same paths are served and certificates are asked for, if it is another one (RFC 8705 §5). */
  mtlsOrigin?: string | undefined
  ports: Ports
  /** Names the policy in force, for the audit. */
  policyVersion?(): string
  report?(error: unknown, correlationId: string): void
  limits?: EndpointLimits | undefined
  /** For an IdP that serves sign-in at the same issuer. */
  openid?: {
    /**
     * Its discovery document. Ours is laid over it, and the grants and methods of both are joined. Its `grant_types_supported`
     * says what `otherGrants` is asked for; without it, that is every grant but ours.
     */
    metadata: Metadata
    /** Answers the other grants at the token endpoint. */
    otherGrants: OtherGrants
  }
}

/**
 * Serves an {@link IdentityProvider} at the paths of its issuer: `/token`, `/jwks`, `/authorize`, `/revoke` where it gives out refresh tokens, and the well-known documents. Register
 * it without a prefix: the issuer's own path decides.
 */
export const idpPlugin: FastifyPluginAsync<IdpPluginOptions> = async (app, options) => {
  const { identityProvider, ports, openid } = options
  const { issuer, signingKeys, skew } = identityProvider
  const path = issuerPath(issuer)
  const root = issuerRoot(issuer)
  const plain = identityProviderMetadata({
    issuer,
    tokenEndpoint: `${root}/token`,
    jwksUri: `${root}/jwks`,
    authorizationEndpoint: `${root}/authorize`,
    takesProofs: true,
    detailTypes: options.detailTypes,
    ...certificateAddresses(options, path, identityProvider.branches),
  })
  const { refreshTokens, refreshTokenIssue } = identityProvider
  const own = refreshTokenIssue === undefined ? plain : withRefreshTokens(plain, `${root}/revoke`)
  const encrypts = (identityProvider.branches ?? usualBranches)['jwe-support']
  const whole = withEncryption(own, encrypts ? { algorithms: keyManagementAlgorithms } : undefined)
  const all = openid === undefined ? whole : joined(openid.metadata, whole)
  const document = () => withMetadataDocuments(all, options.acceptsMetadataDocuments?.() === true)
  serveDocument(app, wellKnownPaths('oauth-authorization-server', path), document)
  if (openid === undefined)
    authorizationErrorPage(
      app,
      `${path}/authorize`,
      'This identity provider exchanges tokens. People sign in elsewhere.',
    )
  else serveDocument(app, wellKnownPaths('openid-configuration', path), document)
  serveDocument(app, [`${path}/jwks`], () => signingKeys.published())
  await tokenRoute(app, {
    path: `${path}/token`,
    endpoint: {
      role: 'idp',
      issuer,
      action: 'exchange',
      grants: { [grantType.tokenExchange]: tokenExchange(identityProvider) },
      proofs: { address: `${root}/token`, nonces: options.proofNonces },
      findClient: options.findClient,
      skew,
      policyVersion: options.policyVersion ?? (() => 'unversioned'),
      takeShare: options.limits?.takeShare,
    },
    certificateOf: certificateReader(options.clientCertificates, { ports, skew }),
    ports,
    report: options.report ?? (() => {}),
    throttle: options.limits?.throttle,
    otherGrants: openid?.otherGrants,
    otherGrantTypes: grantTypesOf(openid?.metadata),
  })
  if (refreshTokens !== undefined && refreshTokenIssue !== undefined)
    await revocationRoute(app, {
      path: `${path}/revoke`,
      issuer,
      refreshTokens,
      refreshTokenIssue,
      findClient: options.findClient,
      skew,
      policyVersion: options.policyVersion ?? (() => 'unversioned'),
      ports,
      report: options.report ?? (() => {}),
      throttle: options.limits?.throttle,
    })
}

/** RFC 8414 §2: a document may leave them out. */
function grantTypesOf(metadata: Metadata | undefined): readonly string[] | undefined {
  const types = metadata?.grant_types_supported
  return Array.isArray(types) ? types : undefined
}

/** Two documents about one issuer: lists are joined, and what only the sign-in knows is kept. */
function joined(openid: Metadata, own: Metadata): Metadata {
  const all: { [member: string]: Metadata[string] } = {
    ...own,
    ...openid,
    jwks_uri: own.jwks_uri ?? '',
    token_endpoint: own.token_endpoint ?? '',
  }
  for (const [member, value] of Object.entries(own)) {
    const other = openid[member]
    if (Array.isArray(value) && Array.isArray(other)) all[member] = [...new Set([...other, ...value])]
  }
  return all
}
