/** Stands between a store and its Redis and counts what is asked: commands by name, and how often somebody had to wait. */

import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export interface CountingProxy {
  readonly address: string
  /** Commands that went out together, before an answer came, are one round trip. */
  roundTrips(): number
  /** How often each command was sent, by its first word. */
  commands(): { readonly [name: string]: number }
  close(): void
}

/** Listens on a free port of this machine, in front of a Redis on another. It knows no values that look like commands. */
export async function countingProxy(target: number): Promise<CountingProxy> {
  const counts: { [name: string]: number } = {}
  const sockets = new Set<Socket>()
  let trips = 0
  const server = createServer({ noDelay: true }, (store) => {
    const redis = connect({ port: target, host: '127.0.0.1', noDelay: true })
    let waiting = false
    store.on('data', (data) => {
      if (!waiting) trips += 1
      waiting = true
      // RESP: an array of as many texts as the command has words.
      for (const [, name = ''] of data.toString('latin1').matchAll(/\*\d+\r\n\$\d+\r\n([A-Z]+)\r\n/g))
        counts[name] = (counts[name] ?? 0) + 1
      redis.write(data)
    })
    redis.on('data', (data) => {
      waiting = false
      store.write(data)
    })
    for (const [one, other] of [
      [store, redis],
      [redis, store],
    ] as const) {
      sockets.add(one)
      one.on('error', () => {})
      one.on('close', () => {
        other.destroy()
        sockets.delete(one)
      })
    }
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    address: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`,
    roundTrips: () => trips,
    commands: () => ({ ...counts }),
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
