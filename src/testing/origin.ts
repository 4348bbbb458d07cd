/** One origin on 127.0.0.1: a port that is bound before anybody needs to know its address, and Fastify behind it. */

import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import Fastify, { type FastifyInstance } from 'fastify'

export interface Origin {
  /** `http://127.0.0.1:PORT`, without a slash. */
  url: string
  server: Server
}

/**
 * Binds one port of 127.0.0.1; 0 lets the system choose a free one. Issuers and resources are named after their port, so it is bound
 * before their servers are built. Throws an error that names the port when it is taken.
 */
export async function bindOrigin(port: number): Promise<Origin> {
  const server = createServer()
  server.listen(port, '127.0.0.1')
  try {
    await once(server, 'listening')
  } catch (cause) {
    const { code } = cause as { code?: string }
    throw new Error(
      `port ${port} of 127.0.0.1 cannot be used (${code ?? 'unknown'}): choose another base with --port, or 0`,
      {
        cause,
      },
    )
  }
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('a TCP server has a port')
  return { url: `http://127.0.0.1:${address.port}`, server }
}

/** Builds the application of an origin, and answers requests from the moment it is ready. */
export async function serveAt(
  { server }: Origin,
  build: (app: FastifyInstance) => void | Promise<void>,
): Promise<FastifyInstance> {
  let handler: RequestListener | undefined
  const app = Fastify({
    // An issuer identifier may stand in an address, as in those of the administrator.
    routerOptions: { maxParamLength: 2048 },
    serverFactory: (listener) => {
      handler = listener
      return server
    },
  })
  await build(app)
  await app.ready()
  if (handler === undefined) throw new TypeError('Fastify made no request listener')
  server.on('request', handler)
  return app
}

/** Ends every connection and frees the port. */
export async function closeOrigin({ server }: Origin): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  server.closeAllConnections()
  await closed
}
