/** The HTTP server of a role, or of the administration: its limits against slow senders, and where it listens. */

import type { AddressInfo } from 'node:net'
import fastify, { type FastifyInstance } from 'fastify'
import type { Listen } from './config-values.ts'
import { StartError } from './start-error.ts'

/** A server without routes. The parameters in its addresses may be as long as an issuer identifier. */
export function newApp(trustedProxies: readonly string[] = []): FastifyInstance {
  // ATK-090: a request that is not complete is given up within 10 s. Node itself looks for such ones only twice a minute.
  const http = { headersTimeout: 9000, connectionsCheckingInterval: 1000 }
  return fastify({
    logger: false,
    // Nobody else's word on who the sender is.
    trustProxy: trustedProxies.length === 0 ? false : [...trustedProxies],
    requestTimeout: 9000,
    forceCloseConnections: 'idle',
    // What was accepted is answered, also while the server closes.
    return503OnClosing: false,
    routerOptions: { maxParamLength: 2048 },
    http,
  })
}

const variables = { idp: 'XAA_IDP_LISTEN', resourceAs: 'XAA_RAS_LISTEN', admin: 'XAA_ADMIN_LISTEN' }
/** The parts of a configuration that listen. */
export type ListeningPart = keyof typeof variables

/** Listens, and gives the address it got. Throws {@link StartError} when it cannot. */
export async function listenOn(app: FastifyInstance, part: ListeningPart, { host, port }: Listen): Promise<string> {
  try {
    await app.listen({ host, port })
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === undefined) throw cause
    const fact = code === 'EADDRINUSE' ? 'another process listens there' : code
    throw new StartError(
      `${part}.listen: cannot listen on ${host}:${port}: ${fact}. Change ${part}.listen, or set ${variables[part]}.`,
      { cause },
    )
  }
  const { address, family, port: bound } = app.server.address() as AddressInfo
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${bound}`
}
