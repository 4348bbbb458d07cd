/** Keeps pages of other sites away from servers on this machine: a foreign Host or Origin is refused before anything else. */

import {
  localhostAllowedHostnames,
  localhostAllowedOrigins,
  validateHostHeader,
  validateOriginHeader,
} from '@modelcontextprotocol/server'
import type { FastifyInstance } from 'fastify'
import { headerLines } from '../http/oauth-scope.ts'

/** DNS rebinding: a browser sends the name that it looked up, and whatever that name points to, it is not one of ours. */
export function refuseForeignHosts(app: FastifyInstance): void {
  app.addHook('onRequest', async (request, reply) => {
    const { headers } = request
    const host = validateHostHeader(headers.host, localhostAllowedHostnames())
    const origin = validateOriginHeader(headers.origin, localhostAllowedOrigins())
    // Node takes the first of two.
    const oneHost = host.ok && headerLines(request, 'host').length === 1
    if (oneHost && origin.ok) return
    const header = oneHost ? 'Origin' : 'Host'
    await reply.code(403).send({ error: `the ${header} header names another host than this machine` })
  })
}
