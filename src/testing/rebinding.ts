/** Keeps pages of other sites away from servers on this machine: a foreign Host or Origin is refused before anything else. */

import {
  localhostAllowedHostnames,
  localhostAllowedOrigins,
  validateHostHeader,
  validateOriginHeader,
} from '@modelcontextprotocol/server'
import type { FastifyInstance } from 'fastify'

/** DNS rebinding: a browser sends the name that it looked up, and whatever that name points to, it is not one of ours. */
export function refuseForeignHosts(app: FastifyInstance): void {
  app.addHook('onRequest', async ({ headers }, reply) => {
    const host = validateHostHeader(headers.host, localhostAllowedHostnames())
    const origin = validateOriginHeader(headers.origin, localhostAllowedOrigins())
    if (host.ok && origin.ok) return
    const header = host.ok ? 'Origin' : 'Host'
    await reply.code(403).send({ error: `the ${header} header names another host than this machine` })
  })
}
