/** Client authentication at a token endpoint: HTTP Basic, a secret in the body, or a signed assertion. */

import { type Awaitable, following, isPromise } from './awaitable.ts'
import { isText } from './claims.ts'
import { OAuthError, unauthenticated } from './errors.ts'
import type { Form } from './form.ts'
import type { JsonObject } from './json.ts'
import { checkTimes, isType, readJwt, type UnverifiedJwt, verifySignature } from './jwt.ts'
import { JwtError } from './jwt-error.ts'
import { defaultAlgorithms, type KeySource, type SignatureAlgorithm } from './keys.ts'
import { type ClientAuthMethod, jwtType } from './names.ts'
import { onceKey, type Ports, type Seconds } from './ports.ts'
import { assertionRefused, type Presented, presentedCredentials } from './presented-credentials.ts'
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
