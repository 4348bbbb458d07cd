/** Proofs of possession (RFC 9449): one proof is checked against the request it came with, and spent when the rest was right. */

import { createHash } from 'node:crypto'
import { calculateJwkThumbprint, decodeProtectedHeader, type JWK } from 'jose'
import { isText } from './claims.ts'
import type { ProofNonces } from './dpop-nonces.ts'
import { OAuthError } from './errors.ts'
import { isType, readJwt, type UnverifiedJwt, verifySignature } from './jwt.ts'
import { JwtError } from './jwt-error.ts'
import { defaultAlgorithms, KeySetError, keySetOf, publicPartOf, type SignatureAlgorithm } from './keys.ts'
import { jwtType } from './names.ts'
import { onceKey, type Ports, type Seconds } from './ports.ts'
import type { Reason } from './reasons.ts'
import type { Signatures } from './signatures.ts'

/** What a proof may be signed with. */
export const proofAlgorithms: readonly SignatureAlgorithm[] = defaultAlgorithms

/** RFC 9449 §11.1: seconds or minutes. A proof is as old as its request, so this is for slow ways and clocks. */
export const proofLifetime: Seconds = 60

/** How a server takes proofs. */
export interface ProofPolicy {
  /** The address that clients know the endpoint by, from the configuration and never from the request. */
  address: string
  /** Absent: proofs need no nonce of ours. */
  nonces?: ProofNonces | undefined
}

/** The request that a proof must be for. */
export interface ProvenRequest extends ProofPolicy {
  /** Its method, in capitals. */
  method: string
  /** The access token that came with it, at a protected resource. */
  accessToken?: string
  skew: Seconds
  ports: Pick<Ports, 'now' | 'once' | 'fence' | 'signatures'>
}

/** A proof that was found right. */
export interface Proof {
  /** The RFC 7638 SHA-256 thumbprint of its key: the `jkt` of whatever is bound to it. */
  key: string
  /** Spends it. Throws `invalid_dpop_proof` when it was used before, or is too old by now. */
  spend(): Promise<void>
}

/**
 * Checks the proof in the `DPoP` header lines of a request (RFC 9449 §4.3). Throws {@link OAuthError} `invalid_dpop_proof`, and
 * `use_dpop_nonce` with a nonce for a good proof that lacks one. Does NOT spend the proof, nor ask whether anything is bound to its key.
 */
export async function verifyProof(lines: readonly string[], request: ProvenRequest): Promise<Proof> {
  const { skew, ports, nonces } = request
  try {
    const { claims, key } = await readProof(lines, request)
    const { jti, iat, nonce } = claims
    if (nonces !== undefined && (typeof nonce !== 'string' || !nonces.accepts(nonce, ports.now())))
      throw new OAuthError('use_dpop_nonce', 'the DPoP proof must hold the nonce of the DPoP-Nonce header', {
        reason: 'pop_nonce',
        headers: { 'dpop-nonce': nonces.current(ports.now()) },
      })
    return {
      key,
      async spend() {
        // RFC 9449 §11.1: others may have been asked since the age was checked, and then the record of a use may be gone.
        checkAge(iat, ports.now(), skew)
        // Twice the skew: the record outlives the proof on an instance whose clock is behind, too.
        const first = await ports.once(onceKey('dpop-proof', key, null, jti), iat + proofLifetime + 2 * skew)
        if (!first) throw proofRefused('pop_replay', 'was used before')
        // Asked last, because spending may find that memory was lost.
        if (iat < ports.fence()) throw proofRefused('replay_fence', 'is older than what this server can remember')
      },
    }
  } catch (cause) {
    if (cause instanceof KeySetError)
      throw proofRefused('pop_malformed', `header: jwk: the key set ${cause.message}`, cause)
    if (cause instanceof JwtError) throw proofRefused(reasonOf[cause.reason] ?? 'pop_malformed', cause.message, cause)
    throw cause
  }
}

/** Every other reason of a JWT that is not good is `pop_malformed`. */
const reasonOf: { [reason in Reason]?: Reason } = { key_unusable: 'pop_key_refused', pop_mismatch: 'pop_mismatch' }

interface ProofClaims {
  jti: string
  iat: Seconds
  nonce: unknown
}

async function readProof(
  lines: readonly string[],
  { method, address, accessToken, skew, ports }: ProvenRequest,
): Promise<{ claims: ProofClaims; key: string }> {
  const [line = '', ...more] = lines
  if (more.length > 0) throw new JwtError('pop_malformed', 'stands in more than one DPoP header')
  const jwt = readJwt(line)
  if (!isType(jwt.header.typ, jwtType.proof)) throw new JwtError('pop_malformed', `typ must be ${jwtType.proof}`)
  const { jti, htm, htu, iat, ath, nonce } = jwt.claims
  if (!isText(jti, 256)) throw new JwtError('pop_malformed', 'jti must be a string of 1 to 256 characters')
  if (typeof htm !== 'string' || typeof htu !== 'string' || typeof iat !== 'number')
    throw new JwtError('pop_malformed', 'htm and htu must be strings, and iat a number')
  if (htm !== method) throw new JwtError('pop_mismatch', 'htm is not the method of this request')
  const called = comparableAddress(htu)
  if (called === undefined || called !== comparableAddress(address))
    throw new JwtError('pop_mismatch', 'htu is not the address of this request')
  // RFC 9449 §4.3: with an access token, its hash.
  if (accessToken !== undefined && ath !== createHash('sha256').update(accessToken).digest('base64url'))
    throw new JwtError('pop_mismatch', 'ath is not the hash of the access token')
  checkAge(iat, ports.now(), skew)
  return { claims: { jti, iat, nonce }, key: await signingKeyOf(jwt, ports.signatures) }
}

/** RFC 9449 §4.2, §4.3: the proof brings its key, the one JWT that may. Throws for a key outside the table before it verifies. */
async function signingKeyOf(jwt: UnverifiedJwt, signatures: Signatures | undefined): Promise<string> {
  const jwk = decodeProtectedHeader(jwt.token).jwk as JWK
  const keys = await keySetOf({ keys: [jwk] })
  const bare = { ...jwt, header: { ...jwt.header, kid: undefined } }
  await verifySignature(bare, { keys, algorithms: proofAlgorithms }, signatures)
  return await calculateJwkThumbprint(publicPartOf(jwk))
}

function checkAge(iat: Seconds, now: Seconds, skew: Seconds): void {
  if (iat > now + skew || iat < now - proofLifetime - skew)
    throw proofRefused('pop_mismatch', `iat is not within ${proofLifetime} s of now`)
}

/** RFC 9449 §4.3 (9): without query and fragment, normalised as RFC 3986 §6.2.2 and §6.2.3 say. Undefined when it is no address. */
function comparableAddress(address: string): string | undefined {
  if (!URL.canParse(address)) return undefined
  const url = new URL(address)
  url.search = ''
  url.hash = ''
  return url.href.replace(/%[0-9a-f]{2}/gi, (octet) => {
    const character = String.fromCharCode(Number.parseInt(octet.slice(1), 16))
    return /[\w.~-]/.test(character) ? character : octet.toUpperCase()
  })
}

function proofRefused(reason: Reason, message: string, cause?: unknown): OAuthError {
  return new OAuthError('invalid_dpop_proof', `the DPoP proof ${message}`, {
    reason,
    ...(cause === undefined ? {} : { cause }),
  })
}
