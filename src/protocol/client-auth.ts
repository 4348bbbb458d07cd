/** Client authentication at a token endpoint: HTTP Basic, a secret in the body, or a signed assertion. */

import { type Awaitable, following, isPromise } from './awaitable.ts'
import { isText } from './claims.ts'
import { OAuthError, unauthenticated } from './errors.ts'
import type { Form } from './form.ts'
import type { JsonObject } from './json.ts'
import { checkTimes, isType, readJwt, type UnverifiedJwt, verifySignature } from './jwt.ts'
import { JwtError } from './jwt-error.ts'
import { defaultAlgorithms, type KeySource, type SignatureAlgorithm } from './keys.ts'
import { type ClientAuthMethod, clientAssertionType, jwtType } from './names.ts'
import { onceKey, type Ports, type Seconds } from './ports.ts'
import { isSecretOf, secretDigestOf } from './secrets.ts'

/** A client as one authorization server knows it. */
export interface Client {
  id: string
  enabled: boolean
  /** How it may authenticate. Empty means a public client, which neither grant serves (ID-JAG §9.1). */
  authMethods: readonly ClientAuthMethod[]
  /**
   * For a client whose own document says whether it is public: asked only when it brings no credentials, because it may fetch. Throws
   * {@link OAuthError} when it cannot tell. Absent: `authMethods` says it.
   */
  isPublic?(): Promise<boolean>
  /** Of its secret, by {@link secretDigestOf}: the secret itself is not kept. */
  secretDigest?: Uint8Array
  /** For `private_key_jwt`. */
  keys?: KeySource
  algorithms?: readonly SignatureAlgorithm[]
  /**
   * Also accept this audience in its client assertions, beside the issuer: the token endpoint's address, for clients that
   * follow RFC 7523 as first written (Okta, authlib). Absent: the issuer alone (RFC 10070).
   */
  assertionAudienceAlso?: string
  /**
   * What every token of this client is bound to: without it, its requests for tokens are refused (RFC 9449 §5.2
   * `dpop_bound_access_tokens`, RFC 8705 §3.4). Absent: whatever each request brings.
   */
  boundTokens?: 'dpop' | 'certificate'
}

/** What a request brings to prove who sent it. */
export interface ClientCredentials {
  /** Every `Authorization` header line of the request, as received. */
  authorization: readonly string[]
  form: Form
}

export interface ClientAuthentication<Known extends Client = Client> {
  issuer: string
  findClient(id: string): Awaitable<Known | undefined>
  skew: Seconds
  ports: Pick<Ports, 'now' | 'once' | 'fence' | 'signatures'>
}

export const maxClientAssertionLifetime: Seconds = 3600
const unknownClientDigest = secretDigestOf('no client has this secret')

/**
 * Authenticates the client (RFC 6749 §2.3). Unknown client, wrong secret and disabled client look the same: 401
 * `invalid_client`. More than one method is `invalid_request`, a public client `unauthorized_client`. A client
 * assertion is NOT spent here: call `spend` once every other check has passed, so that a refused request costs nothing.
 */
export function authenticateClient<Known extends Client>(
  { authorization, form }: ClientCredentials,
  server: ClientAuthentication<Known>,
): Awaitable<AuthenticatedClient<Known>> {
  const presented = presentedCredentials(authorization, form)
  return following(server.findClient(presented.clientId), (client): Awaitable<AuthenticatedClient<Known>> => {
    if (presented.method === 'none') return refuseWithoutCredentials(client)
    if (presented.method === 'private_key_jwt') return byAssertion(presented, client, server)
    return bySecret(presented, client)
  })
}

async function refuseWithoutCredentials(client: Client | undefined): Promise<never> {
  // ID-JAG §9.1: confidential clients only (D-08).
  if (client !== undefined && (client.authMethods.length === 0 || (await client.isPublic?.()) === true))
    throw new OAuthError('unauthorized_client', 'public clients may not use this grant', { reason: 'public_client' })
  throw unauthenticated('client_unauthenticated', 'no credentials came')
}

function bySecret<Known extends Client>(
  presented: Extract<Presented, { secret: string }>,
  client: Known | undefined,
): AuthenticatedClient<Known> {
  // ATK-075: an unknown client costs what a known one does.
  const matches = isSecretOf(client?.secretDigest ?? unknownClientDigest, presented.secret)
  if (client === undefined || client.secretDigest === undefined || !matches)
    throw unauthenticated('client_unauthenticated', 'unknown client or wrong secret')
  if (!client.authMethods.includes(presented.method))
    throw unauthenticated('auth_method_mismatch', `${client.id} may not use ${presented.method}`)
  if (!client.enabled) throw unauthenticated('client_disabled', `${client.id} is disabled`)
  return { client, spend: nothingToSpend }
}

