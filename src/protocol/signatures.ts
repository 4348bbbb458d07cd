/** Signatures over tokens, made and checked by node:crypto with keys that were read once: in the pool's threads, or in this one. */

import { constants, type KeyObject, sign, verify } from 'node:crypto'
import type { Awaitable } from './awaitable.ts'
import type { SignatureAlgorithm } from './keys.ts'

/** A compact JWS as {@link readJws} took it apart, and the key that must have signed it. */
export interface SignedToken {
  token: string
  signature: Uint8Array
  alg: SignatureAlgorithm
  key: KeyObject
}

/** The arithmetic of signatures, and nothing else: which key may sign what is settled before it is asked. */
export interface Signatures {
  /** Whether the signature is of these bytes by this key. May throw for a key that it cannot use: then nothing was verified. */
  verify(jws: SignedToken): Awaitable<boolean>
  /** The bytes of the signature over the signing input (RFC 7515 §5.1). */
  sign(signingInput: string, signer: { alg: SignatureAlgorithm; key: KeyObject }): Awaitable<Uint8Array>
}

interface Method {
  keyType: 'ec' | 'rsa' | 'ed25519'
  curve?: string
  /** The one length of its signatures. Absent: that of the modulus, which OpenSSL demands itself. */
  length?: number
  digest: 'sha256' | 'sha384' | null
  how: { dsaEncoding?: 'ieee-p1363'; padding?: number; saltLength?: number }
}

/** RFC 7518 §3.3 to §3.5, RFC 8037 §3.1. The hash of MGF1 is the digest, which is what OpenSSL takes unless told otherwise. */
const methods: { readonly [alg in SignatureAlgorithm]: Method } = {
  ES256: { keyType: 'ec', curve: 'prime256v1', length: 64, digest: 'sha256', how: { dsaEncoding: 'ieee-p1363' } },
  ES384: { keyType: 'ec', curve: 'secp384r1', length: 96, digest: 'sha384', how: { dsaEncoding: 'ieee-p1363' } },
  EdDSA: { keyType: 'ed25519', length: 64, digest: null, how: {} },
  RS256: { keyType: 'rsa', digest: 'sha256', how: { padding: constants.RSA_PKCS1_PADDING } },
  PS256: { keyType: 'rsa', digest: 'sha256', how: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 } },
}

/** With `threads`, everything is computed in the pool's threads, while this one goes on; without, only signing with RSA is. */
export function nodeSignatures({ threads }: { threads: boolean }): Signatures {
  return {
    verify({ token, signature, alg, key }) {
      const { digest, length, how } = methods[alg]
      if (!isForMethod(key, alg) || (length !== undefined && signature.length !== length)) return false
      const input = Buffer.from(token.slice(0, token.lastIndexOf('.')), 'latin1')
      const options = { key, dsaEncoding: how.dsaEncoding, padding: how.padding, saltLength: how.saltLength }
      if (!threads) return verify(digest, input, options, signature)
      return inThread<boolean>((done) => verify(digest, input, options, signature, done))
    },
    sign(signingInput, { alg, key }) {
      const { digest, keyType, how } = methods[alg]
      const input = Buffer.from(signingInput, 'latin1')
      const options = { key, dsaEncoding: how.dsaEncoding, padding: how.padding, saltLength: how.saltLength }
      // 200 µs: too long for every other request to wait.
      if (!threads && keyType !== 'rsa') return sign(digest, input, options)
      return inThread<Uint8Array>((done) => sign(digest, input, options, done))
    },
  }
}

function inThread<Outcome>(start: (done: (error: Error | null, outcome: Outcome) => void) => void): Promise<Outcome> {
  return new Promise((resolve, reject) =>
    start((error, outcome) => {
      if (error === null) resolve(outcome)
      else reject(error)
    }),
  )
}

/** RFC 8725 §3.1: a key is used with an algorithm of its own kind, whoever found it. */
function isForMethod({ type, asymmetricKeyType, asymmetricKeyDetails }: KeyObject, alg: SignatureAlgorithm): boolean {
  const { keyType, curve } = methods[alg]
  const { namedCurve, modulusLength = 0 } = asymmetricKeyDetails ?? {}
  if (type !== 'public' || asymmetricKeyType !== keyType || namedCurve !== curve) return false
  return keyType !== 'rsa' || modulusLength >= 2048
}

/** What is used where nothing else is given. For a process with one core for itself, computing without threads is better. */
export const usualSignatures = nodeSignatures({ threads: true })
