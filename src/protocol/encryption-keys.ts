/** Keys that ID-JAGs are encrypted to: our own private ones, and the public one of somebody else (branch jwe-support, RFC 7518 §4). */

import { type CryptoKey, calculateJwkThumbprint, importJWK, type JWK } from 'jose'
import { KeySetError, publicPartOf } from './keys.ts'

interface KeyAgreement {
  kty: 'RSA' | 'EC'
}

/** No row for RSA1_5 (RFC 8725 §3.2), for passwords (PBES2), for `dir` and for keys that both sides hold. */
const keyManagement = {
  'ECDH-ES+A256KW': { kty: 'EC' },
  'ECDH-ES': { kty: 'EC' },
  'RSA-OAEP-256': { kty: 'RSA' },
} as const satisfies Record<string, KeyAgreement>

export type KeyManagementAlgorithm = keyof typeof keyManagement
/** How the content key may reach its recipient, best first. */
export const keyManagementAlgorithms = Object.keys(keyManagement) as KeyManagementAlgorithm[]
/** How the content may be encrypted, best first: with authentication only. */
export const contentEncryptions = ['A256GCM', 'A128GCM', 'A128CBC-HS256'] as const
export type ContentEncryption = (typeof contentEncryptions)[number]

const curves: readonly unknown[] = ['P-256', 'P-384']

/** One of our own keys, ready to decrypt, and as it is published. */
export interface DecryptionKey {
  kid: string
  /** RFC 8725 §3.1: the only algorithm it is used with. */
  alg: KeyManagementAlgorithm
  key: CryptoKey
  published: JWK
}

/** Somebody else's key, and how content for it is encrypted. */
export interface RecipientKey {
  kid: string
  alg: KeyManagementAlgorithm
  enc: ContentEncryption
  key: CryptoKey
}

export function isKeyManagementAlgorithm(name: unknown): name is KeyManagementAlgorithm {
  return typeof name === 'string' && Object.hasOwn(keyManagement, name)
}

/**
 * Reads our own private JWK Set for decryption, in its order. Throws {@link KeySetError} for an empty set, a key without `alg` or private
 * part, for signatures, on another curve, of fewer than 2048 or more than 4096 bits, or named like another.
 */
export async function decryptionKeysOf(jwks: { keys: JWK[] }): Promise<DecryptionKey[]> {
  const keys: DecryptionKey[] = []
  for (const jwk of jwks.keys) {
    const { alg, d } = jwk
    if (!isKeyManagementAlgorithm(alg)) throw new KeySetError(`has no alg of ${keyManagementAlgorithms.join(', ')}`)
    if (typeof d !== 'string') throw new KeySetError('has no private part')
    if (jwk.use !== undefined && jwk.use !== 'enc') throw new KeySetError('holds a key that is not for encryption')
    const key = await imported(jwk, alg)
    if (key === undefined) throw new KeySetError(`holds a key that is no usable ${alg} key`)
    const kid = jwk.kid ?? (await calculateJwkThumbprint(jwk))
    if (keys.some((other) => other.kid === kid)) throw new KeySetError('names two keys with one kid')
    keys.push({ kid, alg, key, published: { ...publicPartOf(jwk), kid, use: 'enc', alg } })
  }
  if (keys.length === 0) throw new KeySetError('holds no key')
  return keys
}

/** What a recipient says it can do. Absent: it does not say. */
export interface RecipientAbilities {
  algorithms?: readonly unknown[] | undefined
  encryptions?: readonly unknown[] | undefined
}

/**
 * The first key of somebody's JWK Set with `use` `enc` and a `kid` that we can encrypt to, and that goes with what they say they can do.
 * Undefined: there is none. Throws {@link KeySetError} for what is no JWK Set, has more than 100 keys, or holds a private key.
 */
export async function recipientKeyOf(
  jwks: unknown,
  { algorithms, encryptions }: RecipientAbilities = {},
): Promise<RecipientKey | undefined> {
  const keys = (jwks as { keys?: unknown } | null)?.keys
  if (!Array.isArray(keys)) throw new KeySetError('is not a JWK Set: the member keys is not an array')
  if (keys.length > 100) throw new KeySetError('holds more than 100 keys')
  const enc = contentEncryptions.find((one) => encryptions === undefined || encryptions.includes(one))
  const objects = keys.filter((jwk): jwk is JWK => typeof jwk === 'object' && jwk !== null)
  if (objects.some((jwk) => jwk.kty === 'oct' || Object.hasOwn(jwk, 'd')))
    throw new KeySetError('holds a private or symmetric key')
  for (const jwk of objects) {
    const { kid } = jwk
    if (enc === undefined || jwk.use !== 'enc' || typeof kid !== 'string' || kid === '' || kid.length > 256) continue
    const fits = (alg: KeyManagementAlgorithm) =>
      keyManagement[alg].kty === jwk.kty &&
      (jwk.alg === undefined || jwk.alg === alg) &&
      (algorithms === undefined || algorithms.includes(alg))
    const alg = keyManagementAlgorithms.find(fits)
    const key = alg === undefined ? undefined : await imported(publicPartOf(jwk), alg)
    if (alg !== undefined && key !== undefined) return { kid, alg, enc, key }
  }
  return undefined
}

/** The key, or undefined when it is none of its kind, too weak or too large. */
async function imported(jwk: JWK, alg: KeyManagementAlgorithm): Promise<CryptoKey | undefined> {
  const { kty } = keyManagement[alg]
  if (jwk.kty !== kty || (kty === 'EC' && !curves.includes(jwk.crv))) return undefined
  try {
    const { key_ops: _ops, ext: _ext, ...bare } = jwk
    const key = (await importJWK(bare, alg)) as CryptoKey
    const { modulusLength = 2048 } = key.algorithm as { modulusLength?: number }
    return modulusLength >= 2048 && modulusLength <= 4096 ? key : undefined
  } catch {
    return undefined
  }
}
