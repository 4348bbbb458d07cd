/** Connections over HTTP: which client may act for whom at which resource authorization server. */

import type { AdminContext, Routes } from './admin-context.ts'
import { entryHandlers, type Located } from './admin-entries.ts'
import type { AdministeredIdp } from './admin-options.ts'
import type { ConnectionConfig } from './config-schema.ts'
import { connectionOf } from './idp-role.ts'
import { idpEntries, type KnownEntry, keyText } from './policy/entries.ts'
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
    return { client, audience, clientThere, enabled, scopes: scopes.map(({ name }) => name), resources, version }
  }
  const locate = async ({ params }: { params: unknown }): Promise<Located<ConnectionConfig>> => {
    const named = params as { client: string; audience: string }
    const { client, audience } = named
    const found = await entries()
    return {
      place: {
        kind: 'connections',
        server: definition.issuer,
        key: [client, audience],
        configured: definition.connections.find((one) => one.client === client && one.audience === audience),
      },
      noun: 'connection',
      known: found.connections.get(keyText(client, audience)),
      missing: 'this client has no connection to this audience',
      names: named,
      wider: [],
      facts: { role: 'idp', server: definition.issuer, client, audience },
      read: (body) => readConnection(body, { client, audience }, definition, found),
      shown: (known, enabled) => ({ ...shown(known, enabled), entry: known.entry }),
    }
  }
  return {
    '/connections': {
      GET: async () =>
        [...(await entries()).connections.values()].map((known) => {
          const { client, audience, disabled } = known.entry
          return shown(known, !disabled && !context.isOff({ client, audience }))
        }),
    },
    '/connections/:client/:audience': entryHandlers(context, locate, {
      mayDeleteUnseen: dangerouslyDeleteWithoutVersion === true,
    }),
  }
}
