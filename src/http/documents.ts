/** Public documents on Fastify: metadata and key sets, readable from any origin, at the addresses clients try. */

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { JWK } from 'jose'
import { documentHeaders, documentPreflightHeaders } from '../protocol/http-answer.ts'
import type { Metadata } from '../protocol/metadata.ts'

/** Registers one JSON document at several paths. Read anew at each request, so that a rotated key appears at once. */
export function serveDocument(
  app: FastifyInstance,
  paths: readonly string[],
  document: () => Metadata | { keys: JWK[] },
): void {
  for (const path of new Set(paths)) {
    app.get(path, async (_request, reply) => reply.headers(documentHeaders).send(JSON.stringify(document())))
    const preflight = async (_request: FastifyRequest, reply: FastifyReply) =>
      reply.code(204).headers(documentPreflightHeaders).send()
    // A handler alone would come after Fastify's word on the media type of a body.
    app.options(path, { onRequest: preflight }, preflight)
  }
}

/** The path of an issuer identifier, without a slash at its end (RFC 8414 §3.1). */
export function issuerPath(issuer: string): string {
  return new URL(issuer).pathname.replace(/\/$/, '')
}

/** What the addresses of an issuer's endpoints begin with: an issuer may end in a slash, and none of them has two. */
export function issuerRoot(issuer: string): string {
  return issuer.replace(/\/$/, '')
}

/** RFC 8414 §3.1 and §5: inserted before the issuer's path, and appended to it. */
export function wellKnownPaths(name: string, path: string): string[] {
  return [`/.well-known/${name}${path}`, `${path}/.well-known/${name}`]
}
