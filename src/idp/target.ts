/** The resource authorization server that a request names, and the client's connection to it (ID-JAG §4.3; IDP-03, IDP-30). */

import { type Awaitable, following } from '../protocol/awaitable.ts'
import { OAuthError } from '../protocol/errors.ts'
import type { Connection, ResourceServer, User } from './connections.ts'
import { isForTenant } from './tenants.ts'

/** Where targets are looked up. */
export interface Targets {
  /** The resource server that an `audience` value names (ID-JAG §4.3). */
  findResourceServer(audience: string): Awaitable<ResourceServer | undefined>
  /** The one for people of this tenant, where people have tenants; otherwise one that is not for a tenant alone. */
  findConnection(client: string, audience: string, tenant?: string): Awaitable<Connection | undefined>
}

/** Both are enabled. */
export interface Target {
  server: ResourceServer
  connection: Connection
}

/**
 * The server that is meant and this client's connection to it for the tenant of the person. Throws `invalid_target`: an unknown audience, one without a connection,
 * and one that is switched off all get the same bytes, so that a client learns nothing of what other clients may reach.
 */
export function findTarget(targets: Targets, client: string, audience: string, user: User): Awaitable<Target> {
  return following(targets.findResourceServer(audience), (server) => {
    if (server === undefined) throw noTarget('no resource authorization server has this issuer or alias')
    if (!server.enabled) throw noTarget(`the resource authorization server ${server.issuer} is disabled`)
    return following(targets.findConnection(client, server.issuer, user.tenant), (connection) => {
      if (connection === undefined || !isForTenant(connection, user))
        throw noTarget(
          `no connection ${client} -> ${server.issuer}${user.tenant === undefined ? '' : ` for the tenant ${user.tenant}`}`,
        )
      if (!connection.enabled) throw noTarget(`the connection ${client} -> ${server.issuer} is disabled`)
      return { server, connection }
    })
  })
}

function noTarget(detail: string): OAuthError {
  return new OAuthError('invalid_target', 'audience: unknown, or not connected for this client', {
    reason: 'target_unknown',
    detail,
  })
}
