/** From the address of an API to its resource identifier and an authorization server the client knows (RFC 9728). */

import { FetchError, MetadataError } from '../protocol/issuer-keys.ts'
import { type JsonObject, parseJsonObject } from '../protocol/json.ts'
import { protectedResourceMetadataUrl } from '../protocol/metadata.ts'
import { isResourceIndicator, sameResource } from '../protocol/resource.ts'
import { isWithin } from './address.ts'
import { asCrossAppError } from './authorization-server.ts'
import type { Challenge } from './challenge.ts'
import { CrossAppError } from './cross-app-error.ts'
import type { ResourceServerOptions, Settings } from './options.ts'
import { scopesOf } from './scopes.ts'
import type { Send } from './sending.ts'

export interface ProtectedResource {
  /** Its identifier as its metadata spells it: what `resource` of both token requests says. */
  resource: string
  /** The issuer of the first of its authorization servers that the client may ask for it, and the client's entry of it. */
  authorizationServer: string
  entry: ResourceServerOptions
  /** `scopes_supported`; empty when it says nothing. */
  scopes: readonly string[]
}

/**
 * Fetches and judges the metadata of the resource at `url`. The document is looked for where the challenge says (on the same
 * origin only, so that an API cannot make the client fetch from elsewhere), else at the well-known addresses of the
 * address called and of its origin. Its `resource` must be the address called or lie above it (RFC 9728 §3.3), and one of
 * its authorization servers must be among `trusted` (§7.6): the API is believed about nothing else. Throws
 * {@link CrossAppError} `discovery`.
 */
export async function discoverResource(
  url: string,
  challenge: Challenge | undefined,
  trusted: Settings['resourceServers'],
  send: Send,
): Promise<ProtectedResource> {
  try {
    const document = await findDocument(url, challenge?.get('resource_metadata'), send)
    const { resource, authorization_servers: servers, scopes_supported: scopes = [] } = document
    if (typeof resource !== 'string' || !isResourceIndicator(resource) || !isWithin(url, resource))
      throw new MetadataError(`the metadata found for ${url} is of another resource: ${JSON.stringify(resource)}`)
    if (!isTextArray(servers) || servers.length === 0)
      throw new MetadataError(`the metadata of ${resource} names no authorization_servers`)
    if (!isTextArray(scopes))
      throw new MetadataError(`the metadata of ${resource} has scopes_supported that are no strings`)
    return { resource, ...firstTrusted(servers, trusted, resource), scopes: scopes.flatMap(scopesOf) }
  } catch (cause) {
    throw asCrossAppError(cause, { step: 'discovery', server: url })
  }
}

async function findDocument(url: string, named: string | undefined, send: Send): Promise<JsonObject> {
  const { origin, pathname } = new URL(url)
  if (named !== undefined && (!URL.canParse(named) || new URL(named).origin !== origin))
    throw new FetchError('fetch_blocked', `${url} names metadata on another origin: ${named}`)
  // RFC 9728 §3.1; a query of the call is no part of any resource the client could know of.
  const wellKnown = [protectedResourceMetadataUrl(origin + pathname), protectedResourceMetadataUrl(origin)]
  const addresses = named === undefined ? [...new Set(wellKnown)] : [named]
  for (const address of addresses) {
    const { status, body } = await send('resource-metadata', { url: address, source: url })
    if (status === 200) return parseJsonObject(body)
    if (status < 400 || status >= 500) throw new FetchError('fetch_failed', `${address} answered ${status}`)
  }
  throw new MetadataError(
    `there is no way to an access token for ${url}: there is no resource metadata at ${addresses.join(' or ')}`,
  )
}

function firstTrusted(
  servers: readonly string[],
  trusted: Settings['resourceServers'],
  resource: string,
): Pick<ProtectedResource, 'authorizationServer' | 'entry'> {
  const known = servers.flatMap((authorizationServer) => {
    const entry = trusted.get(authorizationServer)
    return entry === undefined ? [] : [{ authorizationServer, entry }]
  })
  const found = known.find(({ entry }) => entry.resources?.some((one) => sameResource(one, resource)) ?? true)
  if (found !== undefined) return found
  const issuers = known.map(({ authorizationServer }) => authorizationServer).join(' or ')
  if (issuers !== '')
    throw new MetadataError(`${resource} is not among the resources that this client takes for ${issuers}'s`)
  throw new MetadataError(
    `${resource} takes access tokens of ${servers.join(' or ')}, and this client has credentials for none of them: ` +
      `if it is to be trusted, add ${JSON.stringify(servers[0])} to resourceServers`,
  )
}

function isTextArray(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string')
}
