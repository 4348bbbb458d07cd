/** Whether an assertion came encrypted, and may have (branch jwe-support, FL-JWE-03). */

import { type Branches, usualBranches } from '../protocol/branches.ts'
import type { DecryptionKey } from '../protocol/encryption-keys.ts'
import { readJwt, type UnverifiedJwt } from '../protocol/jwt.ts'
import { JwtError } from '../protocol/jwt-error.ts'
import { isNested, openNested } from '../protocol/nested-jwt.ts'

/** What a server does about encryption. */
export interface AssertionEncryption {
  /** Its own, to be published, too. */
  keys: readonly DecryptionKey[]
  /** True: an assertion in the clear is refused. */
  required: boolean
}

/** Of a server, what this goes by. */
export interface EncryptionRules {
  /** Absent: encrypted assertions are refused. */
  encryption?: AssertionEncryption | undefined
  /** Absent: as usual, and then {@link EncryptionRules.encryption} is not looked at. */
  branches?: Branches | undefined
}

/** What a server does about encryption as things are switched; undefined for nothing. */
export function encryptionOf({
  encryption,
  branches = usualBranches,
}: EncryptionRules): AssertionEncryption | undefined {
  return branches['jwe-support'] ? encryption : undefined
}

/** Takes an assertion apart, encrypted or not; at once where it is not. Throws {@link JwtError}. Verifies NO signature. */
export function openAssertion(assertion: string, rules: EncryptionRules): UnverifiedJwt | Promise<UnverifiedJwt> {
  const encryption = encryptionOf(rules)
  if (encryption !== undefined && isNested(assertion)) return openNested(assertion, encryption.keys)
  if (encryption?.required === true) throw new JwtError('alg_not_allowed', 'is taken only when it is encrypted')
  return readJwt(assertion)
}
