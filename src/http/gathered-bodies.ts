/** Puts the bodies of requests together while they come, so that one in many small pieces takes no more memory than one in large ones. */

import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import { maxBodyBytes } from '../protocol/request-head.ts'

/** Pieces of fewer bytes are copied into blocks of so many. */
const blockBytes = 4096
/** Into how many pieces a body may be cut: 64 KiB have as many of sixteen bytes. */
const mostPieces = 4096

/** Marks a scope, and every scope in it, whose bodies are gathered already. */
const gathers = Symbol('gathers')

const bodies = new WeakMap<Readable, Readable>()

/**
 * For every route of a scope, to be called before its hooks are made. A library that keeps the pieces of a body until its end needs some
 * two hundred bytes for a chunk of one byte, which costs its sender six (RFC 9112 §7.1). A body in more than 4096 pieces is an error with
 * `statusCode` 400, and one beyond 64 KiB with 413. Bodies that have come whole are left alone.
 */
export function gatherBodies(scope: FastifyInstance): void {
  if (scope.hasDecorator(gathers)) return
  scope.decorate(gathers, true)
  // Chunks come by the thousand in one read, and a hook that waits would have Node keep each of them.
  scope.addHook('onRequest', (request, _reply, done) => {
    if (request.raw.headers['transfer-encoding'] !== undefined) gathered(request.raw)
    done()
  })
  // Node calls when it has read the head. What came with it is there as soon as that call has ended.
  scope.addHook('preParsing', (request, _reply, payload, done) => {
    if (payload === request.raw) process.nextTick(goOn, request.raw, done)
    else done(null, payload)
  })
}

function goOn(raw: IncomingMessage, done: (error: null, payload: Readable) => void): void {
  done(null, isThere(raw) ? raw : gathered(raw))
}

/** True where nothing of the body is still to come, which is so of most requests, or there is none. */
function isThere({ headers, readableLength }: IncomingMessage): boolean {
  return headers['transfer-encoding'] === undefined && readableLength === Number(headers['content-length'] ?? 0)
}

/** The same body, once for each. */
function gathered(source: Readable): Readable {
  const known = bodies.get(source)
  if (known !== undefined) return known
  let block = Buffer.alloc(0)
  let [used, size, pieces] = [0, 0, 0]
  let isRead = false
  let failure: Error | undefined
  const body = new Readable({ read() {} })
  bodies.set(source, body)
  // Who reads it may have stopped listening: an error that nobody hears would end the process.
  body.on('error', () => {})
  // Its reader may come after the failure, and would wait for ever for an error that nobody heard.
  body.on('newListener', (event) => {
    if (event === 'data' || event === 'readable') process.nextTick(begin)
  })
  const begin = () => {
    isRead = true
    if (failure !== undefined) body.destroy(failure)
  }
  const fail = (error: Error) => {
    failure = error
    if (isRead) body.destroy(error)
  }
  const handOn = (bytes: Buffer) => void (bytes.length > 0 && body.push(bytes))
  const handOnBlock = () => {
    handOn(block.subarray(0, used))
    block = Buffer.alloc(0)
    used = 0
  }
  /** Nothing more is kept: what still comes, and what Node holds of it, is let go. */
  const refuse = (statusCode: number, message: string) => {
    source.off('data', take).resume()
    fail(Object.assign(new Error(message), { statusCode }))
  }
  const take = (piece: Buffer) => {
    pieces += 1
    size += piece.length
    if (size > maxBodyBytes) return refuse(413, 'the body is too large')
    if (pieces > mostPieces) return refuse(400, 'the body is in too many pieces')
    if (used + piece.length > block.length) {
      handOnBlock()
      if (piece.length < blockBytes) block = Buffer.allocUnsafeSlow(blockBytes)
    }
    if (piece.length < blockBytes) used += piece.copy(block, used)
    else handOn(piece)
  }
  source.on('data', take)
  source.once('end', () => {
    // A part of a body must never pass for the whole of it.
    if (failure !== undefined) return
    handOnBlock()
    body.push(null)
  })
  source.once('error', fail)
  return body
}
