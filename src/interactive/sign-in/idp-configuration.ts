/** What this server knows of a company's IdP: its discovery document, read when it is first needed and again when it is old. */

import {
  allowInsecureRequests,
  type ClientAuth,
  ClientSecretBasic,
  ClientSecretPost,
  Configuration,
  type CustomFetch,
  clockTolerance,
  customFetch,
  discovery,
  enableNonRepudiationChecks,
  None,
} from 'openid-client'
import { isLoopbackHost } from '../../protocol/loopback.ts'
import type { Seconds } from '../../protocol/ports.ts'
import type { PageOptions, SignInIssuer } from './contract.ts'
import { SignInError, signInErrorOf } from './sign-in-error.ts'

/** The algorithms an ID Token may be signed with, of those the IdP announces. Nothing that a shared secret could sign. */
const algorithms = ['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519']
const freshFor: Seconds = 600
/** After a failure, the next sign-in within this time is told of it without another try. */
const failureFor: Seconds = 5
const skew: Seconds = 30

/** Gives the configuration of an IdP. Throws {@link SignInError}. */
export type IdpConfigurations = (idp: SignInIssuer) => Promise<Configuration>

/** One memory for all of them. A failure is not kept for long, and the failure of one is not that of another. */
export function idpConfigurations({ fetch, ports }: Pick<PageOptions, 'fetch' | 'ports'>): IdpConfigurations {
  const known = new Map<string, { until: Seconds; configuration: Promise<Configuration> }>()
  return async (idp) => {
    const held = known.get(idp.issuer)
    if (held !== undefined && ports.now() < held.until) return await held.configuration
    const configuration = discovered(idp, fetch)
    const entry = { until: ports.now() + freshFor, configuration }
    known.set(idp.issuer, entry)
    try {
      return await configuration
    } catch (error) {
      entry.until = ports.now() + failureFor
      throw error
    }
  }
}

async function discovered(idp: SignInIssuer, fetch: PageOptions['fetch']): Promise<Configuration> {
  const server = new URL(idp.issuer)
  const isPlain = server.protocol === 'http:'
  const send: CustomFetch = (url, { method, headers, body, signal }) =>
    fetch(url, { method, headers, body: body ?? null, signal: signal ?? null })
  try {
    // Where http may go is for the guarded fetch to say: to this machine, in development.
    const execute = isPlain ? [allowInsecureRequests] : []
    const found = await discovery(server, idp.clientId, undefined, None(), { execute, [customFetch]: send })
    const metadata = found.serverMetadata()
    const wrong = (sentence: string) => new SignInError('unusable', `sign-in at ${idp.issuer}: ${sentence}`)
    // OpenID Connect Discovery §4.3: exactly the same; the library compares what URL makes of them.
    if (metadata.issuer !== idp.issuer)
      throw wrong(`its document says issuer ${JSON.stringify(metadata.issuer)}; configure exactly this one`)
    if (!isUsable(metadata.authorization_endpoint, isPlain))
      throw wrong('its authorization_endpoint is no https address')
    const signedWith = (metadata.id_token_signing_alg_values_supported ?? ['RS256']).filter((alg) =>
      algorithms.includes(alg),
    )
    if (signedWith.length === 0) throw wrong(`it signs ID Tokens with none of ${algorithms.join(', ')}`)
    const configuration = new Configuration(
      Object.assign(metadata, { id_token_signing_alg_values_supported: signedWith }),
      idp.clientId,
      { [clockTolerance]: skew },
      authenticationOf(idp, metadata.token_endpoint_auth_methods_supported),
    )
    configuration[customFetch] = send
    if (isPlain) allowInsecureRequests(configuration)
    enableNonRepudiationChecks(configuration)
    return configuration
  } catch (cause) {
    throw signInErrorOf(cause, idp.issuer)
  }
}

/** Where the browser is sent: never to `javascript:` or in the clear, whatever a document says. */
function isUsable(address: string | undefined, mayBePlain: boolean): boolean {
  if (address === undefined || !URL.canParse(address)) return false
  const { protocol, hostname } = new URL(address)
  return protocol === 'https:' || (mayBePlain && protocol === 'http:' && isLoopbackHost(hostname))
}

/** OpenID Connect Discovery §3: `client_secret_basic` where nothing is said. */
function authenticationOf({ issuer, clientSecret }: SignInIssuer, methods = ['client_secret_basic']): ClientAuth {
  if (clientSecret === undefined) return None()
  if (methods.includes('client_secret_basic')) return ClientSecretBasic(clientSecret)
  if (methods.includes('client_secret_post')) return ClientSecretPost(clientSecret)
  throw new SignInError('unusable', `sign-in at ${issuer}: it takes a client secret by neither Basic nor body`)
}
