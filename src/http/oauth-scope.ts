/** What every OAuth endpoint on Fastify has in common: strict headers, forms only, no-store, a correlation id, one error answer. */

import formbody from '@fastify/formbody'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { refusal } from '../protocol/audit.ts'
import { OAuthError } from '../protocol/errors.ts'
import type { AuditEvent, Ports } from '../protocol/ports.ts'
import { failClosed } from '../protocol/token-endpoint.ts'

export const correlationHeader = 'x-correlation-id'
export const maxBodyBytes = 64 * 1024

export interface OAuthScopeOptions {
  ports: Ports
  event: Pick<AuditEvent, 'role' | 'server' | 'action'>
  /** Told of every failure of our own, with its stack. Never of a caller's. */
  report(error: unknown, correlationId: string): void
}

const correlationIds = new WeakMap<FastifyRequest, string>()

export function correlationIdOf(request: FastifyRequest): string {
  return correlationIds.get(request) ?? 'none'
}

/** Gives a request its correlation id, and its answer the same as a header. */
export function correlate(request: FastifyRequest, reply: FastifyReply, ports: Pick<Ports, 'newId'>): void {
  const id = ports.newId()
  correlationIds.set(request, id)
  reply.header(correlationHeader, id)
}

/** Every line of one header: Node keeps the first of two and hides the other. */
export function headerLines(request: FastifyRequest, name: string): string[] {
  const raw = request.raw.rawHeaders
  const lines: string[] = []
  for (let at = 0; at + 1 < raw.length; at += 2) if (raw[at]?.toLowerCase() === name) lines.push(raw[at + 1] ?? '')
  return lines
}

export function encodedBody(request: FastifyRequest): string {
  return (request.body as { encoded: string } | undefined)?.encoded ?? ''
}

/**
 * Turns a Fastify scope into an OAuth endpoint. Its parsers, hooks and error handler stay inside the scope: give it one
 * of its own (`app.register`).
 */
export async function oauthScope(app: FastifyInstance, options: OAuthScopeOptions): Promise<void> {
  const { ports, event, report } = options
  // Nothing but forms, whatever the host's application reads elsewhere.
  app.removeAllContentTypeParsers()
  // Handed on as it came: parseForm judges the encoding itself.
  await app.register(formbody, { bodyLimit: maxBodyBytes, parser: (encoded) => ({ encoded }) })
  app.addHook('onRequest', async (request, reply) => {
    correlate(request, reply, ports)
    // RFC 6749 §5.1
    reply.header('cache-control', 'no-store').header('pragma', 'no-cache')
    checkRequest(request)
  })
  app.setErrorHandler(async (error: FastifyError, request, reply) => {
    const correlationId = correlationIdOf(request)
    const known = asOAuthError(error)
    try {
      await failClosed(ports).record({ ...event, ...refusal(known), at: ports.now(), correlationId })
    } catch (auditFailure) {
      return answerError(auditFailure, request, reply, report)
    }
    return answerError(known, request, reply, report)
  })
}

/** What is wrong with a request before its body is read. */
function checkRequest(request: FastifyRequest): void {
  // RFC 9112 §3.2: two Host headers are answered with 400. Node takes the first.
  if (headerLines(request, 'host').length > 1)
    throw new OAuthError('invalid_request', 'more than one Host header', { reason: 'malformed' })
  if (request.method !== 'POST') return
  // RFC 6749 §2.3.1, §3.2: nothing of a token request belongs in the address, where logs would keep it.
  if (request.raw.url?.includes('?'))
    throw new OAuthError('invalid_request', 'parameters must be in the body, not in the query', {
      reason: 'query_parameters',
    })
  const types = headerLines(request, 'content-type')
  // Fastify reads more spellings than RFC 6749 §3.2 names, and Node hides a second header.
  if (types.length !== 1 || !/^application\/x-www-form-urlencoded *(; *charset="?utf-8"? *)?$/i.test(types[0] ?? ''))
    throw new OAuthError('invalid_request', 'content-type must be application/x-www-form-urlencoded', {
      reason: 'content_type',
      status: 415,
    })
  const encoding = headerLines(request, 'content-encoding')
  if (encoding.length > 0 && encoding.some((one) => one.toLowerCase() !== 'identity'))
    throw new OAuthError('invalid_request', 'content-encoding is not supported', {
      reason: 'content_type',
      status: 415,
    })
}

function asOAuthError(error: FastifyError): unknown {
  if (error instanceof OAuthError) return error
  const status = error.statusCode ?? 500
  if (status >= 500) return error
  const [description, reason] =
    status === 413
      ? ([`the body is larger than ${maxBodyBytes} bytes`, 'too_large'] as const)
      : status === 415
        ? (['content-type must be application/x-www-form-urlencoded', 'content_type'] as const)
        : (['the request cannot be read', 'malformed'] as const)
  return new OAuthError('invalid_request', description, { reason, status, cause: error })
}

/** The one place that speaks HTTP about errors (RFC 6749 §5.2). */
export function answerError(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  report: OAuthScopeOptions['report'],
): FastifyReply {
  reply.header('cache-control', 'no-store').header('pragma', 'no-cache')
  if (!(error instanceof OAuthError)) {
    report(error, correlationIdOf(request))
    return reply.code(500).send({ error: 'server_error', error_description: 'the server failed' })
  }
  if (error.status >= 500) {
    report(error, correlationIdOf(request))
    reply.header('retry-after', '1')
  }
  // RFC 6749 §5.2: a client that used the Authorization header is told the scheme.
  if (error.code === 'invalid_client' && request.headers.authorization !== undefined)
    reply.header('www-authenticate', 'Basic realm="token endpoint", charset="UTF-8"')
  return reply.code(error.status).send(error.toJSON())
}
