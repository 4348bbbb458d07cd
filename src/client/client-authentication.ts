/** How the client proves to a token endpoint who it is: one function for each method makes a {@link ClientAuthentication}. */

import { type CryptoKey, importJWK, type JWK, SignJWT } from 'jose'
import { isSignatureAlgorithm, type SignatureAlgorithm } from '../protocol/keys.ts'
import { clientAssertionType, jwtType } from '../protocol/names.ts'
import type { Seconds } from '../protocol/ports.ts'

/** A token request before it is sent; credentials are added in place. */
export interface UnsignedRequest {
  headers: Headers
  form: URLSearchParams
  /** The server it goes to. */
  issuer: string
  tokenEndpoint: string
  /** What this server wants an assertion to be addressed to, where its entry says so. */
  assertionAudience?: AssertionAudience
}

/** The name by which a client assertion is addressed to its server. */
export type AssertionAudience = 'issuer' | 'token-endpoint'

/** One client at one authorization server: its id there, and how it authenticates. */
export interface ClientAuthentication {
  id: string
  authenticate(request: UnsignedRequest, clock: { now(): Seconds; newId(): string }): Promise<void>
}

/** HTTP Basic (RFC 6749 §2.3.1). Throws TypeError for an empty id or secret. */
export function clientSecretBasic(id: string, secret: string): ClientAuthentication {
  requireText({ id, secret })
  return {
    id,
    async authenticate({ headers }) {
      // RFC 6749 §2.3.1: both halves are form-encoded first.
      headers.set('authorization', `Basic ${btoa(`${formEncoded(id)}:${formEncoded(secret)}`)}`)
    },
  }
}

/** Id and secret in the body (RFC 6749 §2.3.1). Throws TypeError for an empty id or secret. */
export function clientSecretPost(id: string, secret: string): ClientAuthentication {
  requireText({ id, secret })
  return {
    id,
    async authenticate({ form }) {
      form.set('client_id', id)
      form.set('client_secret', secret)
    },
  }
}

export interface PrivateKeyJwtOptions {
  /**
   * What the assertion is addressed to: the issuer (RFC 10070), or the token endpoint for servers that follow RFC 7523 as first
   * written. Default: as the server's entry in the client's options says, else the issuer.
   */
  audience?: AssertionAudience
  /** Of the key at the server. Default: the `kid` of the JWK. Absent: the header has none. */
  kid?: string
  /** Needed where the key alone does not say it. Default: the `alg` of the JWK, or what its type allows. */
  alg?: SignatureAlgorithm
}

const assertionLifetime: Seconds = 60

/**
 * An assertion signed with the client's own private key (RFC 7523 §2.2, RFC 10070), new for every request and good for
 * 60 seconds. Throws TypeError for a key that is not private or whose algorithm is unknown.
 */
export function privateKeyJwt(
  id: string,
  key: JWK | CryptoKey,
  options: PrivateKeyJwtOptions = {},
): ClientAuthentication {
  requireText({ id })
  if (isJwk(key) ? typeof key.d !== 'string' : key.type !== 'private')
    throw new TypeError('privateKeyJwt: the key is not a private key')
  const { audience, kid = isJwk(key) ? key.kid : undefined, alg = algorithmOf('privateKeyJwt', key) } = options
  let imported: Promise<CryptoKey> | undefined
  return {
    id,
    async authenticate({ form, issuer, tokenEndpoint, assertionAudience = 'issuer' }, { now, newId }) {
      imported ??= isJwk(key) ? (importJWK(key, alg) as Promise<CryptoKey>) : Promise.resolve(key)
      const iat = Math.floor(now())
      const aud = (audience ?? assertionAudience) === 'issuer' ? issuer : tokenEndpoint
      const assertion = await new SignJWT({ iss: id, sub: id, aud, jti: newId(), iat, exp: iat + assertionLifetime })
        .setProtectedHeader({ alg, typ: jwtType.clientAssertion, ...(kid === undefined ? {} : { kid }) })
        .sign(await imported)
      form.set('client_id', id)
      form.set('client_assertion_type', clientAssertionType)
      form.set('client_assertion', assertion)
    },
  }
}

/** By the curve, else by the type, in the words of JWK and of WebCrypto. */
const algorithmOfKind = new Map<string | undefined, SignatureAlgorithm>([
  ['P-256', 'ES256'],
  ['P-384', 'ES384'],
  ['Ed25519', 'EdDSA'],
  ['RSA', 'RS256'],
  ['RSASSA-PKCS1-v1_5', 'RS256'],
  ['RSA-PSS', 'PS256'],
])

function isJwk(key: JWK | CryptoKey): key is JWK {
  return 'kty' in key
}

/** What a key signs with: what it says itself, else what its kind allows. Throws TypeError, naming the option, when that is nothing known. */
export function algorithmOf(option: string, key: JWK | CryptoKey): SignatureAlgorithm {
  // RFC 7517 §4.4: a key that says its algorithm is for no other. RFC 9864 calls EdDSA on this curve Ed25519.
  const kind = isJwk(key) && key.alg !== undefined ? key.alg : kindOf(key)
  if (isSignatureAlgorithm(kind)) return kind
  const found = algorithmOfKind.get(kind)
  if (found === undefined) throw new TypeError(`${option}: no algorithm is known for a key of type ${kind}`)
  return found
}

function kindOf(key: JWK | CryptoKey): string | undefined {
  if (isJwk(key)) return key.crv ?? key.kty
  const { name, namedCurve } = key.algorithm as { name: string; namedCurve?: string }
  return namedCurve ?? name
}

function formEncoded(text: string): string {
  return new URLSearchParams([['', text]]).toString().slice(1)
}

function requireText(values: { [name: string]: string }): void {
  for (const [name, value] of Object.entries(values))
    if (typeof value !== 'string' || value === '')
      throw new TypeError(`client authentication: ${name} must not be empty`)
}
