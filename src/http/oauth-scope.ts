/** What every OAuth endpoint on Fastify has in common: strict headers, forms only, no-store, a correlation id, one error answer. */

import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { OAuthError } from '../protocol/errors.ts'
import { errorAnswer, noStore } from '../protocol/http-answer.ts'
import type { AuditEvent, Ports } from '../protocol/ports.ts'
import { clientNamed } from '../protocol/presented-credentials.ts'
import {
  bodyTooLarge,
  checkHead,
  correlationHeader,
  notAForm,
  rawHeaderLines,
  unreadable,
} from '../protocol/request-head.ts'
import { recordRefusal } from '../protocol/token-endpoint.ts'
import { encodedBody, readForms } from './form-bodies.ts'
import { type Throttle, throttled } from './throttle.ts'

export interface OAuthScopeOptions {
  ports: Ports
  event: Pick<AuditEvent, 'role' | 'server' | 'action'>
  /** Told of every failure of our own, with its stack. Never of a caller's. */
  report(error: unknown, correlationId: string): void
  /** Absent: wrong credentials may be tried for ever. */
  throttle?: Throttle | undefined
}

const correlationId = Symbol('correlation id')

export function correlationIdOf(request: FastifyRequest & { [correlationId]?: string }): string {
  return request[correlationId] ?? 'none'
}

/** Gives a request its correlation id, and its answer the same as a header. */
export function correlate(
  request: FastifyRequest & { [correlationId]?: string },
  reply: FastifyReply,
  ports: Pick<Ports, 'newId'>,
): void {
  const id = ports.newId()
  request[correlationId] = id
  reply.header(correlationHeader, id)
}

/** Every line of one header: Node keeps the first of two and hides the other. */
export function headerLines(request: FastifyRequest, name: string): string[] {
  return rawHeaderLines(request.raw.rawHeaders, name)
}

/**
 * Turns a Fastify scope into an OAuth endpoint. Its parsers, hooks and error handler stay inside the scope: give it one
 * of its own (`app.register`).
 */
export async function oauthScope(app: FastifyInstance, options: OAuthScopeOptions): Promise<void> {
  const { ports, event, report, throttle } = options
  await readForms(app)
  app.addHook('onRequest', (request, reply, done) => {
    correlate(request, reply, ports)
    reply.headers(noStore)
    done(refusalOfHead(request))
  })
  if (throttle !== undefined)
    throttled(app, throttle, (request) => clientNamed(headerLines(request, 'authorization')[0], encodedBody(request)))
  app.setErrorHandler(async (error: FastifyError, request, reply) => {
    const correlationId = correlationIdOf(request)
    const known = asOAuthError(error)
    try {
      await recordRefusal(known, { ...event, correlationId }, ports)
    } catch (auditFailure) {
      return answerError(auditFailure, request, reply, report)
    }
    return answerError(known, request, reply, report)
  })
}

function refusalOfHead(request: FastifyRequest): Error | undefined {
  const { method, raw } = request
  try {
    checkHead({ method, hasQuery: /[?#]/.test(raw.url ?? ''), lines: (name) => headerLines(request, name) })
    return undefined
  } catch (refused) {
    return refused as Error
  }
}

function asOAuthError(error: FastifyError): unknown {
  if (error instanceof OAuthError) return error
  const status = error.statusCode ?? 500
  if (status >= 500) return error
  if (status === 413) return bodyTooLarge(error)
  return status === 415 ? notAForm(error) : unreadable(error, status)
}

/** The one place that speaks HTTP about errors on Fastify (RFC 6749 §5.2). */
export function answerError(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  report: OAuthScopeOptions['report'],
): FastifyReply {
  const { status, headers, body } = errorAnswer(error, request.headers.authorization !== undefined)
  if (status >= 500) report(error, correlationIdOf(request))
  return reply.code(status).headers(headers).send(body)
}
