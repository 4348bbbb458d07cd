/** Makes forms all that a scope reads, and hands them on as they came. */

import formbody from '@fastify/formbody'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { maxBodyBytes } from '../protocol/request-head.ts'
import { gatherBodies } from './gathered-bodies.ts'

/**
 * Nothing but forms, whatever the host's application reads elsewhere, and at most 64 KiB of one. A body is handed on as it came: parseForm
 * judges the encoding itself. To be called before the scope's hooks are made.
 */
export async function readForms(scope: FastifyInstance): Promise<void> {
  gatherBodies(scope)
  scope.removeAllContentTypeParsers()
  await scope.register(formbody, { bodyLimit: maxBodyBytes, parser: (encoded) => ({ encoded }) })
}

/** The body of a request, as it came; empty where there was none. */
export function encodedBody(request: FastifyRequest): string {
  return (request.body as { encoded: string } | undefined)?.encoded ?? ''
}