function nothingToSpend(): void {}

export interface AuthenticatedClient<Known extends Client = Client> {
  client: Known
  /** Spends the client assertion, when one was used. Throws `invalid_client` when it was used before. */
  spend(): Awaitable<void>
}

type Presented =
  | { method: 'none'; clientId: string }
  | { method: 'client_secret_basic' | 'client_secret_post'; clientId: string; secret: string }
  | { method: 'private_key_jwt'; clientId: string; assertion: string; jwt?: UnverifiedJwt }

/**
 * The client that a request claims to be, whatever becomes of the claim: for a limit on wrong credentials. Undefined where it names none
 * or cannot be read.
 */
export function clientNamed(authorization: string | undefined, body: string): string | undefined {
  try {
    if (authorization !== undefined) return basicCredentials(authorization).clientId
    const form = new URLSearchParams(body)
    const assertion = form.get('client_assertion')
    return form.get('client_id') ?? (assertion === null ? undefined : subjectOf(assertion).sub)
  } catch {
    return undefined
  }
}

/** Reads which single method the request uses. */
function presentedCredentials(authorization: readonly string[], form: Form): Presented {
  const named = form.optional('client_id')
  const secret = form.optional('client_secret')
  const assertion = form.optional('client_assertion')
  const assertionType = form.optional('client_assertion_type')
  const header = authorization[0]
  if (authorization.length > 1)
    throw new OAuthError('invalid_request', 'more than one Authorization header', { reason: 'malformed_auth' })
  // RFC 6749 §2.3: not more than one method in a request.
  if ([header, secret, assertion ?? assertionType].filter((one) => one !== undefined).length > 1)
    throw new OAuthError('invalid_request', 'more than one way of client authentication', { reason: 'multiple_auth' })
  if (header !== undefined) {
    const { clientId, secret: password } = basicCredentials(header)
    // The same client_id again in the body is harmless, and real clients send it. Another one is not.
    if (named !== undefined && named !== clientId)
      throw new OAuthError('invalid_request', 'client_id is not the client of the Authorization header', {
        reason: 'multiple_auth',
      })
    return { method: 'client_secret_basic', clientId, secret: password }
  }
  if (assertion !== undefined || assertionType !== undefined) {
    // RFC 7521 §4.2: both or neither.
    if (assertionType !== clientAssertionType)
      throw new OAuthError('invalid_request', `client_assertion_type must be ${clientAssertionType}`, {
        reason: assertionType === undefined ? 'missing_parameter' : 'unsupported_type',
      })
    if (assertion === undefined)
      throw new OAuthError('invalid_request', 'client_assertion is required', { reason: 'missing_parameter' })
    if (named !== undefined) return { method: 'private_key_jwt', clientId: named, assertion }
    const { jwt, sub } = subjectOf(assertion)
    return { method: 'private_key_jwt', clientId: sub, assertion, jwt }
  }
  if (named === undefined) throw unauthenticated('client_unauthenticated', 'no credentials came')
  if (secret === undefined) return { method: 'none', clientId: named }
  return { method: 'client_secret_post', clientId: named, secret }
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true })

/**
 * RFC 6749 §2.3.1: both halves were form-encoded before base64. Clients that leave that out are understood too as long
 * as id and secret hold no `%`, `+` or `:`, which is why ours never do.
 */
function basicCredentials(header: string): { clientId: string; secret: string } {
  const encoded = /^basic +([A-Za-z0-9+/]+={0,2})$/i.exec(header)?.[1]
  if (encoded === undefined) throw unauthenticated('malformed_auth', 'the Authorization header is not Basic')
  const bytes = Buffer.from(encoded, 'base64')
  // RFC 4648 §4: padded, and without stray bits, which Node overlooks.
  if (bytes.toString('base64') !== encoded) throw unauthenticated('malformed_auth', 'the credentials are not base64')
  try {
    const text = strictUtf8.decode(bytes)
    const colon = text.indexOf(':')
    if (colon === -1 || /[\u0000-\u001f\u007f]/.test(text)) throw new Error('no colon, or a control character')
    return { clientId: formDecoded(text.slice(0, colon)), secret: formDecoded(text.slice(colon + 1)) }
  } catch (cause) {
    throw unauthenticated('malformed_auth', 'the Basic credentials cannot be read', cause)
  }
}

