/** The one place where JWTs are read, verified and signed: every byte is judged here, and node:crypto does the arithmetic. */

import { type Awaitable, following, isPromise } from './awaitable.ts'
import { type JsonError, type JsonObject, parseJsonObject } from './json.ts'
import { JwtError } from './jwt-error.ts'
import { isSignatureAlgorithm, type KeySource, type SignatureAlgorithm, type SigningKey } from './keys.ts'
import type { Seconds } from './ports.ts'
import { recentlyUsed } from './recently-used.ts'
import { type Signatures, type SignedToken, usualSignatures } from './signatures.ts'

export const maxJwtLength = 16 * 1024

/** A compact JWS taken apart. Nothing in it has been verified. */
export interface UnverifiedJws {
  token: string
  header: { alg: string; kid: string | undefined; typ: string | undefined }
  payload: Buffer
  signature: Uint8Array
}

/** The same with claims. */
export type UnverifiedJwt = Omit<UnverifiedJws, 'payload'> & { claims: JsonObject }

/** RFC 8725 §3.10: the rest (`jku`, `jwk`, `x5u`, `x5c`, `x5t`) may stand there and is never looked at. */
const refusedHeaderMembers = ['crit', 'b64', 'zip', 'enc', 'cty', 'p2c', 'p2s']

/** Takes a JWT apart: a JWS as {@link readJws} reads it, with one JSON object inside. Throws the same. */
export function readJwt(token: string, maxLength = maxJwtLength): UnverifiedJwt {
  const { header, payload, signature } = readJws(token, maxLength)
  return { token, header, claims: readObject(payload, 'payload'), signature }
}

/**
 * Takes a compact JWS apart. Throws `malformed`, `too_large` or `header_unsupported`. Each segment must be canonical
 * base64url: Node also reads padding, line feeds and stray trailing bits, and then one token has many spellings.
 */
export function readJws(token: string, maxLength = maxJwtLength): UnverifiedJws {
  if (token.length > maxLength) throw new JwtError('too_large', `is longer than ${maxLength} characters`)
  const [head, body, signed, ...more] = token.split('.')
  if (head === undefined || body === undefined || signed === undefined || more.length > 0)
    throw new JwtError('malformed', 'is not a JWT of three segments')
  const [payload, signature] = [decodeSegment(body), decodeSegment(signed)]
  if (payload.length === 0) throw new JwtError('malformed', 'has an empty payload')
  const header = headerOfSegment(head)
  if (signature.length === 0 && isSignatureAlgorithm(header.alg)) throw new JwtError('malformed', 'has no signature')
  return { token, header, payload, signature }
}

/** Headers that were read, by their segment: those of one issuer's tokens are the same for as long as its key is. */
const headersRead = recentlyUsed<UnverifiedJws['header']>(1000)
const maxKeptLength = 256

function headerOfSegment(segment: string): UnverifiedJws['header'] {
  const known = headersRead.get(segment)
  if (known !== undefined) return known
  const header = readHeader(segment)
  // A copy: what is cut from a string keeps all of it in memory, and all of it is a token.
  if (segment.length <= maxKeptLength) headersRead.set(Buffer.from(segment).toString(), header)
  return header
}

function readHeader(segment: string): UnverifiedJws['header'] {
  const members = readObject(decodeSegment(segment), 'header')
  const { alg, kid, typ } = members
  if (typeof alg !== 'string') throw new JwtError('malformed', 'header: alg is not a string')
  if (kid !== undefined && typeof kid !== 'string') throw new JwtError('key_unknown', 'header: kid is not a string')
  if (kid !== undefined && kid.length > 256) throw new JwtError('key_unknown', 'header: kid is too long')
  if (typ !== undefined && typeof typ !== 'string') throw new JwtError('typ_mismatch', 'header: typ is not a string')
  // RFC 7515 §4.1.11: an extension we do not understand must not be ignored, and we understand none.
  const refused = refusedHeaderMembers.find((name) => Object.hasOwn(members, name))
  if (refused !== undefined) throw new JwtError('header_unsupported', `header: ${refused} is not supported`)
  return Object.freeze({ alg, kid, typ })
}

/** The bytes of one segment. Throws `malformed` for any spelling but the canonical one. */
export function decodeSegment(segment: string): Buffer {
  const bytes = Buffer.from(segment, 'base64url')
  if (bytes.toString('base64url') !== segment) throw new JwtError('malformed', 'is not canonical base64url')
  return bytes
}

/** The object in a header or payload. Throws `malformed`, naming the part. */
export function readObject(bytes: Buffer, part: string): JsonObject {
  try {
    return parseJsonObject(bytes)
  } catch (cause) {
    throw new JwtError('malformed', `${part} ${(cause as JsonError).message}`, { cause })
  }
}

