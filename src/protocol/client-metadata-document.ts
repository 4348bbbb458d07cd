/** What a Client ID Metadata Document says: read from its bytes, and refused as a whole when one rule is broken. */

import * as z from 'zod'
import { parseJsonObject } from './json.ts'
import { JwtError } from './jwt-error.ts'
import { isSignatureAlgorithm, type KeySource, keySetOf, type SignatureAlgorithm } from './keys.ts'
import { isLoopbackHost } from './loopback.ts'
import { grantType, idJagGrantProfile } from './names.ts'

/** What a client's document says, judged (CIMD draft §4, RFC 7591 §2). */
export interface ClientMetadata {
  /** The URL of the document, to the letter. */
  clientId: string
  /** `client_name`: 1 to 100 characters, without control and direction characters. Nobody has checked that it is true. */
  name?: string
  /**
   * Absolute URIs without a fragment: https, http on loopback hosts, or a scheme of the client's own. How one is compared with the
   * one of a request is the code grant's matter.
   */
  redirectUris: readonly string[]
  /** What it says it does. `none` beside `keys` is a client that can sign and need not, where public clients are served. */
  authMethod: 'none' | 'private_key_jwt'
  /** There when it offers `private_key_jwt`: those of `jwks`, or followed at `jwks_uri` under the same guards. */
  keys?: KeySource
  grantTypes: readonly string[]
  /** `authorization_grant_profiles_supported` (ID-JAG §8). */
  grantProfiles: readonly string[]
  /** https addresses to show to people; what has another scheme is left out. Nobody has checked where they lead. */
  links: { clientUri?: string; logoUri?: string; policyUri?: string; tosUri?: string }
}

/** A document that cannot be used, with a sentence that says why. */
export class ClientMetadataError extends Error {
  override readonly name = 'ClientMetadataError'
}

/** Where a document came from, and how what it names is found. */
export interface DocumentSource {
  clientId: string
  /** Also http on loopback hosts in `jwks_uri` (development). */
  allowLoopback: boolean
  /** The keys at an address, followed for as long as the document is kept. */
  keysAt(jwksUri: string): KeySource
  /** True for the `kid` of a key that was purged. */
  isPurged?: ((kid: string) => boolean) | undefined
}

const strings = z.array(z.string().max(2048)).max(64)
const Wire = z.looseObject({
  client_id: z.string(),
  client_name: z.string().optional(),
  redirect_uris: strings.default([]),
  token_endpoint_auth_method: z.string().optional(),
  token_endpoint_auth_methods_supported: strings.min(1).optional(),
  token_endpoint_auth_signing_alg: z.string().optional(),
  // RFC 7591 §2: what a client is registered for when it says nothing.
  grant_types: strings.default(['authorization_code']),
  authorization_grant_profiles_supported: strings.default([]),
  jwks: z.record(z.string(), z.unknown()).optional(),
  jwks_uri: z.string().optional(),
  client_uri: z.string().optional(),
  logo_uri: z.string().optional(),
  policy_uri: z.string().optional(),
  tos_uri: z.string().optional(),
})
type Wire = z.output<typeof Wire>

/**
 * Judges a document that was served with 200. Throws {@link ClientMetadataError}, {@link JsonError}, or {@link KeySetError} for its
 * `jwks`. Fetches nothing: `jwks_uri` is followed when a signature is to be checked. `software_statement`, `scope`, `response_types` and
 * members it does not know mean nothing here.
 */
export async function readClientMetadata(body: Uint8Array, source: DocumentSource): Promise<ClientMetadata> {
  const document = parseJsonObject(body)
  // CIMD draft §4.1: a secret that everybody can read is none; whoever publishes one has made a mistake.
  const secret = Object.keys(document).find((member) => member.startsWith('client_secret'))
  if (secret !== undefined) throw new ClientMetadataError(`holds ${secret}`)
  const read = Wire.safeParse(document)
  if (!read.success) throw new ClientMetadataError(`has no usable ${read.error.issues[0]?.path.join('.')}`)
  const wire = read.data
  // CIMD draft §4: simple string comparison with the address that was fetched.
  if (wire.client_id !== source.clientId)
    throw new ClientMetadataError(`says client_id ${JSON.stringify(wire.client_id.slice(0, 255))}`)
  refuseRedirects(wire.redirect_uris)
  refuseHalfAProfile(wire)
  const methods = methodsOf(wire)
  const keys = await keysOf(wire, methods, source)
  const name = printable(wire.client_name ?? '')
  return {
    clientId: source.clientId,
    ...(name === '' ? {} : { name }),
    redirectUris: wire.redirect_uris,
    authMethod: wire.token_endpoint_auth_method === 'none' || keys === undefined ? 'none' : 'private_key_jwt',
    ...(keys === undefined ? {} : { keys }),
    grantTypes: wire.grant_types,
    grantProfiles: wire.authorization_grant_profiles_supported,
    links: {
      ...link('clientUri', wire.client_uri),
      ...link('logoUri', wire.logo_uri),
      ...link('policyUri', wire.policy_uri),
      ...link('tosUri', wire.tos_uri),
    },
  }
}

