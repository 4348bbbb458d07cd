/** The clients of one role that identify themselves by a metadata document: those that are listed, and those that need not be. */

import {
  type ClientMetadataDocuments,
  clientMetadataDocuments,
  isMetadataDocumentId,
} from '../protocol/client-metadata.ts'
import type { ClientPolicy } from '../resource-as/trust.ts'
import type { ClientConfig, ResourceAsConfig } from './config-schema.ts'
import { isLoopbackUrl } from './config-values.ts'
import { type KnownEntries, keyText } from './policy/entries.ts'
import type { Surroundings } from './surroundings.ts'

/** What a role knows of them. */
export interface DocumentClients {
  documents: ClientMetadataDocuments
  /** Whether documents may be on this machine: only while the issuer is, too. */
  allowLoopback: boolean
  /**
   * What a client that is listed nowhere may be given by its document alone; undefined for one that may not come so. Does NOT say by
   * which grant, and fetches nothing.
   */
  reachOf(id: string): ClientPolicy | undefined
  /** True while at least one client may come by a document: what the metadata of the server says. */
  areAccepted(): boolean
}

export interface DocumentClientsOptions {
  issuer: string
  /** The clients that are listed now. */
  known(): KnownEntries<Pick<ClientConfig, 'metadataDocument'>>
  /** What others may be given. Absent: nothing, and their documents are never fetched. */
  unlisted?: ResourceAsConfig['metadataDocuments']
}

/** One for each role: it keeps the documents. Nothing is fetched before the first client comes. */
export function documentClients(
  { issuer, known, unlisted }: DocumentClientsOptions,
  { fetchDocument, fetchUnlisted, now, warn, policy }: Surroundings,
): DocumentClients {
  const allowLoopback = isLoopbackUrl(issuer)
  let listed = false
  return {
    documents: clientMetadataDocuments({
      fetchDocument,
      fetchUnlisted,
      now,
      warn,
      allowLoopback,
      isNamed: (id) => known().has(keyText(id)),
      isPurged: policy.isPurgedKey,
    }),
    allowLoopback,
    reachOf(id) {
      if (unlisted === undefined || !isMetadataDocumentId(id, { allowLoopback })) return undefined
      const { hosts, scopes, resources } = unlisted
      return hosts === undefined || hosts.includes(new URL(id).host) ? { scopes, resources } : undefined
    },
    areAccepted() {
      if (unlisted !== undefined) return true
      try {
        listed = [...known().values()].some(({ entry }) => entry.metadataDocument === true)
      } catch {
        // Metadata is public and needs no store: while the policy cannot be read, it says what it said before.
      }
      return listed
    },
  }
}
