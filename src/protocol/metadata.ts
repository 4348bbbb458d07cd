/** What each server publishes about itself: RFC 8414, OpenID Connect Discovery, RFC 9728. */

import { proofAlgorithms } from './dpop.ts'
import { contentEncryptions, type KeyManagementAlgorithm } from './encryption-keys.ts'
import { signatureAlgorithms } from './keys.ts'
import { clientAuthMethods, grantType, idJagGrantProfile, tokenType } from './names.ts'

/** A metadata document, ready for JSON. */
export type Metadata = {
  readonly [member: string]: string | boolean | readonly string[] | { readonly [name: string]: string }
}

export interface IssuerAddresses {
  issuer: string
  tokenEndpoint: string
  jwksUri: string
  /** Always announced: MCP clients reject a document without it, even where they need none. */
  authorizationEndpoint: string
  /** True when the token endpoint takes DPoP proofs. Absent: it refuses them. */
  takesProofs?: boolean
  /** The types of authorization details it understands. Absent or empty: none. */
  detailTypes?: readonly string[] | undefined
  /** True when tokens can be bound to the client's certificate. */
  takesCertificates?: boolean | undefined
  /** The token endpoint under the address where certificates are asked for, if that is another one (RFC 8705 §5). */
  tokenEndpointWithCertificate?: string | undefined
}

function commonMetadata(addresses: IssuerAddresses) {
  const { issuer, tokenEndpoint, jwksUri, authorizationEndpoint, takesProofs, detailTypes } = addresses
  return {
    issuer,
    authorization_endpoint: authorizationEndpoint,
    token_endpoint: tokenEndpoint,
    jwks_uri: jwksUri,
    token_endpoint_auth_methods_supported: clientAuthMethods,
    // RFC 8414 §2: required where private_key_jwt is listed.
    token_endpoint_auth_signing_alg_values_supported: signatureAlgorithms,
    // Not empty, because clients demand it; no response type is served unless the host adds one.
    response_types_supported: ['code'],
    code_challenge_methods_supported: ['S256'],
    // RFC 9449 §5.1
    ...(takesProofs === true ? { dpop_signing_alg_values_supported: proofAlgorithms } : {}),
    ...supportedDetails(detailTypes),
    ...certificateMetadata(addresses),
  }
}

function certificateMetadata({ takesCertificates, tokenEndpointWithCertificate }: IssuerAddresses) {
  return {
    // RFC 8705 §3.3
    ...(takesCertificates === true ? { tls_client_certificate_bound_access_tokens: true } : {}),
    // RFC 8705 §5
    ...(tokenEndpointWithCertificate === undefined
      ? {}
      : { mtls_endpoint_aliases: { token_endpoint: tokenEndpointWithCertificate } }),
  }
}

/** RFC 9396 §10, RFC 9728 §2. */
function supportedDetails(types: readonly string[] = []) {
  return types.length === 0 ? {} : { authorization_details_types_supported: types }
}

/** Metadata of an identity provider that does the exchange (ID-JAG §7.1). */
export function identityProviderMetadata(addresses: IssuerAddresses): Metadata {
  return {
    ...commonMetadata(addresses),
    grant_types_supported: [grantType.tokenExchange],
    identity_chaining_requested_token_types_supported: [tokenType.idJag],
  }
}

/** The same for one that gives out refresh tokens, too: the metadata says so, and where they are revoked (ID-JAG §4.5, RFC 8414 §2). */
export function withRefreshTokens(metadata: Metadata, revocationEndpoint: string): Metadata {
  return {
    ...metadata,
    identity_chaining_requested_token_types_supported: [tokenType.idJag, tokenType.refreshToken],
    ...revocationMetadata(revocationEndpoint),
  }
}

function revocationMetadata(revocationEndpoint: string) {
  return {
    revocation_endpoint: revocationEndpoint,
    revocation_endpoint_auth_methods_supported: clientAuthMethods,
    revocation_endpoint_auth_signing_alg_values_supported: signatureAlgorithms,
  }
}

/** Where tokens of a resource authorization server are asked about and ended, as far as it offers that. */
export interface EndedTokenAddresses {
  revocationEndpoint: string
  introspectionEndpoint?: string | undefined
  /** The document of all status lists (draft-ietf-oauth-status-list-21 §9.1). */
  statusListsEndpoint: string
}

