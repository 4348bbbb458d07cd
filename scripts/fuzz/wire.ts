/** One keep-alive connection as bytes: a request goes out as it is, and the first answer is read. */

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

/** What came back. */
export interface Answer {
  status: number
  /** By lower-case name; of two alike, the last. */
  headers: Map<string, string>
  body: string
  /** From the last byte sent to the last byte received, in milliseconds. */
  took: number
}

/** The server gave no whole answer. */
export class NoAnswerError extends Error {
  override readonly name = 'NoAnswerError'
}

/** It closed the connection instead. */
class ClosedError extends NoAnswerError {}

export interface Connection {
  /**
   * To be called again only after its answer. It opens a new socket where the old one is gone. Rejects with {@link NoAnswerError} when
   * the server closes without an answer, or gives none within `within` milliseconds. A process that sheds load is asked again, as its
   * `Retry-After` says, ten times.
   */
  ask(request: Buffer, within?: number): Promise<Answer>
  /** How many requests were put off because the process was behind: none, unless the machine has other work. */
  shed(): number
  /** Forgets the socket: the next request gets another one. */
  drop(): void
}

/** A connection to a port of 127.0.0.1, which is opened when it is first used. */
export function connectionTo(port: number): Connection {
  let socket: Socket | undefined
  const drop = () => {
    socket?.destroy()
    socket = undefined
  }
  const open = async (): Promise<Socket> => {
    if (socket !== undefined && !socket.destroyed && socket.writable) return socket
    socket = connect({ port, host: '127.0.0.1', noDelay: true })
    // A server that refuses a body in the middle may close while it is still being sent.
    socket.on('error', () => {})
    await once(socket, 'connect')
    return socket
  }
  const askOnce = async (request: Buffer, within: number) => {
    const isOld = socket !== undefined
    const used = await open()
    const answer = await answerTo(used, request, within).catch(async (error: unknown) => {
      drop()
      // RFC 9112 §9.3.1: a server may have closed an idle connection in the very moment in which it was used again.
      if (!isOld || !(error instanceof ClosedError)) throw error
      return await answerTo(await open(), request, within)
    })
    if (answer.headers.get('connection') === 'close') drop()
    return answer
  }
  let shed = 0
  return {
    drop,
    shed: () => shed,
    async ask(request, within = 10_000) {
      let answer = await askOnce(request, within)
      for (let again = 0; again < 10 && isShedding(answer); again++) {
        shed += 1
        await pause(1000 * Number(answer.headers.get('retry-after')))
        answer = await askOnce(request, within)
      }
      return answer
    },
  }
}

/** True for the answer of a process that is behind with its work and looked at nothing. Any other 503 is a finding. */
function isShedding({ status, headers, body }: Answer): boolean {
  return status === 503 && headers.get('retry-after') === '1' && body.includes('"too many requests are in progress"')
}

async function answerTo(socket: Socket, request: Buffer, within: number): Promise<Answer> {
  const sent = performance.now()
  const toHead = request.toString('latin1', 0, 5) === 'HEAD '
  return await new Promise<Answer>((resolve, reject) => {
    let received = ''
    const timer = setTimeout(() => end(new NoAnswerError(`no answer within ${within} ms`)), within)
    const end = (outcome: Answer | Error) => {
      clearTimeout(timer)
      socket.removeListener('close', closed)
      socket.removeListener('data', got)
      if (!(outcome instanceof Error)) return resolve(outcome)
      socket.destroy()
      reject(outcome)
    }
    const closed = () => {
      const whole = answerIn(received, true)
      end(whole === undefined ? new ClosedError('the connection was closed without an answer') : timed(whole, sent))
    }
    socket.on('close', closed)
    const got = (chunk: Buffer) => {
      received += chunk.toString('latin1')
      const whole = answerIn(received, toHead)
      if (whole !== undefined) end(timed(whole, sent))
    }
    socket.on('data', got)
    socket.write(request)
  })
}

function timed(answer: Omit<Answer, 'took'>, sent: number): Answer {
  return { ...answer, took: performance.now() - sent }
}

/** The first answer in what was received, when it is whole; `ended` when nothing more can come, as behind the head of an answer to HEAD. */
function answerIn(text: string, ended: boolean): Omit<Answer, 'took'> | undefined {
  const head = text.indexOf('\r\n\r\n')
  if (head === -1) return undefined
  const [status = '', ...lines] = text.slice(0, head).split('\r\n')
  const headers = new Map(
    lines.map((line): [string, string] => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
    }),
  )
  const code = Number(status.split(' ')[1])
  const body = text.slice(head + 4)
  const length = headers.get('content-length')
  if (length !== undefined && body.length < Number(length)) return ended ? { status: code, headers, body } : undefined
  // Neither length nor chunks: it lasts until the connection ends.
  if (length === undefined && headers.get('transfer-encoding') === 'chunked' && !body.endsWith('0\r\n\r\n'))
    return undefined
  return { status: code, headers, body: length === undefined ? body : body.slice(0, Number(length)) }
}
