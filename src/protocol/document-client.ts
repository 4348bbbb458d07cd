/** A client as an authorization server knows it that its own metadata document describes. */

import type { Client } from './client-auth.ts'
import type { ClientMetadataDocuments } from './client-metadata.ts'
import { unauthenticated } from './errors.ts'

/** What the server itself says of such a client. */
export type DocumentClientEntry = Pick<Client, 'id' | 'enabled' | 'assertionAudienceAlso'>

/**
 * The client of a document, for {@link authenticateClient}. The document is fetched last: when everything about a client assertion but
 * its signature was right, or when no credentials came and it must be told from a public client (D-08). A secret never leads to a fetch,
 * nor does a client that is not enabled.
 */
export function documentClient(entry: DocumentClientEntry, { find }: ClientMetadataDocuments): Client {
  return {
    ...entry,
    // CIMD draft §4.1: there is no secret to share.
    authMethods: ['private_key_jwt'],
    keys: {
      async find(header) {
        const { keys } = await find(entry.id)
        if (keys === undefined)
          throw unauthenticated('auth_method_mismatch', `the document of ${entry.id} does not offer private_key_jwt`)
        return await keys.find(header)
      },
    },
    ...(entry.enabled ? { isPublic: async () => (await find(entry.id)).keys === undefined } : {}),
  }
}
