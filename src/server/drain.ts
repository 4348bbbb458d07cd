/** The end of the HTTP servers of a process: clients learn of it and leave before a connection is closed under a request. */

import { Server } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import type { Seconds } from '../protocol/ports.ts'

/** Ends servers once. */
export interface Drain {
  /** Lets this server's answers tell clients how long a connection may idle, and later that it ends. Before its routes. */
  prepare(app: FastifyInstance): void
  /**
   * Answers everything for another `delay`, with `Connection: close`; then takes no new connection and waits for those that are
   * there. After 10 s in all it cuts what is left. Resolves when every server is closed, to the number of connections it cut. With
   * a delay of 0 idle connections are closed at once.
   */
  run(delay: Seconds): Promise<number>
  /** Cuts every connection now, without an answer. {@link Drain.run} then ends. */
  cut(): void
}

/** How long clients are told a connection may idle (`Keep-Alive: timeout`); the server itself keeps it for longer. */
const idleHint: Seconds = 5
/** After so much silence, a client that heeds the hint has left the connection. */
const idleEnd: Seconds = idleHint + 1
const longest: Seconds = 10

/** For one process. Nothing happens before {@link Drain.run}. */
export function drain(): Drain {
  const apps: FastifyInstance[] = []
  const cut = new AbortController()
  const { signal } = cut
  let ending = false
  return {
    prepare(app) {
      apps.push(app)
      app.addHook('onSend', (_request, reply, _payload, done) => {
        if (ending) reply.header('connection', 'close')
        else if (reply.raw.shouldKeepAlive) reply.header('keep-alive', `timeout=${idleHint}`)
        done()
      })
    },
    async run(delay) {
      ending = true
      const deadline = setTimeout(() => cut.abort(), longest * 1000)
      await pause(delay, signal)
      const closed = Promise.all(apps.map(({ server }) => stopListening(server)))
      const left = Promise.race([closed, aborted(signal)])
      // RFC 9112 §9.3: a request that meets the closing of its connection is lost. Who was silent for so long sends none any more.
      if (delay > 0) await Promise.race([left, pause(Math.max(0, idleEnd - delay), signal)])
      for (const { server } of apps) server.closeIdleConnections()
      await left
      clearTimeout(deadline)
      const open = await Promise.all(apps.map(({ server }) => connectionsOf(server)))
      for (const { server } of apps) server.closeAllConnections()
      await Promise.all(apps.map((app) => app.close()))
      return open.reduce((sum, one) => sum + one, 0)
    },
    cut: () => cut.abort(),
  }
}

/** Unlike `close` of an HTTP server, leaves idle connections open. Resolves when the last connection is gone. */
function stopListening(server: Server): Promise<void> {
  return new Promise((resolve) => {
    // Not listening: nothing was started, nothing is to be waited for.
    Server.prototype.close.call(server, () => resolve())
  })
}

async function pause(seconds: Seconds, signal: AbortSignal): Promise<void> {
  await wait(seconds * 1000, undefined, { signal, ref: false }).catch(() => {})
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

function connectionsOf(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.getConnections((error, count) => resolve(error === null || error === undefined ? count : 0))
  })
}
