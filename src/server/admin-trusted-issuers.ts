/** Trusted issuers over HTTP: whose ID-JAGs each resource authorization server redeems, and whose ID Tokens the identity provider takes. */

import type { AdminContext, Handler, Routes } from './admin-context.ts'
import { entryHandlers, type Located, Switch } from './admin-entries.ts'
import type { AdministeredIdp, AdministeredResourceAs } from './admin-options.ts'
import { AdminError, parsed } from './admin-request.ts'
import type { TrustedIssuerConfig } from './config-schema.ts'
import { keyText, resourceAsEntries, trustedIssuerKey } from './policy/entries.ts'
import { readTrustedIssuer } from './policy/entry-input.ts'

/** `/trusted-issuers`, each with the tenant here that it speaks for where there is one. Those of the identity provider stand in its configuration: they can be switched, and nothing else. */
export function trustedIssuerRoutes(context: AdminContext): Routes {
  const { idp, resourceServers, policy } = context.options
  const entriesOf = ({ definition }: AdministeredResourceAs) => resourceAsEntries(definition, policy.entries())
  const locate = async ({ params }: { params: unknown }): Promise<Located<TrustedIssuerConfig>> => {
    const { name, issuer, tenant: audTenant } = params as { name: string; issuer: string; tenant?: string }
    const named = { issuer, ...(audTenant === undefined ? {} : { audTenant }) }
    const found = resourceServers.find((one) => one.name === name)
    if (found === undefined) throw new AdminError(404, 'no server of this name has an entry for this issuer')
    await context.refreshed()
    const { definition } = found
    const server = definition.issuer
    const entries = entriesOf(found)
    return {
      place: {
        kind: 'trustedIssuers',
        server,
        key: trustedIssuerKey(named),
        configured: definition.trustedIssuers.find((one) => one.issuer === issuer && one.audTenant === audTenant),
      },
      noun: 'trusted issuer',
      known: entries.trustedIssuers.get(keyText(...trustedIssuerKey(named))),
      missing: 'no server of this name has an entry for this issuer',
      names: { issuer, audience: server, ...inTenant(audTenant) },
      wider: [{ issuer }, ...(audTenant === undefined ? [] : [{ issuer, audience: server }, { tenant: audTenant }])],
      facts: { role: 'resource-as', server, ...named },
      read: (body) => readTrustedIssuer(body, named, definition, entries),
      shown: ({ entry, version }, enabled) => {
        return { name, role: 'resource-as', server, ...named, enabled, version, entry }
      },
    }
  }
  const handlers = entryHandlers(context, locate)
  const isIdp = ({ params }: { params: unknown }) => (params as { name: string }).name === idp?.name
  const orIdp =
    (handler: Handler, atIdp: (idp: AdministeredIdp) => Handler): Handler =>
    async (request, reply) =>
      await (idp !== undefined && isIdp(request) ? atIdp(idp) : handler)(request, reply)
  const fixed = () => async () => {
    throw new AdminError(405, 'whose ID Tokens the identity provider takes stands in its configuration')
  }
  return {
    '/trusted-issuers': {
      async GET() {
        await context.refreshed()
        return [
          ...(idp?.definition.subjectIssuers.map(({ issuer }) => shownSubjectIssuer(context, idp, issuer)) ?? []),
          ...resourceServers.flatMap((one) => {
            const { name, definition } = one
            const server = definition.issuer
            return [...entriesOf(one).trustedIssuers.values()].map(
              ({ entry: { issuer, audTenant, disabled }, version }) => {
                const off = [{ issuer }, { issuer, audience: server, ...inTenant(audTenant) }]
                const enabled = !disabled && !context.isOff(...off)
                return { name, role: 'resource-as', server, issuer, audTenant, enabled, version }
              },
            )
          }),
        ]
      },
    },
    '/trusted-issuers/:name/:issuer/:tenant': handlers,
    '/trusted-issuers/:name/:issuer': {
      GET: orIdp(handlers.GET, (one) => async (request) => {
        const issuer = subjectIssuerOf(one, request)
        await context.refreshed()
        return shownSubjectIssuer(context, one, issuer)
      }),
      PUT: orIdp(handlers.PUT, fixed),
      PATCH: orIdp(handlers.PATCH, (one) => switchSubjectIssuer(context, one)),
      DELETE: orIdp(handlers.DELETE, fixed),
    },
  }
}

function inTenant(tenant: string | undefined) {
  return tenant === undefined ? {} : { tenant }
}

function subjectIssuerOf({ definition }: AdministeredIdp, { params }: { params: unknown }): string {
  const { issuer } = params as { issuer: string }
  if (definition.subjectIssuers.some((one) => one.issuer === issuer)) return issuer
  throw new AdminError(404, 'no server of this name has an entry for this issuer')
}

function shownSubjectIssuer(context: AdminContext, { name, definition }: AdministeredIdp, issuer: string) {
  const enabled = !context.isOff({ issuer }, { issuer, audience: definition.issuer })
  return { name, role: 'idp', server: definition.issuer, issuer, enabled }
}

function switchSubjectIssuer(context: AdminContext, idp: AdministeredIdp): Handler {
  return async (request) => {
    const issuer = subjectIssuerOf(idp, request)
    const { enabled } = parsed(Switch, request.body)
    const server = idp.definition.issuer
    await context.refreshed()
    if (enabled && context.isOff({ issuer }))
      throw new AdminError(409, 'a wider block stops this issuer too: lift it with DELETE /blocks')
    const facts = { role: 'idp', server, issuer, detail: `subject issuer ${enabled ? 'enabled' : 'disabled'}` } as const
    const names = { issuer, audience: server }
    await context.change(request, facts, (acts, actor) =>
      enabled ? acts.unblock(names, actor) : acts.block(names, actor),
    )
    return shownSubjectIssuer(context, idp, issuer)
  }
}
