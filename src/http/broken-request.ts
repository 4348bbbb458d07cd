/** What is answered to a request that is broken as HTTP, before any route: the refusal of an OAuth endpoint, and the connection ends. */

import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { errorAnswer } from '../protocol/http-answer.ts'
import { unreadable } from '../protocol/request-head.ts'

/** Node's own code for it, and the status that says it best. Any other is 400. */
const statuses: { [code: string]: number } = { ERR_HTTP_REQUEST_TIMEOUT: 408, HPE_HEADER_OVERFLOW: 431 }

/**
 * Answers on the bare socket, for `clientErrorHandler` of Fastify: 400, 408 for one that did not come in time, 431 for a head that is too
 * large, each `invalid_request` (RFC 6749 §5.2). Nothing of it is in the audit: no endpoint was asked.
 */
export function refuseBrokenRequest(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return
  const { status, headers, body } = errorAnswer(unreadable(error, statuses[error.code ?? '']), false)
  const text = JSON.stringify(body)
  const own = { 'content-type': 'application/json', 'content-length': String(text.length), connection: 'close' }
  const lines = Object.entries({ ...headers, ...own }).map(([name, value]) => `${name}: ${value}\r\n`)
  if (socket.writable) socket.write(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${text}`)
  socket.destroy(error)
}
