/** Finds the token endpoint of an issuer that the client was configured to trust (RFC 8414, OpenID Connect Discovery). */

import { discoverMetadata, FetchError, MetadataError } from '../protocol/issuer-keys.ts'
import { JsonError, type JsonObject } from '../protocol/json.ts'
import { grantType } from '../protocol/names.ts'
import { isSafeAddress } from './address.ts'
import { CrossAppError, type CrossAppErrorOptions, type CrossAppStep } from './cross-app-error.ts'
import type { Send } from './sending.ts'

export interface AuthorizationServer {
  issuer: string
  tokenEndpoint: string
  /** True where its metadata names the grant type jwt-dpop (D-06). */
  jwtDpop?: boolean
}

/**
 * The server behind an issuer identifier. Its document must name the very same issuer (RFC 8414 §3.3) and a token endpoint that
 * is https, or loopback where the issuer is; `withCertificate`, the one where certificates are asked for. Does NOT ask the document whether
 * Cross-App Access is offered: servers of earlier drafts do not say it (META-09), and the grant's own answer is exact. Throws
 * {@link CrossAppError} `discovery`.
 */
export async function discoverAuthorizationServer(
  issuer: string,
  step: 'authorization-server-metadata' | 'identity-provider-metadata',
  send: Send,
  withCertificate: boolean,
): Promise<AuthorizationServer> {
  try {
    const document = await discoverMetadata(issuer, (url) => send(step, { url, source: issuer }))
    const tokenEndpoint = (withCertificate ? aliasOf(document) : undefined) ?? document.token_endpoint
    if (typeof tokenEndpoint !== 'string') throw new MetadataError(`the metadata of ${issuer} names no token_endpoint`)
    if (!isSafeAddress(tokenEndpoint, issuer))
      throw new MetadataError(`the metadata of ${issuer} names a token_endpoint that is not https: ${tokenEndpoint}`)
    const grants = document.grant_types_supported
    return { issuer, tokenEndpoint, jwtDpop: Array.isArray(grants) && grants.includes(grantType.jwtDpop) }
  } catch (cause) {
    throw asCrossAppError(cause, { step: 'discovery', server: issuer })
  }
}

/** RFC 8705 §5: an endpoint that is not there is the usual one. */
function aliasOf({ mtls_endpoint_aliases: aliases }: JsonObject): unknown {
  return typeof aliases === 'object' && aliases !== null ? (aliases as JsonObject).token_endpoint : undefined
}

/** Gives errors of fetching and reading documents the step they happened at; everything else comes out as it is. */
export function asCrossAppError(cause: unknown, at: { step: CrossAppStep; server: string }): unknown {
  const options = (stop: CrossAppErrorOptions['stop']): CrossAppErrorOptions => ({ ...at, stop, cause })
  if (cause instanceof FetchError)
    return new CrossAppError(cause.message, options(cause.reason === 'fetch_blocked' ? 'check' : 'network'))
  if (cause instanceof MetadataError) return new CrossAppError(cause.message, options('check'))
  if (cause instanceof JsonError)
    return new CrossAppError(`a document of ${at.server} ${cause.message}`, options('check'))
  return cause
}
