/** What is answered to a request that is broken as HTTP, or that no endpoint of ours takes: the refusal of an OAuth endpoint. */

import { type Server, STATUS_CODES } from 'node:http'
import type { Server as TlsServer } from 'node:https'
import type { Socket } from 'node:net'
import type { FastifyReply } from 'fastify'
import { errorAnswer } from '../protocol/http-answer.ts'
import { methodNotAllowed, unreadable } from '../protocol/request-head.ts'

/** Node's own code for it, and the status that says it best. Any other is 400. */
const statuses: { [code: string]: number } = { ERR_HTTP_REQUEST_TIMEOUT: 408, HPE_HEADER_OVERFLOW: 431 }

/**
 * Answers on the bare socket, for `clientErrorHandler` of Fastify: 400, 408 for one that did not come in time, 431 for a head that is too
 * large, each `invalid_request` (RFC 6749 §5.2). Nothing of it is in the audit: no endpoint was asked. False when there is nobody left to
 * answer.
 */
export function refuseBrokenRequest(error: NodeJS.ErrnoException, socket: Socket): boolean {
  if (error.code === 'ECONNRESET' || socket.destroyed) return false
  refuseOnSocket(unreadable(error, statuses[error.code ?? '']), socket)
  socket.destroy(error)
  return true
}

/**
 * Makes a server answer what Node answers, or drops, by itself: an `Expect` that it does not know goes to the endpoint, which refuses it,
 * and CONNECT (RFC 9110 §9.3.6), which asks for a proxy, is 405 on the bare socket. `onRefused` is told of
 * each.
 */
export function answerOurselves(server: Server | TlsServer, onRefused: () => void = () => {}): void {
  server.on('checkExpectation', (request, response) => void server.emit('request', request, response))
  server.on('connect', (_request, socket: Socket) => {
    // Whoever asked may have gone.
    socket.on('error', () => {})
    onRefused()
    refuseOnSocket(methodNotAllowed('this server'), socket)
    socket.destroySoon()
  })
}

function refuseOnSocket(refusal: Error, socket: Socket): void {
  const { status, headers, body } = errorAnswer(refusal, false)
  const text = JSON.stringify(body)
  const own = { 'content-type': 'application/json', 'content-length': String(text.length), connection: 'close' }
  const lines = Object.entries({ ...headers, ...own }).map(([name, value]) => `${name}: ${value}\r\n`)
  if (socket.writable) socket.write(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${text}`)
}

/**
 * Answers what Fastify itself refuses outside of the scopes of our endpoints: an address that cannot be read, or a body that nobody asked
 * for. In our own words, because Fastify's name the framework and repeat the input. A failure of the server is 500 and not a word of it.
 */
export function refuseElsewhere(error: Error & { statusCode?: number }, reply: FastifyReply): FastifyReply {
  const { statusCode = 500 } = error
  const { status, headers, body } = errorAnswer(statusCode < 500 ? unreadable(error, statusCode) : error, false)
  return reply.code(status).headers(headers).send(body)
}