/** True when a header's `typ` names this media type (RFC 7515 §4.1.9: case does not matter, `application/` may be left out). */
export function isType(typ: string | undefined, expected: string): boolean {
  return typ === expected || (typ !== undefined && typ.toLowerCase().replace(/^application\//, '') === expected)
}

/**
 * Checks the signature with a key that the caller's trust leads to, never one the token brings. Throws `alg_not_allowed`,
 * `key_…`, `signature_invalid`. Does NOT check any claim, nor `typ`: see {@link checkTimes} and the file of each kind of token.
 */
export function verifySignature(
  jwt: Pick<UnverifiedJws, 'token' | 'header' | 'signature'>,
  trust: { keys: KeySource; algorithms: readonly SignatureAlgorithm[] },
  signatures: Pick<Signatures, 'verify'> = usualSignatures,
): Awaitable<void> {
  const { kid } = jwt.header
  const alg = jwt.header.alg === 'Ed25519' ? 'EdDSA' : jwt.header.alg
  if (!isSignatureAlgorithm(alg) || !trust.algorithms.includes(alg))
    throw new JwtError('alg_not_allowed', 'is signed with an algorithm that is not allowed here')
  const { token, signature } = jwt
  const key = trust.keys.atHand?.({ alg, kid }) ?? trust.keys.find({ alg, kid })
  return following(key, (found) => verifyWith({ token, signature, alg, key: found }, signatures))
}

function verifyWith(jws: SignedToken, signatures: Pick<Signatures, 'verify'>): Awaitable<void> {
  let good: Awaitable<boolean>
  try {
    good = signatures.verify(jws)
  } catch (cause) {
    throw notVerified(cause)
  }
  if (!isPromise(good)) return requireGood(good)
  return good.then(requireGood, (cause: unknown) => {
    throw notVerified(cause)
  })
}

function requireGood(good: boolean): void {
  if (good !== true) throw notVerified()
}

/** Whatever was thrown, such as for a key that is of no use, the token was not verified. */
function notVerified(cause?: unknown): JwtError {
  return new JwtError('signature_invalid', 'the signature does not verify', { cause })
}

export interface TimeRules {
  now: Seconds
  /** Allowed difference between the clocks, at most 60. */
  skew: Seconds
  /** The longest accepted `exp − iat`. */
  maxLifetime: Seconds
}

/**
 * Checks `exp`, `iat` and `nbf` (RFC 7519 §4.1, RFC 7523 §3). Throws `expired`, `lifetime_too_long`, `iat_invalid`,
 * `not_yet_valid`, and `malformed` for an `exp` that is no number. `iat` is required.
 */
export function checkTimes(claims: JsonObject, { now, skew, maxLifetime }: TimeRules): { exp: Seconds; iat: Seconds } {
  const { exp, iat, nbf } = claims
  if (typeof exp !== 'number') throw new JwtError('malformed', 'exp is not a number')
  if (typeof iat !== 'number') throw new JwtError('iat_invalid', 'iat is not a number')
  if (now >= exp + skew) throw new JwtError('expired', 'has expired')
  if (iat > now + skew) throw new JwtError('iat_invalid', 'was issued in the future')
  if (iat < now - maxLifetime - skew) throw new JwtError('iat_invalid', 'was issued too long ago')
  // ATK-050, ATK-053: what is over counts for the skew, also when it was issued meanwhile; an end farther back was never one.
  if (iat > exp + skew) throw new JwtError('iat_invalid', 'was issued after its own end')
  // The cap also turns away an exp in milliseconds, or 1e400, which JSON.parse reads as Infinity.
  if (exp - iat > maxLifetime || exp > now + maxLifetime + skew)
    throw new JwtError('lifetime_too_long', `lives longer than ${maxLifetime} s`)
  if (nbf !== undefined && (typeof nbf !== 'number' || nbf > now + skew))
    throw new JwtError('not_yet_valid', 'nbf is in the future')
  return { exp, iat }
}

/** Signs claims as they are; members that are undefined are left out. The caller gives every claim, the times too: no clock here. */
export function signJwt(
  claims: object,
  typ: string,
  signer: SigningKey,
  signatures: Signatures = usualSignatures,
): Awaitable<string> {
  const input = `${headerOf(signer, typ)}.${encoded(claims)}`
  return following(signatures.sign(input, signer), (signature) => `${input}.${textOf(signature)}`)
}

function textOf({ buffer, byteOffset, length }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, length).toString('base64url')
}

/** Of each key, by `typ`: it never changes. */
const headers = new WeakMap<SigningKey, Map<string, string>>()

function headerOf(signer: SigningKey, typ: string): string {
  const known = headers.get(signer) ?? new Map<string, string>()
  headers.set(signer, known)
  const { alg, kid } = signer
  const header = known.get(typ) ?? encoded({ alg, kid, typ })
  known.set(typ, header)
  return header
}

function encoded(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url')
}
