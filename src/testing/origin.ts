/** One origin on 127.0.0.1: a port that is bound before anybody needs to know its address, and Fastify behind it. */

import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import Fastify, { type FastifyError, type FastifyInstance, type FastifyPluginAsync, type FastifyReply } from 'fastify'
import { answerOurselves, refuseBrokenRequest, refuseElsewhere } from '../http/broken-request.ts'
import { correlationIdOf } from '../http/oauth-scope.ts'

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
  // ATK-090: a request that is not complete is given up within 10 s. Node itself looks for such ones only twice a minute.
  const server = createServer({ headersTimeout: 9000, requestTimeout: 9000, connectionsCheckingInterval: 1000 })
  answerOurselves(server)
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

/**
 * Builds the application of an origin, and answers requests from the moment it is ready. An error that no route handles is
 * `{ "error": "a sentence" }` in our own words; `report` is told of each 500 and its correlation id.
 */
export async function serveAt(
  { server }: Origin,
  build: (app: FastifyInstance) => void | Promise<void>,
  report: (error: unknown, correlationId: string) => void = () => {},
): Promise<FastifyInstance> {
  let handler: RequestListener | undefined
  const app = Fastify({
    // An issuer identifier may stand in an address, as in those of the administrator.
    routerOptions: { maxParamLength: 2048 },
    clientErrorHandler: refuseBrokenRequest,
    frameworkErrors: (error, _request, reply: FastifyReply) => void refuseElsewhere(error, reply),
    serverFactory: (listener) => {
      handler = listener
      return server
    },
  })
  app.setErrorHandler(async (error: FastifyError, request, reply) => {
    const { statusCode = 500 } = error
    if (statusCode < 500) return reply.code(statusCode).send({ error: error.message })
    report(error, correlationIdOf(request))
    return reply.code(500).send({ error: 'the server failed' })
  })
  // In a scope of its own, because an application may have its own handler of errors.
  const application: FastifyPluginAsync = async (scope) => {
    await build(scope)
  }
  await app.register(application)
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
