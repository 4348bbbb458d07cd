/** Builds the administration that a configuration describes. */

import type { FastifyPluginAsync } from 'fastify'
import { adminPlugin } from './admin.ts'
import type { AdministeredIdp } from './admin-options.ts'
import type { IdpConfig } from './config-schema.ts'
import type { Listen } from './config-values.ts'
import { failureLine, type ProcessParts } from './roles.ts'

/**
 * The administration with the address it is to listen on; undefined when the configuration has none. The servers are called as in the
 * file: `idp`, `resourceAs`. It does NOT show the audit: that is read with `xaa audit`.
 */
export function adminOf(parts: ProcessParts): { listen: Listen; plugin: FastifyPluginAsync } | undefined {
  const { config, store, audit, policy, portsOver, log } = parts
  const { admin, idp, resourceAs } = config
  if (admin === undefined) return undefined
  const issuer = idp?.issuer ?? resourceAs?.issuer ?? ''
  const ports = portsOver(audit, store, issuer)
  const options = {
    token: admin.token,
    by: admin.name,
    records: store.records,
    policy,
    policyVersion: (version: number) => `${config.policyVersion}.${version}`,
    idp: idp === undefined ? undefined : administeredIdp(idp),
    resourceServers: resourceAs === undefined ? [] : [{ name: 'resourceAs', definition: resourceAs }],
    ports,
    report: (error: unknown, correlationId: string) =>
      log(failureLine(error, { at: ports.now(), server: issuer, correlationId })),
  }
  const plugin: FastifyPluginAsync = async (app) => {
    await app.register(adminPlugin, options)
  }
  return { listen: admin.listen, plugin }
}

function administeredIdp(idp: IdpConfig): AdministeredIdp {
  return {
    name: 'idp',
    definition: idp,
    users: idp.users.map(({ sub, email, groups, disabled, claims }) => ({
      sub,
      email,
      groups,
      enabled: !disabled,
      ...(typeof claims.name === 'string' ? { name: claims.name } : {}),
    })),
  }
}
