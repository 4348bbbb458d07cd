/** The generator: sends prepared requests over keep-alive connections of its own, each with one request in flight. */

import { once } from 'node:events'
import { connect } from 'node:net'

export interface Load {
  port: number
  /** Whole HTTP requests, each sent once. */
  requests: readonly Buffer[]
  /** How many connections there are. */
  atOnce: number
}

export interface LoadAnswers {
  /** Wall-clock time from the first request to the last answer, in seconds. */
  seconds: number
  /** Of each request, in milliseconds. In a closed loop much of it is waiting for the others. */
  latencies: number[]
  /** Answers 503: the server gave up in time, because the machine was slow. */
  unavailable: number
}

/**
 * Sends the requests as fast as they are answered, over connections that stand before the time is taken. Throws for an answer that is
 * neither 200 nor 503, and when more than half are 503.
 */
export async function send({ port, requests, atOnce }: Load): Promise<LoadAnswers> {
  const connections = await Promise.all(Array.from({ length: atOnce }, () => openConnection(port)))
  const latencies: number[] = []
  let unavailable = 0
  let next = 0
  const work = async ({ ask }: Connection) => {
    for (let request = requests[next++]; request !== undefined; request = requests[next++]) {
      const sent = performance.now()
      const { status, text } = await ask(request)
      latencies.push(performance.now() - sent)
      if (status === 503) unavailable += 1
      else if (status !== 200) throw new Error(`the server answered ${status}: ${text}`)
    }
  }
  const start = performance.now()
  try {
    await Promise.all(connections.map(work))
  } finally {
    for (const { close } of connections) close()
  }
  const seconds = (performance.now() - start) / 1000
  if (unavailable > requests.length / 2)
    throw new Error(`the server answered 503 to ${unavailable} of ${requests.length} requests`)
  return { seconds, latencies, unavailable }
}

export interface Connection {
  /** To be called again only after its answer. Rejects when the connection ends before it. */
  ask(request: Buffer): Promise<{ status: number; text: string }>
  close(): void
}

/** Opens one connection. It reads no more of HTTP than our server writes: a status, Content-Length, and a body of that length. */
export async function openConnection(port: number): Promise<Connection> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  await once(socket, 'connect')
  let received = ''
  let resolve: (answer: { status: number; text: string }) => void = () => {}
  let reject: (cause: Error) => void = () => {}
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    received += chunk
    const head = received.indexOf('\r\n\r\n')
    if (head === -1) return
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(received)?.[1])
    if (received.length < head + 4 + length) return
    const answer = { status: Number(received.slice(9, 12)), text: received.slice(head + 4) }
    received = ''
    resolve(answer)
  })
  const fail = () => reject(new Error('the server ended a connection before its answer'))
  socket.on('error', fail).on('close', fail)
  return {
    ask: (request) =>
      new Promise((answered, failed) => {
        resolve = answered
        reject = failed
        socket.write(request)
      }),
    close: () => void socket.destroy(),
  }
}
