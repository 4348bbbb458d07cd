/** The administration over HTTP: reads the policy and the audit, and changes the policy while the servers run. */

import type { FastifyError, FastifyPluginAsync, FastifyRequest } from 'fastify'
import * as z from 'zod'
import { correlate, correlationIdOf, headerLines } from '../http/oauth-scope.ts'
import { OAuthError } from '../protocol/errors.ts'
import { JsonError, type JsonObject, parseJsonObject } from '../protocol/json.ts'
import { isSecretOf, secretDigestOf } from '../protocol/secrets.ts'
import { blockRoutes } from './admin-blocks.ts'
import { clientRoutes } from './admin-clients.ts'
import { connectionRoutes } from './admin-connections.ts'
import { adminContext, methods, type Routes } from './admin-context.ts'
import { failureAnswer } from './admin-failure.ts'
import type { AdminOptions } from './admin-options.ts'
import { AdminError, parsed } from './admin-request.ts'
import { trustedIssuerRoutes } from './admin-trusted-issuers.ts'
import { userRoutes } from './admin-users.ts'

export type { AdminOptions } from './admin-options.ts'

/** As large as a client with a hundred public keys. */
const maxBodyBytes = 256 * 1024
const AuditQuery = z.strictObject({ after: z.coerce.number().int().min(0).default(0) })

/**
 * JSON in and out, `cache-control: no-store`, and a bearer token at every address; no cookie, no cross-origin access, nothing for a
 * browser. A change is written to the audit first, is durable before it is answered, holds for the next request here, and for every
 * process on the same store within five seconds. Errors are `{ "error": "a sentence" }`, for a body with `problems`, for a conflict with
 * the `version` there is. Addresses are longer than Fastify's routers allow by default: raise `maxParamLength`.
 */
export const adminPlugin: FastifyPluginAsync<AdminOptions> = async (app, options) => {
  const { ports, idp, auditAfter, report = () => {} } = options
  const context = adminContext(options)
  const tokenDigest = secretDigestOf(options.token)
  const routes: Routes = {
    ...(auditAfter === undefined
      ? {}
      : { '/audit': { GET: async ({ query }) => await auditAfter(parsed(AuditQuery, query).after) } }),
    ...(idp === undefined ? {} : { ...connectionRoutes(context, idp), ...userRoutes(context, idp) }),
    ...trustedIssuerRoutes(context),
    ...clientRoutes(context),
    ...blockRoutes(context),
  }

  app.removeAllContentTypeParsers()
  const parser = async (_request: FastifyRequest, body: Buffer) => readJson(body)
  app.addContentTypeParser('application/json', { parseAs: 'buffer', bodyLimit: maxBodyBytes }, parser)
  app.addHook('onRequest', async (request, reply) => {
    correlate(request, reply, ports)
    reply.header('cache-control', 'no-store').header('x-content-type-options', 'nosniff')
    const [line = '', ...more] = headerLines(request, 'authorization')
    const given = /^bearer +([^ ]+)$/i.exec(line)?.[1] ?? ''
    if (isSecretOf(tokenDigest, given) && more.length === 0) return
    reply.header('www-authenticate', 'Bearer realm="administration"')
    throw new AdminError(401, "the administrator's bearer token is missing or wrong")
  })
  app.setErrorHandler(async (error: FastifyError, request, reply) => {
    const correlationId = correlationIdOf(request)
    const { status, reason, body } = failureAnswer(error)
    if (status >= 500) {
      report(error, correlationId)
      reply.header('retry-after', '1')
    }
    const detail = error instanceof OAuthError ? (error.detail ?? error.message) : body.error
    try {
      const facts = { outcome: 'refused', reason, detail, correlationId } as const
      await context.record(facts, options.policy.version())
    } catch (auditFailure) {
      report(auditFailure, correlationId)
      const unwritten = failureAnswer(auditFailure)
      // Whoever is refused anyway learns nothing more; a change is not made without its line.
      if (status !== 401) return reply.code(unwritten.status).send(unwritten.body)
    }
    return reply.code(status).send(body)
  })
  app.setNotFoundHandler(async ({ url }) => {
    if (url.startsWith('/audit'))
      throw new AdminError(
        404,
        'the audit is read where it is kept: with xaa audit, or from what collects standard output',
      )
    throw new AdminError(404, `there is nothing at this address; there are ${Object.keys(routes).join(', ')}`)
  })
  for (const [url, handlers] of Object.entries(routes)) {
    const allowed = Object.keys(handlers).join(', ')
    for (const method of methods)
      app.route({
        method,
        url,
        exposeHeadRoute: false,
        async handler(request, reply) {
          const handler = handlers[method]
          if (handler !== undefined) return await handler(request, reply)
          reply.header('allow', allowed)
          throw new AdminError(405, `this address takes ${allowed} alone`)
        },
      })
  }
}

function readJson(body: Buffer): JsonObject {
  try {
    return parseJsonObject(body)
  } catch (error) {
    if (!(error instanceof JsonError)) throw error
    throw new AdminError(400, `the body ${error.message}`)
  }
}
