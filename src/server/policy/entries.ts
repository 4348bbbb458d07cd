/** The connections, trusted issuers and clients of a server as they are now: those of its configuration, with the changes of run time over them. */

import { secretDigestOf } from '../../protocol/secrets.ts'
import type { ConnectionConfig, IdpConfig, ResourceAsConfig, TrustedIssuerConfig } from '../config-schema.ts'
import type { IdpClientEntry, PolicyEntries, ResourceAsClientEntry, StoredEntry } from './entry-records.ts'

/** The part of an identity provider's configuration that entries are part of, or depend on. */
export type IdpDefinition = Pick<
  IdpConfig,
  'issuer' | 'subjectIssuers' | 'users' | 'clients' | 'resourceServers' | 'connections'
> &
  Partial<Pick<IdpConfig, 'pairwiseSecret' | 'refreshTokens' | 'samlIssuers' | 'workloadIssuers' | 'branches'>>

/** The part of a resource authorization server's configuration that entries are part of, or depend on. */
export type ResourceAsDefinition = Pick<ResourceAsConfig, 'issuer' | 'resources' | 'clients' | 'trustedIssuers'> &
  Partial<Pick<ResourceAsConfig, 'metadataDocuments' | 'authorizationDetailsTypes' | 'branches'>>

/** An entry that counts now, with the version of its record; 0 when it is the configuration's own. */
export interface KnownEntry<Entry> {
  entry: Entry
  version: number
}

/** Entries by their key, as {@link keyText} writes it, those of the configuration first. */
export type KnownEntries<Entry> = ReadonlyMap<string, KnownEntry<Entry>>

/** What an identity provider goes by. */
export interface IdpEntries {
  clients: KnownEntries<IdpClientEntry>
  connections: KnownEntries<ConnectionConfig>
}

/** What a resource authorization server goes by. */
export interface ResourceAsEntries {
  clients: KnownEntries<ResourceAsClientEntry>
  trustedIssuers: KnownEntries<TrustedIssuerConfig>
}

/** A key as the text that entries are found by: two keys never have the same. Looked for at every request, so it is put together plainly. */
export function keyText(...key: readonly string[]): string {
  let text = ''
  for (const part of key) text += `${part.length}:${part}`
  return text
}

/** What a connection is found by: its client and audience, and the tenant whose people alone it is for. */
export function connectionKey({
  client,
  audience,
  tenant,
}: Pick<ConnectionConfig, 'client' | 'audience' | 'tenant'>): readonly string[] {
  return tenant === undefined ? [client, audience] : [client, audience, tenant]
}

/** What a trusted issuer is found by: the issuer, and the tenant here that it speaks for. */
export function trustedIssuerKey({
  issuer,
  audTenant,
}: Pick<TrustedIssuerConfig, 'issuer' | 'audTenant'>): readonly string[] {
  return audTenant === undefined ? [issuer] : [issuer, audTenant]
}

/** Of an identity provider. */
export function idpEntries(idp: IdpDefinition, { idpClients, connections }: PolicyEntries): IdpEntries {
  return {
    clients: overlaid(idp, idp.clients.map(withoutSecret), ({ id }) => [id], idpClients),
    connections: overlaid(idp, idp.connections, connectionKey, connections),
  }
}

/** Of a resource authorization server. */
export function resourceAsEntries(server: ResourceAsDefinition, entries: PolicyEntries): ResourceAsEntries {
  const { resourceAsClients, trustedIssuers } = entries
  return {
    clients: overlaid(server, server.clients.map(withoutSecret), ({ id }) => [id], resourceAsClients),
    trustedIssuers: overlaid(server, server.trustedIssuers, trustedIssuerKey, trustedIssuers),
  }
}

const keyTexts = new WeakMap<object, string>()

/** The key of a stored entry as {@link keyText} writes it; written once, however often thousands of them are laid over a configuration. */
export function storedKeyText(stored: StoredEntry<unknown>): string {
  const known = keyTexts.get(stored)
  if (known !== undefined) return known
  const text = keyText(...stored.key)
  keyTexts.set(stored, text)
  return text
}

function overlaid<Entry>(
  { issuer }: { issuer: string },
  configured: readonly Entry[],
  keyOf: (entry: Entry) => readonly string[],
  stored: readonly StoredEntry<Entry>[],
): KnownEntries<Entry> {
  const entries = new Map(configured.map((entry) => [keyText(...keyOf(entry)), { entry, version: 0 }]))
  for (const one of stored) {
    if (one.server !== issuer) continue
    if (one.entry === undefined) entries.delete(storedKeyText(one))
    else entries.set(storedKeyText(one), { entry: one.entry, version: one.version })
  }
  return entries
}

const digests = new WeakMap<object, Uint8Array>()

/** A client of the configuration as others are kept; its secret is hashed once, however often entries change. */
function withoutSecret<Config extends { secret?: string | undefined }>(config: Config) {
  const { secret, ...rest } = config
  if (secret === undefined) return { ...rest, secretDigest: undefined }
  const secretDigest = digests.get(config) ?? secretDigestOf(secret)
  digests.set(config, secretDigest)
  return { ...rest, secretDigest }
}

/** What is built of a value, built anew when there is another value: for what every request asks and few change. */
export function builtFrom<Value, Built>(current: () => Value, build: (value: Value) => Built): () => Built {
  let latest: { value: Value; built: Built } | undefined
  return () => {
    const value = current()
    if (latest?.value !== value) latest = { value, built: build(value) }
    return latest.built
  }
}
