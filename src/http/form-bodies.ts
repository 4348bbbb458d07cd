/** Reads the bodies of forms: in one step where all of one came with its head, which is so of most. */

import type { FastifyInstance, FastifyRequest } from 'fastify'
import { bodyBytes } from '../protocol/body-bytes.ts'
import { bodyTooLarge, maxBodyBytes } from '../protocol/request-head.ts'
import { gatherBodies } from './gathered-bodies.ts'

/**
 * Makes forms all that a scope reads, whatever the host's application reads elsewhere, and at most 64 KiB of one. A body is handed on as it
 * came: parseForm judges the encoding itself. To be called before the scope's hooks are made.
 */
export function readForms(scope: FastifyInstance): void {
  gatherBodies(scope)
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser('application/x-www-form-urlencoded', (request, payload, done) => {
    const { raw } = request
    if (Number(request.headers['content-length']) > maxBodyBytes) return done(bodyTooLarge())
    // Gathering leaves alone what is there, which its listeners would bring two turns later.
    if (payload === raw) return done(null, { encoded: String(raw.read() ?? '') })
    bodyBytes(payload, maxBodyBytes, bodyTooLarge).then(
      (bytes) => done(null, { encoded: Buffer.from(bytes).toString() }),
      (cause: Error & { statusCode?: number }) => done(Object.assign(cause, { statusCode: cause.statusCode ?? 400 })),
    )
  })
}

/** The body of a request, as it came; empty where there was none. */
export function encodedBody(request: FastifyRequest): string {
  return (request.body as { encoded: string } | undefined)?.encoded ?? ''
}