function formDecoded(half: string): string {
  return /[+%]/.test(half) ? decodeURIComponent(half.replaceAll('+', ' ')) : half
}

function subjectOf(assertion: string): { jwt: UnverifiedJwt; sub: string } {
  try {
    const jwt = readJwt(assertion)
    const { sub } = jwt.claims
    if (typeof sub === 'string' && sub !== '') return { jwt, sub }
  } catch (cause) {
    throw assertionRefused(cause)
  }
  throw unauthenticated('client_assertion_invalid', 'the client assertion has no sub')
}

/** RFC 7523 §3 for client authentication, with the audience rule of RFC 10070. */
async function byAssertion<Known extends Client>(
  { clientId, assertion, jwt: read }: { clientId: string; assertion: string; jwt?: UnverifiedJwt },
  client: Known | undefined,
  server: ClientAuthentication<Known>,
): Promise<AuthenticatedClient<Known>> {
  if (client === undefined) throw unauthenticated('client_unauthenticated', 'unknown client')
  if (client.keys === undefined || !client.authMethods.includes('private_key_jwt'))
    throw unauthenticated('auth_method_mismatch', `${client.id} may not use private_key_jwt`)
  if (!client.enabled) throw unauthenticated('client_disabled', `${client.id} is disabled`)
  try {
    const jwt = read ?? readJwt(assertion)
    const { typ } = jwt.header
    // RFC 10070: the explicit type; JWT and no type stay welcome, another kind of token does not.
    if (typ !== undefined && !isType(typ, 'jwt') && !isType(typ, jwtType.clientAssertion))
      throw new JwtError('client_assertion_invalid', 'has the typ of another kind of token')
    const { iss, sub, aud, jti } = jwt.claims
    if (iss !== clientId || sub !== clientId)
      throw new JwtError('client_assertion_invalid', 'iss and sub must be the client id')
    // RFC 10070: the issuer identifier as the sole audience.
    const audience = Array.isArray(aud) && aud.length === 1 ? aud[0] : aud
    if (audience !== server.issuer && (typeof audience !== 'string' || audience !== client.assertionAudienceAlso))
      throw new JwtError('client_assertion_invalid', `aud must be ${server.issuer} alone`)
    if (!isText(jti, 256)) throw new JwtError('client_assertion_invalid', 'jti must be a string of 1 to 256 characters')
    const now = server.ports.now()
    const { exp, issuedAt } = assertionTimes(jwt.claims, now, server.skew)
    const { keys, algorithms = defaultAlgorithms } = client
    const verified = verifySignature(jwt, { keys, algorithms }, server.ports.signatures)
    if (isPromise(verified)) await verified
    return {
      client,
      async spend() {
        // RFC 7523 §3: keys may have been fetched since the times were checked, and then the record of a use may be gone.
        if (server.ports.now() >= exp + server.skew)
          throw unauthenticated('client_assertion_invalid', 'client_assertion: has expired')
        // Twice the skew: the record outlives the assertion on an instance whose clock is behind, too.
        const until = exp + 2 * server.skew
        const first = await server.ports.once(onceKey('client-assertion', clientId, null, jti), until)
        if (!first) throw unauthenticated('client_assertion_replay', 'the client assertion was used before')
        // Whatever was issued before a loss of memory may have been used; asked last, because spending may find the loss.
        if (issuedAt < server.ports.fence())
          throw unauthenticated('replay_fence', 'the client assertion is older than what this server can remember')
      },
    }
  } catch (cause) {
    throw assertionRefused(cause)
  }
}

function assertionTimes(claims: JsonObject, now: Seconds, skew: Seconds): { exp: Seconds; issuedAt: Seconds } {
  // RFC 7523 §3: exp is required, iat is not.
  const given = claims.iat !== undefined
  // RFC 7519 §4.1.6: an iat that is null is no number, and not an absent one.
  const iat = given ? claims.iat : typeof claims.exp === 'number' ? Math.min(claims.exp, now) : undefined
  const { exp } = checkTimes(
    { exp: claims.exp, nbf: claims.nbf, iat },
    { now, skew, maxLifetime: maxClientAssertionLifetime },
  )
  // Without iat it may be as old as the longest assertion.
  return { exp, issuedAt: given ? (iat as Seconds) : exp - maxClientAssertionLifetime }
}

function assertionRefused(cause: unknown): unknown {
  if (!(cause instanceof JwtError)) return cause
  return unauthenticated('client_assertion_invalid', `client_assertion: ${cause.message}`, cause)
}
