/** Stands between two programs: hands on what they say, later, never, or not at all, as the test wants it. */

import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export interface TcpProxy {
  readonly port: number
  /** Everything is handed on at once. */
  pass(): void
  /** Every piece, in both directions, arrives this many milliseconds later. */
  delay(milliseconds: number): void
  /** Connections stay, new ones are taken, and nothing is handed on any more: what a network that drops packets looks like. */
  stall(): void
  /** Every connection is reset, and so is each new one. */
  cut(): void
  close(): void
}

/** Listens on a free port of this machine, in front of a port of it. */
export async function tcpProxy(target: number): Promise<TcpProxy> {
  let mode: 'pass' | 'stall' | 'cut' = 'pass'
  let late = 0
  const sockets = new Set<Socket>()
  const flushes = new Set<() => void>()
  const reset = () => {
    for (const socket of sockets) socket.resetAndDestroy()
  }
  const handOn = (from: Socket, to: Socket) => {
    sockets.add(from)
    // TCP keeps the order: what is on its way is never overtaken when the delay ends.
    const waiting: Buffer[] = []
    const next = () => {
      const data = waiting.shift()
      if (data !== undefined && mode === 'pass' && !to.destroyed) to.write(data)
    }
    const flush = () => {
      while (waiting.length > 0) next()
    }
    flushes.add(flush)
    from.on('data', (data) => {
      // What comes during a stall is lost; the connection cannot go on without it when the stall is over.
      if (mode === 'stall') stalled.add(from)
      else {
        waiting.push(data)
        if (late > 0) setTimeout(next, late)
        else flush()
      }
    })
    from.on('error', () => {})
    from.on('close', () => {
      sockets.delete(from)
      flushes.delete(flush)
      to.destroy()
    })
  }
  const stalled = new Set<Socket>()
  const server = createServer((incoming) => {
    if (mode === 'cut') return void incoming.resetAndDestroy()
    const outgoing = connect(target, '127.0.0.1')
    handOn(incoming, outgoing)
    handOn(outgoing, incoming)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const proxy: TcpProxy = {
    port: (server.address() as AddressInfo).port,
    pass() {
      mode = 'pass'
      late = 0
      for (const flush of flushes) flush()
      for (const socket of stalled) socket.resetAndDestroy()
      stalled.clear()
    },
    delay(milliseconds) {
      proxy.pass()
      late = milliseconds
    },
    stall() {
      mode = 'stall'
    },
    cut() {
      mode = 'cut'
      reset()
    },
    close() {
      server.close()
      reset()
    },
  }
  return proxy
}
