/** The loads of the generator that cost it the least: as fast as the server answers, or at a fixed rate whatever the server does. */

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

export interface Saturation {
  port: number
  /** Whole HTTP requests. They are sent in turn, from the beginning again where there are fewer than `count`. */
  requests: readonly Buffer[]
  count: number
  /** Keep-alive connections, each with one request in flight. */
  connections?: number
}

export interface SaturationAnswers {
  /** Wall-clock time from the first request to the last answer. */
  seconds: number
  /** Answers 503: the server gave up in time, because the machine was slow. */
  unavailable: number
}

/**
 * Sends so many requests as fast as they are answered. Throws for an answer that is neither 200 nor 503, with its text, for more than one
 * in ten that is 503, and for a connection that ends.
 */
export async function saturate({ port, requests, count, connections = 32 }: Saturation): Promise<SaturationAnswers> {
  const sockets = await openSockets(port, Math.min(connections, count))
  let next = 0
  let left = count
  let unavailable = 0
  const start = performance.now()
  try {
    await new Promise<void>((resolve, reject) => {
      for (const socket of sockets) {
        const ask = () => {
          if (next < count) socket.write(requests[next++ % requests.length] ?? '')
        }
        onAnswers(socket, reject, (status) => {
          left -= 1
          if (status === '503') unavailable += 1
          if (left === 0) resolve()
          else ask()
        })
        ask()
      }
    })
  } finally {
    for (const socket of sockets) socket.destroy()
  }
  refuseMany(unavailable, count)
  return { seconds: (performance.now() - start) / 1000, unavailable }
}

export interface FixedRate extends Omit<Saturation, 'count'> {
  /** Requests a second. Each of `requests` is sent once. */
  rate: number
}

export interface FixedRateAnswers {
  /** Of each request, in milliseconds. */
  latencies: number[]
  /** Answers 503. */
  unavailable: number
}

/**
 * Sends each request when it is due, on the connection that was free the longest; one that finds none free waits, and its time counts from
 * when it was due. Throws for an answer that is neither 200 nor 503, with its text, and for a connection that ends: that a rate is too high
 * for a machine is a result.
 */
export async function atFixedRate({ port, requests, rate, connections = 64 }: FixedRate): Promise<FixedRateAnswers> {
  const sockets = await openSockets(port, connections)
  const latencies: number[] = []
  const due: number[] = []
  let unavailable = 0
  try {
    await new Promise<void>((resolve, reject) => {
      const free = [...sockets]
      const sentFor = new Map<Socket, number>()
      let sent = 0
      const dispatch = () => {
        while (sent < due.length && free.length > 0) {
          const socket = free.shift()
          if (socket === undefined) return
          sentFor.set(socket, due[sent] ?? 0)
          socket.write(requests[sent++] ?? '')
        }
      }
      for (const socket of sockets)
        onAnswers(socket, reject, (status) => {
          if (status === '503') unavailable += 1
          latencies.push(performance.now() - (sentFor.get(socket) ?? 0))
          free.push(socket)
          if (latencies.length === requests.length) resolve()
          else dispatch()
        })
      const start = performance.now()
      const tick = () => {
        const elapsed = performance.now() - start
        while (due.length < requests.length && (due.length * 1000) / rate <= elapsed)
          due.push(start + (due.length * 1000) / rate)
        dispatch()
        // A timer is not finer than a millisecond; this turn comes after what arrived was read.
        if (due.length < requests.length) setImmediate(tick)
      }
      tick()
    })
  } finally {
    for (const socket of sockets) socket.destroy()
  }
  return { latencies, unavailable }
}

/** The machine was too slow for a measurement; the next may be better. */
export class TooBusyError extends Error {}

function refuseMany(unavailable: number, count: number): void {
  if (unavailable > count / 10) throw new TooBusyError(`the server answered 503 to ${unavailable} of ${count} requests`)
}

async function openSockets(port: number, count: number): Promise<Socket[]> {
  return await Promise.all(
    Array.from({ length: count }, async () => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true })
      await once(socket, 'connect')
      return socket.setEncoding('latin1')
    }),
  )
}

/** Reads no more of HTTP than the measured servers write: a status, Content-Length, and a body of that length. */
function onAnswers(socket: Socket, fail: (cause: Error) => void, answered: (status: string) => void): void {
  let received = ''
  socket.on('data', (chunk: string) => {
    received = received === '' ? chunk : received + chunk
    const head = received.indexOf('\r\n\r\n')
    if (head === -1) return
    const length = contentLength(received, head)
    if (received.length < head + 4 + length) return
    const whole = received
    received = ''
    const status = whole.slice(9, 12)
    if (status === '200' || status === '503') answered(status)
    else fail(new Error(`the server answered ${status}: ${whole.slice(head + 4)}`))
  })
  const ended = () => fail(new Error('the server ended a connection before its answer'))
  socket.on('error', ended).on('close', ended)
}

function contentLength(text: string, head: number): number {
  const at = text.search(/\r\ncontent-length: /i)
  if (at === -1 || at > head) throw new Error(`an answer without Content-Length: ${text.slice(0, head)}`)
  return Number.parseInt(text.slice(at + 18, at + 30), 10)
}
