/** Connections over HTTP: which client may act for whom at which resource authorization server. */

import type { AdminContext, Routes } from './admin-context.ts'
import { entryHandlers, type Located } from './admin-entries.ts'
import type { AdministeredIdp } from './admin-options.ts'
import type { ConnectionConfig } from './config-schema.ts'
import { connectionOf } from './idp-role.ts'
import { connectionKey, idpEntries, type KnownEntry, keyText } from './policy/entries.ts'
import { readConnection } from './policy/entry-input.ts'

/** `/connections` of one identity provider. */
export function connectionRoutes(context: AdminContext, { definition }: AdministeredIdp): Routes {
  const { policy, dangerouslyDeleteWithoutVersion } = context.options
  const entries = async () => {
    await context.refreshed()
    return idpEntries(definition, policy.entries())
  }
  const shown = ({ entry, version }: KnownEntry<ConnectionConfig>, enabled: boolean) => {
    const { client, audience, clientThere, scopes, resources } = connectionOf(entry, definition.resourceServers)
    return {
      client,
      audience,
      tenant: entry.tenant,
      clientThere,
      enabled,
      scopes: scopes.map(({ name }) => name),
      resources,
      version,
    }
  }
  const locate = async ({ params }: { params: unknown }): Promise<Located<ConnectionConfig>> => {
    const named = params as { client: string; audience: string; tenant?: string }
    const { client, audience, tenant } = named
    const found = await entries()
    return {
      place: {
        kind: 'connections',
        server: definition.issuer,
        key: connectionKey(named),
        configured: definition.connections.find(
          (one) => one.client === client && one.audience === audience && one.tenant === tenant,
        ),
      },
      noun: 'connection',
      known: found.connections.get(keyText(...connectionKey(named))),
      missing: 'this client has no connection to this audience',
      names: named,
      wider: tenant === undefined ? [] : [{ client, audience }, { tenant }],
      facts: { role: 'idp', server: definition.issuer, ...named },
      read: (body) => readConnection(body, { ...named }, definition, found),
      shown: (known, enabled) => ({ ...shown(known, enabled), entry: known.entry }),
    }
  }
  const handlers = entryHandlers(context, locate, {
    mayDeleteUnseen: dangerouslyDeleteWithoutVersion === true,
  })
  return {
    '/connections': {
      GET: async () =>
        [...(await entries()).connections.values()].map((known) => {
          const { client, audience, tenant, disabled } = known.entry
          const names = tenant === undefined ? { client, audience } : { client, audience, tenant }
          return shown(known, !disabled && !context.isOff(names))
        }),
    },
    '/connections/:client/:audience': handlers,
    '/connections/:client/:audience/:tenant': handlers,
  }
}
