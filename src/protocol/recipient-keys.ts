/** The encryption key of somebody else's authorization server: found by its metadata, and kept for a while (FL-JWE-02). */

import { type RecipientKey, recipientKeyOf } from './encryption-keys.ts'
import { type OAuthError, unavailable } from './errors.ts'
import { discoverMetadata, type FetchDocument, MetadataError } from './issuer-keys.ts'
import { type JsonObject, parseJsonObject } from './json.ts'
import type { Seconds } from './ports.ts'

/** Gives the key to encrypt to; undefined when the recipient has none that can be used. Throws {@link OAuthError} 503 when it cannot know. */
export type FindRecipientKey = () => Promise<RecipientKey | undefined>

export interface RecipientKeysOptions {
  /** The issuer identifier of the authorization server. */
  issuer: string
  fetchDocument: FetchDocument
  now(): Seconds
  /** Tells the operator what is wrong with its documents. */
  warn(message: string): void
}

const maxJwksBytes = 256 * 1024
/** A key that the recipient withdrew is used no longer than this. */
const usableFor: Seconds = 300
/** A failure is tried again after this time. */
const retryInterval: Seconds = 15

/**
 * Follows the metadata and the `jwks_uri` of an authorization server. What was found is used for 300 s; a failure is 503 and tried again
 * after 15 s. Requests at the same time share one fetch.
 */
export function recipientKeys(options: RecipientKeysOptions): FindRecipientKey {
  const { issuer, now, warn } = options
  let known: { key: RecipientKey | undefined; until: Seconds } | undefined
  let failure: { error: OAuthError; until: Seconds } | undefined
  let pending: Promise<void> | undefined

  const refresh = async () => {
    try {
      known = { key: await load(options), until: now() + usableFor }
      failure = undefined
    } catch (cause) {
      const detail = `encryption key of ${issuer}: ${cause instanceof Error ? cause.message : 'unknown'}`
      failure = { error: unavailable('jwks_unavailable', detail, cause), until: now() + retryInterval }
      warn(detail)
    } finally {
      pending = undefined
    }
  }
  return async () => {
    if (known !== undefined && now() < known.until) return known.key
    if (failure === undefined || now() >= failure.until) {
      pending ??= refresh()
      await pending
    }
    if (failure !== undefined) throw failure.error
    return known?.key
  }
}

async function load({ issuer, fetchDocument }: RecipientKeysOptions): Promise<RecipientKey | undefined> {
  const metadata = await discoverMetadata(issuer, fetchDocument)
  if (typeof metadata.jwks_uri !== 'string') throw new MetadataError(`metadata of ${issuer} names no jwks_uri`)
  const { status, body } = await fetchDocument(metadata.jwks_uri, { maxBytes: maxJwksBytes })
  if (status !== 200) throw new MetadataError(`${metadata.jwks_uri} answered ${status}`)
  return await recipientKeyOf(parseJsonObject(body), {
    algorithms: listOf(metadata, 'id_jag_encryption_alg_values_supported'),
    encryptions: listOf(metadata, 'id_jag_encryption_enc_values_supported'),
  })
}

function listOf(metadata: JsonObject, member: string): readonly unknown[] | undefined {
  const list = metadata[member]
  return Array.isArray(list) ? list : undefined
}
