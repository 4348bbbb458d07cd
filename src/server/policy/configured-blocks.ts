/** What a configuration and the entries made at run time have switched off, as blocks: so that tokens issued before end too. */

import type { Block } from '../../protocol/blocks.ts'
import type { Config } from '../config.ts'
import { idpEntries, type KnownEntries, keyText, resourceAsEntries } from './entries.ts'
import { type EntryKind, namesOfEntry, type PolicyEntries, type StoredEntry } from './entry-records.ts'

/** The disabled users and accounts of a configuration, and its clients, connections and trusted issuers that are disabled or removed. */
export function switchedOff({ idp, resourceAs }: Pick<Config, 'idp' | 'resourceAs'>, entries: PolicyEntries): Block[] {
  return [
    ...(idp === undefined ? [] : offAtIdp(idp, entries)),
    ...(resourceAs === undefined ? [] : offAt(resourceAs, entries)),
  ]
}

function offAtIdp(idp: NonNullable<Config['idp']>, entries: PolicyEntries): Block[] {
  const { clients, connections } = idpEntries(idp, entries)
  const off = offEntries(idp.issuer, entries)
  return [
    ...idp.users.filter(({ disabled }) => disabled).map(({ sub }) => ({ user: sub })),
    ...off(
      'idpClients',
      idp.clients.map(({ id }) => [id]),
      clients,
    ),
    ...off(
      'connections',
      idp.connections.map(({ client, audience }) => [client, audience]),
      connections,
    ),
  ]
}

function offAt(server: NonNullable<Config['resourceAs']>, entries: PolicyEntries): Block[] {
  const { clients, trustedIssuers } = resourceAsEntries(server, entries)
  const off = offEntries(server.issuer, entries)
  return [
    ...server.accounts.filter(({ disabled }) => disabled).map(({ id }) => ({ user: id })),
    ...off(
      'resourceAsClients',
      server.clients.map(({ id }) => [id]),
      clients,
    ),
    ...off(
      'trustedIssuers',
      server.trustedIssuers.map(({ issuer }) => [issuer]),
      trustedIssuers,
    ),
  ]
}

function offEntries(issuer: string, entries: PolicyEntries) {
  return (kind: EntryKind, configured: readonly string[][], known: KnownEntries<{ disabled: boolean }>): Block[] => {
    const stored: readonly StoredEntry<unknown>[] = entries[kind]
    const keys = [...configured, ...stored.filter(({ server }) => server === issuer).map(({ key }) => key)]
    return keys
      .filter((key) => known.get(keyText(...key))?.entry.disabled ?? true)
      .map((key) => namesOfEntry(kind, issuer, key))
  }
}
