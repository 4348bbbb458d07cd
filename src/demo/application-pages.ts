/** What the pages of both applications have in common: their forms, headers, style sheet and mark. */

import type { FastifyInstance } from 'fastify'
import { refuseForeignHosts } from '../testing/rebinding.ts'
import { style } from './agent/style.ts'

/** Takes small forms as `URLSearchParams` and nothing else, sends every answer with the headers of a page, and serves `/style.css` and `/icon.svg`. */
export function applicationPages(app: FastifyInstance, icon: string): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string', bodyLimit: 8192 },
    (_request, body, done) => done(null, new URLSearchParams(String(body))),
  )
  app.addHook('onRequest', async (_request, reply) => {
    reply
      .header('cache-control', 'no-store')
      .header(
        'content-security-policy',
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
      )
      // Not no-referrer: Chromium would send Origin: null with every form.
      .header('referrer-policy', 'same-origin')
      .header('x-content-type-options', 'nosniff')
  })
  refuseForeignHosts(app)
  app.get('/style.css', async (_request, reply) => reply.type('text/css; charset=utf-8').send(style))
  app.get('/icon.svg', async (_request, reply) => reply.type('image/svg+xml').send(icon))
}
