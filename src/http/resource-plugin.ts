/** The guard as a Fastify plugin: in front of every route of its scope, with the resource's metadata beside it. */

import type { FastifyInstance, FastifyPluginAsync, FastifyRequest } from 'fastify'
import { newCohorts } from '../protocol/cohorts.ts'
import { OAuthError } from '../protocol/errors.ts'
import type { Ports } from '../protocol/ports.ts'
import type { SignInDemand } from '../protocol/sign-in.ts'
import { recordRefusal } from '../protocol/token-endpoint.ts'
import { Challenge, challengeAnswer } from '../resource/challenge.ts'
import { type GuardOptions, guardOf } from '../resource/guard.ts'
import type { Principal } from '../resource/principal.ts'
import { type ClientCertificates, certificateReader } from './client-certificates.ts'
import { serveDocument } from './documents.ts'
import { answerError, correlate, correlationIdOf, headerLines } from './oauth-scope.ts'

export interface ResourcePluginOptions extends GuardOptions {
  ports: Ports
  report?(error: unknown, correlationId: string): void
  /** Where the certificates of clients come from: tokens bound to one are taken then. Absent: such tokens are refused. */
  clientCertificates?: ClientCertificates
  /**
   * The scopes that one request needs. Its body has been read by then, so that an MCP server can look at the tool that is called.
   * Absent: none beyond a good token.
   */
  requiredScopes?(request: FastifyRequest): readonly string[]
  /** What the person's sign-in must have been for one request (RFC 9470). Absent, or undefined for a request: anything. */
  requiredSignIn?(request: FastifyRequest): SignInDemand | undefined
  /** The routes to protect. */
  routes(app: FastifyInstance): void | Promise<void>
}

/** On the request itself: a map of requests would have to be swept of each. */
const principal = Symbol('principal')
type CalledRequest = FastifyRequest & { [principal]?: Principal }

/** Who calls, inside a protected route. Throws TypeError outside of one: a mistake in the program. */
export function principalOf(request: FastifyRequest): Principal {
  const caller = (request as CalledRequest)[principal]
  if (caller === undefined) throw new TypeError('principalOf() outside of a route that resourcePlugin protects')
  return caller
}

/** Protects the routes that `options.routes` registers, on every method, and serves the RFC 9728 document. */
export const resourcePlugin: FastifyPluginAsync<ResourcePluginOptions> = async (app, options) => {
  const { ports, requiredScopes, requiredSignIn, routes } = options
  const certificateBoundTokens = options.clientCertificates !== undefined
  const guard = guardOf({ certificateBoundTokens, ...options }, ports)
  const certificateOf = certificateReader(options.clientCertificates, options)
  const readCertificate = async (request: FastifyRequest) => {
    try {
      return certificateOf(request)
    } catch (error) {
      const correlationId = correlationIdOf(request)
      await recordRefusal(error, { role: 'resource', server: options.resource, action: 'call', correlationId }, ports)
      throw error
    }
  }
  const authenticate = (request: FastifyRequest, certificate?: string) =>
    guard.authenticate({
      authorization: headerLines(request, 'authorization'),
      proofs: headerLines(request, 'dpop'),
      certificate,
      method: request.method,
      address: request.raw.url ?? '/',
      correlationId: correlationIdOf(request),
    })
  const together = newCohorts()
  serveDocument(app, [new URL(guard.metadataUrl).pathname], () => guard.metadata)
  await app.register(async (scope) => {
    // Before the body is read: a stranger's body is not worth a byte.
    scope.addHook('onRequest', async (request: CalledRequest, reply) => {
      correlate(request, reply, ports)
      // Read before the wait: of a connection that ended meanwhile no certificate is known.
      const certificate = certificateBoundTokens ? await readCertificate(request) : undefined
      await together()
      const called = authenticate(request, certificate)
      request[principal] = called instanceof Promise ? await called : called
    })
    scope.addHook('preHandler', (request) => {
      const required = requiredScopes?.(request) ?? []
      const signIn = requiredSignIn?.(request)
      return guard.authorize(principalOf(request), { required, signIn, correlationId: correlationIdOf(request) })
    })
    scope.setErrorHandler(async (error, request, reply) => {
      if (error instanceof Challenge) {
        const { status, headers, body } = challengeAnswer(error)
        return reply.code(status).headers(headers).send(body)
      }
      // Keys that cannot be fetched, an audit that cannot be written: 503, never a way in.
      if (error instanceof OAuthError) return answerError(error, request, reply, options.report ?? (() => {}))
      throw error
    })
    await routes(scope)
  })
}
