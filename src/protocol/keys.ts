/** Keys: the table of signature algorithms, sets of public keys, and what a signer is. */

import { KeyObject } from 'node:crypto'
import { type CryptoKey, importJWK, type JWK } from 'jose'
import { JwtError } from './jwt-error.ts'
import { isRocaModulus } from './roca.ts'

interface Algorithm {
  kty: 'EC' | 'RSA' | 'OKP'
  crv?: string
}

/**
 * ID-JAG D-14, RFC 8725 §3.1: asymmetric only. `none` and HS* are no rows, so nothing can allow them.
 * A verifier takes the key's row, never the token's word for it.
 */
const algorithms = {
  ES256: { kty: 'EC', crv: 'P-256' },
  ES384: { kty: 'EC', crv: 'P-384' },
  EdDSA: { kty: 'OKP', crv: 'Ed25519' },
  RS256: { kty: 'RSA' },
  PS256: { kty: 'RSA' },
} as const satisfies Record<string, Algorithm>

export type SignatureAlgorithm = keyof typeof algorithms
export const signatureAlgorithms = Object.keys(algorithms) as SignatureAlgorithm[]
/** What a trusted party may sign with unless its entry says otherwise (ID-JAG D-14). */
export const defaultAlgorithms: readonly SignatureAlgorithm[] = ['ES256', 'RS256', 'PS256', 'EdDSA']

export function isSignatureAlgorithm(name: unknown): name is SignatureAlgorithm {
  return typeof name === 'string' && Object.hasOwn(algorithms, name)
}

const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'] as const

/** Finds the key that must have signed. Throws {@link JwtError} `key_unknown`, `key_ambiguous`, `key_unusable`, `alg_not_allowed`. */
export interface KeySource {
  find(header: { alg: SignatureAlgorithm; kid: string | undefined }): Promise<KeyObject>
  /**
   * What {@link find} would find now without asking anybody: the very same object. Undefined when somebody must be asked, and when there is
   * no such key. Absent: nothing is ever at hand.
   */
  atHand?(header: { alg: SignatureAlgorithm; kid: string | undefined }): KeyObject | undefined
}

export class KeySetError extends Error {
  override readonly name = 'KeySetError'
}

/**
 * The usable signature keys of a JWK Set (RFC 7517). Keys for encryption and of types or curves outside the table are
 * left out, as §5 asks. The whole set is refused with {@link KeySetError} when it is no set, is larger than 100 keys, holds a
 * private or symmetric key, names two keys alike, or holds no usable key: whoever publishes that has lost control of
 * it. A key that is weak or broken stays in the set as unusable, so that only tokens of that key fail. A key that `isPurged` is as
 * if it were not there, also for a token that names no key; it is asked at each use.
 */
export async function keySetOf(jwks: unknown, isPurged: (kid: string) => boolean = () => false): Promise<KeySource> {
  const entries = await entriesOf(jwks)
  const isThere = ({ kid }: KeyEntry) => kid === undefined || !isPurged(kid)
  return {
    find: async ({ alg, kid }) => pick(entries.filter(isThere), alg, kid),
    atHand({ alg, kid }) {
      const entry = kid === undefined ? undefined : entries.find((one) => one.kid === kid)
      return entry !== undefined && isThere(entry) ? entry.keys.get(alg) : undefined
    },
  }
}

/** What {@link keySetOf} reads, key by key. Throws the same. */
export async function entriesOf(jwks: unknown): Promise<KeyEntry[]> {
  const keys = (jwks as { keys?: unknown } | null)?.keys
  if (!Array.isArray(keys)) throw new KeySetError('is not a JWK Set: the member keys is not an array')
  if (keys.length > 100) throw new KeySetError('holds more than 100 keys')
  const entries: KeyEntry[] = []
  for (const jwk of keys as JWK[]) {
    if (typeof jwk !== 'object' || jwk === null || Array.isArray(jwk))
      throw new KeySetError('holds a key that is no object')
    if (jwk.kty === 'oct' || privateMembers.some((member) => Object.hasOwn(jwk, member)))
      throw new KeySetError('holds a private or symmetric key')
    if (jwk.kid !== undefined && typeof jwk.kid !== 'string') throw new KeySetError('holds a kid that is no string')
    if (jwk.use !== undefined && jwk.use !== 'sig') continue
    if (Array.isArray(jwk.key_ops) && !jwk.key_ops.includes('verify')) continue
    const possible = algorithmsOf(jwk)
    if (possible.length === 0) continue
    if (jwk.kid !== undefined && entries.some((entry) => entry.kid === jwk.kid))
      throw new KeySetError('names two keys with one kid')
    const imported = new Map<SignatureAlgorithm, KeyObject | undefined>()
    for (const alg of possible) imported.set(alg, await importPublic(jwk, alg))
    entries.push({ kid: jwk.kid, keys: imported })
  }
  if (entries.length === 0) throw new KeySetError('holds no key for signatures')
  return entries
}

