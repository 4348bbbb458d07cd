/** How an identity provider that runs here finds the keys to which it encrypts ID-JAGs. */

import type { RecipientKey } from '../protocol/encryption-keys.ts'
import { type FindRecipientKey, recipientKeys } from '../protocol/recipient-keys.ts'
import type { Surroundings } from './surroundings.ts'

/** How the key of a resource server is found; undefined where its ID-JAGs are not encrypted. */
export function recipientOf(
  { issuer, encryption }: { issuer: string; encryption?: 'metadata' | RecipientKey | undefined },
  { fetchDocument, now, warn }: Surroundings,
): FindRecipientKey | undefined {
  if (encryption === undefined) return undefined
  return encryption === 'metadata' ? recipientKeys({ issuer, fetchDocument, now, warn }) : async () => encryption
}
