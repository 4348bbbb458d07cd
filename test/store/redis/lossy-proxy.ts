/** Stands between a store and its Redis, and loses the answer to a script by cutting the connection in its place. */

import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export interface LossyProxy {
  address: string
  /** The next script that comes is handed on, and its answer never arrives. */
  loseNextAnswer(): void
  /** How many answers were lost. */
  lost(): number
  close(): void
}

export async function lossyProxy(port: number): Promise<LossyProxy> {
  let lose = false
  let lost = 0
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const redis = connect(port, '127.0.0.1')
    let cut = false
    client.on('data', (data) => {
      if (lose && data.includes('EVAL')) {
        lose = false
        cut = true
      }
      redis.write(data)
    })
    redis.on('data', (data) => {
      if (!cut) return client.write(data)
      lost += 1
      return client.destroy()
    })
    for (const [one, other] of [
      [client, redis],
      [redis, client],
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
    loseNextAnswer() {
      lose = true
    },
    lost: () => lost,
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