/** A public key of a set, ready to verify. */
export interface KeyEntry {
  kid: string | undefined
  /** By algorithm; undefined when the key is too weak or no valid key at all. */
  keys: Map<SignatureAlgorithm, KeyObject | undefined>
}

/** The entry that must have signed. Throws what {@link KeySource} says. */
export function pick(entries: readonly KeyEntry[], alg: SignatureAlgorithm, kid: string | undefined): KeyObject {
  if (kid === undefined) {
    const possible = entries.filter((entry) => entry.keys.has(alg))
    if (possible.length === 0) throw new JwtError('key_unknown', 'no key of this issuer fits the algorithm')
    if (possible.length > 1) throw new JwtError('key_ambiguous', 'no kid, and more than one key could have signed')
    return usable(possible[0]?.keys.get(alg))
  }
  const entry = entries.find((candidate) => candidate.kid === kid)
  if (entry === undefined) throw new JwtError('key_unknown', 'the issuer publishes no key with this kid')
  // RFC 8725 §3.1: a key is used with its own algorithm only.
  if (!entry.keys.has(alg)) throw new JwtError('alg_not_allowed', 'the key with this kid is for another algorithm')
  return usable(entry.keys.get(alg))
}

function usable(key: KeyObject | undefined): KeyObject {
  if (key === undefined) throw new JwtError('key_unusable', 'the key with this kid is too weak or is no valid key')
  return key
}

function algorithmsOf(jwk: JWK): SignatureAlgorithm[] {
  return signatureAlgorithms.filter((name) => {
    const row: Algorithm = algorithms[name]
    const named = jwk.alg === 'Ed25519' ? 'EdDSA' : jwk.alg
    return (
      row.kty === jwk.kty && (row.crv === undefined || row.crv === jwk.crv) && (named === undefined || named === name)
    )
  })
}

async function importPublic(jwk: JWK, alg: SignatureAlgorithm): Promise<KeyObject | undefined> {
  try {
    // RFC 8725 §3.5; and e = 65537 alone, because a huge exponent costs a hundred times the work to verify.
    if (jwk.kty === 'RSA' && (jwk.e !== 'AQAB' || !isSoundModulus(jwk.n))) return undefined
    const { kty, crv, x, y, n, e } = jwk
    const bare = Object.fromEntries(Object.entries({ kty, crv, x, y, n, e }).filter(([, value]) => value !== undefined))
    return KeyObject.from((await importJWK({ ...bare, kty: kty as string }, alg)) as CryptoKey)
  } catch {
    return undefined
  }
}

/** 2048 to 4096 bits, leading zeros not counted, and not of the flawed generator. */
function isSoundModulus(n: unknown): boolean {
  // RFC 7518 §6.3.1.1: text. Of an object that says how long it is, Buffer.from makes that many bytes.
  if (typeof n !== 'string') return false
  const modulus = Buffer.from(n, 'base64url')
  const hex = modulus.toString('hex').replace(/^0+/, '')
  const bits = hex.length * 4 - (Math.clz32(Number.parseInt(hex.charAt(0), 16)) - 28)
  return bits >= 2048 && bits <= 4096 && !isRocaModulus(modulus)
}

/** One of our own private keys, ready to sign. */
export interface SigningKey {
  kid: string
  alg: SignatureAlgorithm
  key: KeyObject
}

/** Our keys: the one that signs now, and everything we publish (it, those before it and the one after it). */
export interface SigningKeys {
  /** Throws {@link OAuthError} 503 `key_unusable` when every key was purged. */
  current(): SigningKey
  /** The JWK Set to publish: public members only, each with `kid`, `use` and `alg`. */
  published(): { keys: JWK[] }
  /** Finds our own keys, to check what we signed ourselves: those that are published, and no other. */
  source: KeySource
}

/** A JWK without its private members. Unknown members are left out too. */
export function publicPartOf(jwk: JWK): JWK {
  const { kty, crv, x, y, n, e } = jwk
  const members = Object.entries({ kty, crv, x, y, n, e }).filter(([, value]) => value !== undefined)
  return Object.fromEntries(members) as JWK
}