/** CIMD draft §8.6, RFC 8252 §8.3: no address that a browser runs, and plain http on this machine alone. */
function refuseRedirects(uris: readonly string[]): void {
  const bad = uris.find((uri) => {
    const url = URL.canParse(uri) ? new URL(uri) : undefined
    if (url === undefined || uri.includes('#') || url.username !== '' || url.password !== '') return true
    return url.protocol === 'http:' ? !isLoopbackHost(url.hostname) : runInBrowsers.includes(url.protocol)
  })
  if (bad !== undefined) throw new ClientMetadataError(`has the redirect URI ${JSON.stringify(bad.slice(0, 255))}`)
}

const runInBrowsers = ['javascript:', 'data:', 'vbscript:', 'blob:', 'about:', 'file:', 'filesystem:']

/** ID-JAG §8: who has the profile has both of its grants. */
function refuseHalfAProfile({ authorization_grant_profiles_supported: profiles, grant_types: grants }: Wire): void {
  if (!profiles.includes(idJagGrantProfile)) return
  const missing = [grantType.tokenExchange, grantType.jwtBearer].find((grant) => !grants.includes(grant))
  if (missing !== undefined)
    throw new ClientMetadataError(`announces ${idJagGrantProfile} and leaves ${missing} out of grant_types`)
}

/** CIMD draft §4.1: nothing based on a shared secret. Of the other methods, these two are served. */
function methodsOf({
  token_endpoint_auth_method: one,
  token_endpoint_auth_methods_supported: several,
}: Wire): readonly string[] {
  // RFC 7591 §2 would have client_secret_basic for a document that says nothing, which no document can have.
  const methods = several ?? [one ?? 'none']
  const secret = [...methods, one ?? ''].find((method) => method.startsWith('client_secret'))
  if (secret !== undefined) throw new ClientMetadataError(`wants ${secret}, and there is no secret to share`)
  if (one !== undefined && !methods.includes(one))
    throw new ClientMetadataError('has a token_endpoint_auth_method that is none of the supported ones')
  if (!methods.includes('none') && !methods.includes('private_key_jwt'))
    throw new ClientMetadataError(`offers ${methods.join(' ').slice(0, 255)}, and neither private_key_jwt nor none`)
  return methods
}

async function keysOf(
  { jwks, jwks_uri: jwksUri, token_endpoint_auth_signing_alg: alg }: Wire,
  methods: readonly string[],
  { allowLoopback, keysAt, isPurged }: DocumentSource,
): Promise<KeySource | undefined> {
  // RFC 7591 §2: not both.
  if (jwks !== undefined && jwksUri !== undefined) throw new ClientMetadataError('has jwks and jwks_uri')
  if (jwksUri !== undefined && !isFetchable(jwksUri, allowLoopback))
    throw new ClientMetadataError('has a jwks_uri that is no https address')
  // Also for a public client: a document with a private key is never right.
  const own = jwks === undefined ? undefined : await keySetOf(jwks, isPurged)
  if (!methods.includes('private_key_jwt')) return undefined
  const keys = own ?? (jwksUri === undefined ? undefined : keysAt(jwksUri))
  if (keys === undefined) throw new ClientMetadataError('offers private_key_jwt and has neither jwks nor jwks_uri')
  if (alg === undefined) return keys
  if (!isSignatureAlgorithm(alg))
    throw new ClientMetadataError('has a token_endpoint_auth_signing_alg that is not taken')
  return signedWith(alg, keys)
}

/** OpenID Connect Registration §2: a client that names one algorithm signs with no other. */
function signedWith(only: SignatureAlgorithm, keys: KeySource): KeySource {
  return {
    async find(header) {
      if (header.alg !== only)
        throw new JwtError('alg_not_allowed', `is not signed with ${only}, as the client's document says`)
      return await keys.find(header)
    },
  }
}

function isFetchable(address: string, allowLoopback: boolean): boolean {
  const url = URL.canParse(address) ? new URL(address) : undefined
  if (url === undefined || url.username !== '' || url.password !== '') return false
  return url.protocol === 'https:' || (allowLoopback && url.protocol === 'http:' && isLoopbackHost(url.hostname))
}

/** Text of a stranger for people to read: nothing that controls a terminal or turns the direction of what stands beside it. */
function printable(text: string): string {
  const plain = text.replace(/[\s\p{Cc}\p{Cf}\p{Cs}\p{Co}]+/gu, ' ').trim()
  return [...plain].slice(0, 100).join('')
}

function link(name: keyof ClientMetadata['links'], address: string | undefined): ClientMetadata['links'] {
  if (address === undefined || address.length > 2048 || !URL.canParse(address)) return {}
  const { protocol, href } = new URL(address)
  return protocol === 'https:' ? { [name]: href } : {}
}
