/** What a configuration and the entries made at run time have switched off, as blocks: so that tokens issued before end too. */

import type { Block } from '../../protocol/blocks.ts'
import type { Config } from '../config.ts'
import { connectionKey, keyText, storedKeyText, trustedIssuerKey } from './entries.ts'
import { type EntryKind, namesOfEntry, type PolicyEntries, type StoredEntry } from './entry-records.ts'

/** The disabled users and accounts of a configuration, and its clients, connections and trusted issuers that are disabled or removed. */
export function switchedOff({ idp, resourceAs }: Pick<Config, 'idp' | 'resourceAs'>, entries: PolicyEntries): Block[] {
  return [
    ...(idp === undefined ? [] : offAtIdp(idp, entries)),
    ...(resourceAs === undefined ? [] : offAt(resourceAs, entries)),
  ]
}

function offAtIdp(idp: NonNullable<Config['idp']>, entries: PolicyEntries): Block[] {
  const off = offEntries(idp.issuer, entries)
  return [
    ...idp.users
      .filter(({ disabled }) => disabled)
      .map(({ sub, tenant }) => (tenant === undefined ? { user: sub } : { user: sub, tenant })),
    ...off('idpClients', idp.clients, ({ id }) => [id]),
    ...off('connections', idp.connections, connectionKey),
  ]
}

function offAt(server: NonNullable<Config['resourceAs']>, entries: PolicyEntries): Block[] {
  const off = offEntries(server.issuer, entries)
  return [
    ...server.accounts.filter(({ disabled }) => disabled).map(({ id }) => ({ user: id })),
    ...off('resourceAsClients', server.clients, ({ id }) => [id]),
    ...off('trustedIssuers', server.trustedIssuers, trustedIssuerKey),
  ]
}

/** Of the configuration's entries those that stand as they are, and all of run time: one look at each, however many there are. */
function offEntries(issuer: string, entries: PolicyEntries) {
  return <Entry extends { disabled: boolean }>(
    kind: EntryKind,
    configured: readonly Entry[],
    keyOf: (entry: Entry) => readonly string[],
  ): Block[] => {
    const all: readonly StoredEntry<{ disabled: boolean }>[] = entries[kind]
    const stored = all.filter(({ server }) => server === issuer)
    const off = new Map<string, readonly string[]>()
    for (const entry of configured) if (entry.disabled) off.set(keyText(...keyOf(entry)), keyOf(entry))
    const replaceable = new Set(configured.map((entry) => keyText(...keyOf(entry))))
    for (const one of stored) {
      const isOff = one.entry?.disabled ?? true
      if (isOff) off.set(storedKeyText(one), one.key)
      else if (replaceable.has(storedKeyText(one))) off.delete(storedKeyText(one))
    }
    return [...off.values()].map((key) => namesOfEntry(kind, issuer, key))
  }
}