function endedTokenMetadata({ revocationEndpoint, introspectionEndpoint, statusListsEndpoint }: EndedTokenAddresses) {
  return {
    ...revocationMetadata(revocationEndpoint),
    ...(introspectionEndpoint === undefined
      ? {}
      : {
          introspection_endpoint: introspectionEndpoint,
          introspection_endpoint_auth_methods_supported: clientAuthMethods,
          introspection_endpoint_auth_signing_alg_values_supported: signatureAlgorithms,
        }),
    status_list_aggregation_endpoint: statusListsEndpoint,
  }
}

/**
 * Metadata of a resource authorization server (ID-JAG §7.2). It says that the rules are implemented, and nothing of whom
 * the server trusts (META-05).
 */
export function resourceAuthorizationServerMetadata(
  addresses: IssuerAddresses,
  scopes: readonly string[],
  endedTokens?: EndedTokenAddresses,
): Metadata {
  return {
    ...commonMetadata(addresses),
    // ID-JAG §7.2: the profile and the grant stand together.
    grant_types_supported: [grantType.jwtBearer, ...(addresses.takesProofs === true ? [grantType.jwtDpop] : [])],
    authorization_grant_profiles_supported: [idJagGrantProfile],
    scopes_supported: scopes,
    // Not empty, because clients demand it (RFC 8414 §2): nobody is redirected anywhere.
    response_types_supported: ['none'],
    ...(endedTokens === undefined ? {} : endedTokenMetadata(endedTokens)),
  }
}

/** CIMD draft §6: says that a client id may be the address of a metadata document, where it may. */
export function withMetadataDocuments(metadata: Metadata, accepted: boolean): Metadata {
  return accepted ? { ...metadata, client_id_metadata_document_supported: true } : metadata
}

/** FL-JWE-02: what a server does about encrypted ID-JAGs, where it does anything. An issuer demands nothing. */
export function withEncryption(
  metadata: Metadata,
  offered: { algorithms: readonly KeyManagementAlgorithm[]; required?: boolean } | undefined,
): Metadata {
  if (offered === undefined) return metadata
  return {
    ...metadata,
    id_jag_encryption_alg_values_supported: [...new Set(offered.algorithms)],
    id_jag_encryption_enc_values_supported: contentEncryptions,
    ...(offered.required === undefined ? {} : { id_jag_encryption_required: offered.required }),
  }
}

export interface ProtectedResource {
  resource: string
  authorizationServer: string
  scopes: readonly string[]
  name?: string | undefined
  /** True when no access token is taken that is not bound to a key or a certificate. */
  boundTokens?: boolean | undefined
  /** True when access tokens that are bound to a key are taken. */
  takesProofs?: boolean | undefined
  /** The types of authorization details that mean something there. Absent or empty: none. */
  detailTypes?: readonly string[] | undefined
  /** True when access tokens that are bound to a certificate are taken. */
  certificateBoundTokens?: boolean | undefined
}

/** Metadata of a protected resource (RFC 9728 §2). Clients use the first authorization server only, so there is one. */
export function protectedResourceMetadata({
  resource,
  authorizationServer,
  scopes,
  name,
  boundTokens,
  takesProofs,
  detailTypes,
  certificateBoundTokens,
}: ProtectedResource): Metadata {
  return {
    resource,
    authorization_servers: [authorizationServer],
    scopes_supported: scopes,
    bearer_methods_supported: ['header'],
    ...(name === undefined ? {} : { resource_name: name }),
    ...(takesProofs === true ? { dpop_signing_alg_values_supported: proofAlgorithms } : {}),
    ...supportedDetails(detailTypes),
    // RFC 9728 §2: required means always, and a certificate would do as well.
    ...(boundTokens === true && certificateBoundTokens !== true ? { dpop_bound_access_tokens_required: true } : {}),
    ...(certificateBoundTokens === true ? { tls_client_certificate_bound_access_tokens: true } : {}),
  }
}

/** RFC 9728 §3.1: the well-known part goes between host and path. */
export function protectedResourceMetadataUrl(resource: string): string {
  const { origin, pathname, search } = new URL(resource)
  return `${origin}/.well-known/oauth-protected-resource${pathname === '/' ? '' : pathname}${search}`
}
