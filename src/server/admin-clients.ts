/** Clients over HTTP, of every server: made with a secret that is never shown, and with public keys. */

import type { AuditEvent } from '../protocol/ports.ts'
import type { AdminContext, Routes } from './admin-context.ts'
import { entryHandlers, type Located } from './admin-entries.ts'
import type { AdministeredIdp, AdministeredResourceAs } from './admin-options.ts'
import { AdminError } from './admin-request.ts'
import type { ClientEntry } from './clients.ts'
import { idpEntries, type KnownEntries, keyText, resourceAsEntries } from './policy/entries.ts'
import { readIdpClient, readResourceAsClient } from './policy/entry-input.ts'

/** The clients of one server as they are now. */
interface Room {
  known: KnownEntries<ClientEntry>
  at(id: string): Located<ClientEntry>
}

/** `/clients` of the identity provider and of every resource authorization server. */
export function clientRoutes(context: AdminContext): Routes {
  const { idp, resourceServers } = context.options
  const rooms = new Map<string, () => Room>()
  if (idp !== undefined) rooms.set(idp.name, () => roomAtIdp(context, idp))
  for (const server of resourceServers) rooms.set(server.name, () => roomAt(context, server))
  const locate = async ({ params }: { params: unknown }): Promise<Located<ClientEntry>> => {
    const { name, id } = params as { name: string; id: string }
    const room = rooms.get(name)
    if (room === undefined) throw new AdminError(404, 'no server has this name')
    await context.refreshed()
    return room().at(id)
  }
  return {
    '/clients': {
      async GET() {
        await context.refreshed()
        return [...rooms.values()]
          .map((room) => room())
          .flatMap(({ known, at }) =>
            [...known.values()].map((one) => {
              const { shown, names, wider } = at(one.entry.id)
              return shown(one, !one.entry.disabled && !context.isOff(names, ...wider))
            }),
          )
      },
    },
    '/clients/:name/:id': entryHandlers(context, locate),
  }
}

function roomAtIdp({ options }: AdminContext, { name, definition }: AdministeredIdp): Room {
  const known = idpEntries(definition, options.policy.entries()).clients
  const found = (id: string) => known.get(keyText(id))
  const at = locator(name, { role: 'idp', server: definition.issuer }, known)
  return {
    known,
    at: (id) => ({
      ...at(id),
      place: {
        kind: 'idpClients',
        server: definition.issuer,
        key: [id],
        configured: definition.clients.find((one) => one.id === id),
      },
      read: (body) => readIdpClient(body, { id }, definition, found(id)),
    }),
  }
}

function roomAt({ options }: AdminContext, { name, definition }: AdministeredResourceAs): Room {
  const known = resourceAsEntries(definition, options.policy.entries()).clients
  const found = (id: string) => known.get(keyText(id))
  const at = locator(name, { role: 'resource-as', server: definition.issuer }, known)
  return {
    known,
    at: (id) => ({
      ...at(id),
      place: {
        kind: 'resourceAsClients',
        server: definition.issuer,
        key: [id],
        configured: definition.clients.find((one) => one.id === id),
      },
      read: (body) => readResourceAsClient(body, { id }, definition, found(id)),
    }),
  }
}

/** What the clients of both roles have in common. */
function locator(
  name: string,
  at: Required<Pick<AuditEvent, 'role' | 'server'>>,
  known: KnownEntries<ClientEntry>,
): (id: string) => Omit<Located<ClientEntry>, 'place' | 'read'> {
  return (id) => ({
    noun: 'client',
    known: known.get(keyText(id)),
    missing: 'this server has no client of this id',
    names: { client: id, audience: at.server },
    wider: [{ client: id }],
    facts: { ...at, client: id },
    shown: ({ entry: { secretDigest, jwks, ...entry }, version }, enabled) => ({
      name,
      ...at,
      id,
      enabled,
      version,
      hasSecret: secretDigest !== undefined,
      entry: { ...entry, ...(jwks === undefined ? {} : { jwks: jwks.jwks }) },
    }),
  })
}
