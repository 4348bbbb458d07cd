/** Bodies that come in pieces: read as if they were whole, refused where there are too many, and nobody waits for ever. */

import { type AddressInfo, connect, type Socket } from 'node:net'
import fastify, { type FastifyInstance } from 'fastify'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { gatherBodies } from '../../src/http/gathered-bodies.ts'

let app: FastifyInstance
let begun = 0
beforeAll(async () => {
  app = fastify({ bodyLimit: 65_536 })
  gatherBodies(app)
  // Once for the application and once for a plugin in it: it gathers once.
  gatherBodies(app)
  app.addHook('onRequest', async () => void begun++)
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body))
  app.setErrorHandler((error: Error & { statusCode?: number }, _request, reply) =>
    reply.code(error.statusCode ?? 500).send(error.message),
  )
  const tell = async ({ body }: { body: unknown }) => `got ${String(body).length}, ${String(body).slice(-3)}`
  app.post('/', tell)
  app.post('/later', { onRequest: async () => await new Promise((go) => setImmediate(go)) }, tell)
  await app.listen({ host: '127.0.0.1', port: 0 })
})
afterAll(() => app.close())

const open = () => {
  const socket = connect({ port: (app.server.address() as AddressInfo).port, host: '127.0.0.1', noDelay: true })
  // The server closes in the middle of a body that it does not read.
  return socket.on('error', () => {})
}
/** The first answer on a connection: its status and its body. */
const answerOn = async (socket: Socket): Promise<string> => {
  let text = ''
  const heard = (piece: Buffer) => {
    text += String(piece)
  }
  socket.on('data', heard)
  await expect.poll(() => /\r\n\r\n./.test(text)).toBe(true)
  socket.off('data', heard)
  return `${text.slice(9, 12)} ${text.slice(text.indexOf('\r\n\r\n') + 4)}`
}
const answerTo = async (request: string): Promise<string> => {
  const socket = open()
  socket.write(request)
  const answer = await answerOn(socket)
  socket.destroy()
  return answer
}

const head = (path: string, framing: string) =>
  `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: x/y\r\n${framing}\r\n\r\n`
const chunked = (count: number, chunk: string) =>
  `${`${chunk.length.toString(16)}\r\n${chunk}\r\n`.repeat(count)}0\r\n\r\n`
const inChunks = (path: string, count: number, chunk: string) =>
  `${head(path, 'Transfer-Encoding: chunked')}${chunked(count, chunk)}`

describe.each(['/', '/later'])('a body at %s', (path) => {
  it.each<[string, number, string, string]>([
    ['in one chunk', 1, 'abc', '200 got 3, abc'],
    ['in as many pieces as may be', 4096, 'b', '200 got 4096, bbb'],
    ['in small and large pieces', 3, 'abc'.repeat(5000), '200 got 45000, abc'],
    ['in one piece more than may be', 4097, 'b', '400 the body is in too many pieces'],
    ['in sixty thousand pieces', 60_000, 'b', '400 the body is in too many pieces'],
    ['as long as may be', 16, 'd'.repeat(4096), '200 got 65536, ddd'],
    ['longer than may be, in large pieces', 17, 'd'.repeat(4096), '413 the body is too large'],
    ['longer than may be, in small pieces', 1025, 'd'.repeat(64), '413 the body is too large'],
  ])('%s is answered as it should be', async (_, count, chunk, answer) => {
    expect(await answerTo(inChunks(path, count, chunk))).toBe(answer)
  })

  it('of a length that was said may come with its head or after it', async () => {
    expect(await answerTo(`${head(path, 'Content-Length: 5')}a=b&c`)).toBe('200 got 5, b&c')
    const socket = open()
    const before = begun
    socket.write(`${head(path, 'Content-Length: 5')}a=`)
    await expect.poll(() => begun).toBe(before + 1)
    socket.write('b&c')
    expect(await answerOn(socket)).toBe('200 got 5, b&c')
    socket.destroy()
  })

  it('leaves the connection good for the next request', async () => {
    const socket = open()
    for (const text of ['abc', 'xyz']) {
      socket.write(inChunks(path, 2, text))
      expect(await answerOn(socket)).toBe(`200 got 6, ${text}`)
    }
    socket.destroy()
  })

  it('that breaks off in the middle breaks nothing', async () => {
    const before = begun
    for (const framing of ['Content-Length: 5', 'Transfer-Encoding: chunked']) {
      const socket = open()
      socket.write(`${head(path, framing)}1\r\n`)
      await expect.poll(() => begun).toBe(before + (framing.startsWith('C') ? 1 : 2))
      socket.resetAndDestroy()
    }
    expect(await answerTo(inChunks(path, 1, 'abc'))).toBe('200 got 3, abc')
  })
})
