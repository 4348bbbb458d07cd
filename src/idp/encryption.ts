/** Which ID-JAGs leave this identity provider encrypted to their recipient (branch jwe-support, FL-JWE-01, FL-JWE-03). */

import type { Awaitable } from '../protocol/awaitable.ts'
import { type Branches, usualBranches } from '../protocol/branches.ts'
import { OAuthError } from '../protocol/errors.ts'
import { encryptNested } from '../protocol/nested-jwt.ts'
import type { FindRecipientKey } from '../protocol/recipient-keys.ts'
import type { ResourceServer } from './connections.ts'

/**
 * How the ID-JAG for a server is sealed once it is signed: encrypted where the server's entry says how to find its key, as it is elsewhere
 * and where the branch is switched off. To be asked before anything is spent. Throws OAuthError `invalid_target` when that server has no key
 * that can be used, because nothing is sent in the clear that was to be encrypted, and 503 when its keys cannot be known.
 */
export function sealFor(
  { issuer, encryptionKey }: ResourceServer,
  branches: Branches = usualBranches,
): Awaitable<Seal> {
  if (encryptionKey === undefined || !branches['jwe-support']) return unsealed
  return sealedTo(issuer, encryptionKey)
}

/** What becomes of an ID-JAG once it is signed. */
export type Seal = (signed: string) => Awaitable<string>

const unsealed: Seal = (signed) => signed

async function sealedTo(issuer: string, encryptionKey: FindRecipientKey): Promise<Seal> {
  const key = await encryptionKey()
  if (key === undefined)
    throw new OAuthError('invalid_target', 'audience: no ID-JAG can be encrypted for it', {
      reason: 'key_unusable',
      detail: `${issuer} publishes no encryption key with an algorithm that is supported here`,
    })
  return (signed) => encryptNested(signed, key)
}
