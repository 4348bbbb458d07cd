/** The authorization endpoint of a server that has no interactive sign-in: a page that says so, instead of a 404. */

import type { FastifyInstance } from 'fastify'

/**
 * MCP clients demand that metadata name an `authorization_endpoint`. Whoever comes here is told what to use instead. There
 * is no redirect: no redirect address was ever registered, so there is none that could be trusted (RFC 6749 §4.1.2.1).
 */
export function authorizationErrorPage(app: FastifyInstance, path: string, sentence: string): void {
  app.get(path, async (_request, reply) =>
    reply
      .code(400)
      .header('cache-control', 'no-store')
      .header('content-security-policy', "default-src 'none'; frame-ancestors 'none'")
      .header('x-content-type-options', 'nosniff')
      .type('text/html; charset=utf-8')
      .send(
        `<!doctype html><html lang="en"><title>unsupported_response_type</title><h1>No sign-in here</h1><p>${sentence}</p><p><code>error=unsupported_response_type</code></p></html>\n`,
      ),
  )
}
