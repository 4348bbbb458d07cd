/** The client's DPoP proofs (RFC 9449 §4.2): one key, a new proof for each request, and the newest nonce of each server. */

import {
  base64url,
  type CryptoKey,
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JWK,
  SignJWT,
} from 'jose'
import { proofAlgorithms } from '../protocol/dpop.ts'
import { publicPartOf, type SignatureAlgorithm } from '../protocol/keys.ts'
import { jwtType } from '../protocol/names.ts'
import type { Seconds } from '../protocol/ports.ts'
import { algorithmOf } from './client-authentication.ts'

/** The key that everything is bound to: `true` makes an ES256 key that lives as long as the client, and cannot be read. */
export type ProofKeyOption = true | { key: JWK }

/** The request that a proof is for. */
export interface ProvenCall {
  method: string
  url: string
  accessToken?: string
}

export interface Prover {
  /** The RFC 7638 SHA-256 thumbprint of the key: the `jkt` of what is bound to it. */
  thumbprint(): Promise<string>
  /** The value of the `DPoP` header. */
  proof(call: ProvenCall): Promise<string>
  /** Keeps the nonce of an answer, if it has one, for the next proof to that server. */
  learn(url: string, headers: Headers): void
}

interface Key {
  private: CryptoKey
  jwk: JWK
  thumbprint: string
}

/** Nobody calls more servers than this with one person's credentials. */
const maxNonces = 100

/** Throws TypeError for a key that is not private, or whose algorithm no server takes. */
export function proverOf(option: ProofKeyOption, { now, newId }: { now(): Seconds; newId(): string }): Prover {
  const alg = option === true ? 'ES256' : algorithmOf('dpop', option.key)
  if (option !== true && typeof option.key.d !== 'string') throw new TypeError('dpop: the key is not a private key')
  if (!proofAlgorithms.includes(alg)) throw new TypeError(`dpop: a key for ${alg} is none for proofs`)
  const nonces = new Map<string, string>()
  let made: Promise<Key> | undefined
  const key = () => {
    made ??= keyOf(option, alg)
    return made
  }
  return {
    thumbprint: async () => (await key()).thumbprint,
    async proof({ method, url, accessToken }) {
      const { jwk, private: signing } = await key()
      const { origin, pathname } = new URL(url)
      const nonce = nonces.get(origin)
      const claims = {
        jti: newId(),
        htm: method,
        // RFC 9449 §4.2: without query and fragment.
        htu: origin + pathname,
        iat: Math.floor(now()),
        ...(accessToken === undefined ? {} : { ath: await hashOf(accessToken) }),
        ...(nonce === undefined ? {} : { nonce }),
      }
      return await new SignJWT(claims).setProtectedHeader({ alg, typ: jwtType.proof, jwk }).sign(signing)
    },
    learn(url, headers) {
      const nonce = headers.get('dpop-nonce')
      if (nonce === null) return
      const { origin } = new URL(url)
      nonces.delete(origin)
      const [oldest] = nonces.keys()
      if (oldest !== undefined && nonces.size >= maxNonces) nonces.delete(oldest)
      nonces.set(origin, nonce)
    },
  }
}

async function keyOf(option: ProofKeyOption, alg: SignatureAlgorithm): Promise<Key> {
  if (option !== true) {
    const jwk = publicPartOf(option.key)
    const signing = (await importJWK(option.key, alg)) as CryptoKey
    return { private: signing, jwk, thumbprint: await calculateJwkThumbprint(jwk) }
  }
  const { privateKey, publicKey } = await generateKeyPair(alg)
  const jwk = publicPartOf(await exportJWK(publicKey))
  return { private: privateKey, jwk, thumbprint: await calculateJwkThumbprint(jwk) }
}

/** RFC 9449 §4.2: of the token's ASCII. */
async function hashOf(accessToken: string): Promise<string> {
  const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(accessToken))
  return base64url.encode(new Uint8Array(hash))
}
