/** The reference for our own verification of signatures: jose in its place, for who would rather rely on it. */

import { compactVerify } from 'jose'
import type { Signatures } from './signatures.ts'

/** These signatures, verified by jose with WebCrypto, which always computes in threads. Signing stays as it is. */
export function verifiedByJose(signatures: Signatures): Signatures {
  return {
    async verify({ token, alg, key }) {
      await compactVerify(token, key, { algorithms: alg === 'EdDSA' ? ['EdDSA', 'Ed25519'] : [alg] })
      return true
    },
    sign: (signingInput, signer) => signatures.sign(signingInput, signer),
  }
}
