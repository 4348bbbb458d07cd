/** A token endpoint as a listener of node:http, for Express and every other framework over it that hands on unread bodies. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Ports } from '../../protocol/ports.ts'
import { rawHeaderLines } from '../../protocol/request-head.ts'
import type { TokenEndpoint } from '../../protocol/token-endpoint.ts'
import { answerTokenCall, type Report } from './token-call.ts'

/**
 * The token endpoint for every method of one path; it answers 405 itself. It must stand before any body parser: a body that was read
 * already is answered with 500, and reported. It never throws.
 */
export function toNodeListener(
  endpoint: TokenEndpoint,
  ports: Ports,
  report: Report = () => {},
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  return async (request, response) => {
    const call = {
      method: request.method ?? '',
      hasQuery: /[?#]/.test(request.url ?? ''),
      lines: (name: string) => rawHeaderLines(request.rawHeaders, name),
      body: () => bodyOf(request),
    }
    const { status, headers, body } = await answerTokenCall(call, endpoint, ports, report)
    const text = JSON.stringify(body)
    response.writeHead(status, {
      ...headers,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(text),
      // What is left of a body that was not read must not pass for the next request.
      ...(request.complete ? {} : { connection: 'close' }),
    })
    response.end(text)
  }
}

function bodyOf(request: IncomingMessage): AsyncIterable<Uint8Array> {
  if (request.readableDidRead)
    throw new TypeError('the body was read before the request came to the token endpoint: mount it before body parsers')
  // The socket must outlive a body that is too large, to carry the refusal.
  return request.iterator({ destroyOnReturn: false })
}
