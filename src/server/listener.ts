/** The HTTP server of a role, of the administration, or of the metrics: its limits against slow senders, and where it listens. */

import { constants } from 'node:crypto'
import type { RequestListener } from 'node:http'
import { createServer, Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { SecureContextOptions } from 'node:tls'
import fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyServerFactory } from 'fastify'
import { answerOurselves, refuseBrokenRequest, refuseElsewhere } from '../http/broken-request.ts'
import { gatherBodies } from '../http/gathered-bodies.ts'
import { maxBodyBytes } from '../protocol/request-head.ts'
import type { TlsSetting } from './config-transport.ts'
import type { Listen } from './config-values.ts'
import { StartError } from './start-error.ts'
import { followTlsFiles, type TlsMaterial } from './tls-files.ts'

/** What is special about one server. */
export interface AppOptions {
  /** Proxies whose word on who the sender is counts. Absent: nobody's. */
  trustedProxies?: readonly string[]
  /** Absent: it listens without TLS. */
  tls?: TlsSetting | undefined
  /** Told of files of `tls` that cannot be used. */
  warn?(message: string): void
  /** Told of each request that was refused as broken, before any endpoint. */
  onBroken?(): void
  /** Told of the files of `tls` that are used now. */
  onMaterial?(material: TlsMaterial): void
}

/**
 * A server without routes. The parameters in its addresses may be as long as an issuer identifier. With `tls` it follows the files of its
 * certificate until it is closed.
 */
export function newApp(options: AppOptions = {}): FastifyInstance {
  const { trustedProxies = [], tls, warn = () => {}, onBroken = () => {}, onMaterial = () => {} } = options
  // ATK-090: a request that is not complete is given up within 10 s. Node itself looks for such ones only twice a minute.
  const http = { headersTimeout: 9000, connectionsCheckingInterval: 1000 }
  const own: { serverFactory?: FastifyServerFactory } =
    tls === undefined ? {} : { serverFactory: (handler) => tlsServer(tls, handler) }
  const app = fastify({
    logger: false,
    // Nobody else's word on who the sender is.
    trustProxy: trustedProxies.length === 0 ? false : [...trustedProxies],
    requestTimeout: 9000,
    // Where nothing is served, too, a body is read before it is refused.
    bodyLimit: maxBodyBytes,
    clientErrorHandler(error, socket) {
      if (refuseBrokenRequest(error, socket)) onBroken()
    },
    frameworkErrors(error, _request, reply: FastifyReply) {
      onBroken()
      refuseElsewhere(error, reply)
    },
    forceCloseConnections: 'idle',
    // What was accepted is answered, also while the server closes.
    return503OnClosing: false,
    routerOptions: { maxParamLength: 2048 },
    http,
    ...own,
  })
  answerOurselves(app.server, onBroken)
  gatherBodies(app)
  app.setErrorHandler(async (error: FastifyError, _request, reply) => {
    if ((error.statusCode ?? 500) >= 500)
      warn(`a request failed outside of every endpoint: ${error.stack ?? error.message}`)
    onBroken()
    return refuseElsewhere(error, reply)
  })
  if (tls === undefined) return app
  const { server } = app
  if (!(server instanceof Server)) throw new TypeError('a server with TLS is one of node:https')
  onMaterial(tls.material)
  const use = (material: TlsMaterial) => {
    server.setSecureContext(secured(material))
    onMaterial(material)
  }
  const files = followTlsFiles(tls.paths, { warn, use })
  app.addHook('onClose', async () => files.close())
  return app
}

function tlsServer({ material, asksCertificates }: TlsSetting, handler: RequestListener): Server {
  return createServer(
    {
      ...secured(material),
      // RFC 8705 §3: who holds the key of a certificate is what counts; whether one came, and of whom, is judged for each request.
      requestCert: asksCertificates,
      rejectUnauthorized: false,
      handshakeTimeout: 9000,
      headersTimeout: 9000,
      requestTimeout: 9000,
      connectionsCheckingInterval: 1000,
    },
    handler,
  )
}

function secured(material: TlsMaterial): SecureContextOptions {
  // A certificate is shown once, when the connection begins: none may be changed in the middle of it.
  return { ...material, minVersion: 'TLSv1.2', secureOptions: constants.SSL_OP_NO_RENEGOTIATION }
}

const variables = {
  idp: 'XAA_IDP_LISTEN',
  resourceAs: 'XAA_RAS_LISTEN',
  admin: 'XAA_ADMIN_LISTEN',
  metrics: 'XAA_METRICS_LISTEN',
}
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
  return `http${app.server instanceof Server ? 's' : ''}://${family === 'IPv6' ? `[${address}]` : address}:${bound}`
}
