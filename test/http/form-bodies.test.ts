/** Forms as they come over the wire: with their head, after it, in pieces, and longer than may be. */

import { type AddressInfo, connect } from 'node:net'
import fastify, { type FastifyInstance, type FastifyPluginAsync } from 'fastify'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { encodedBody, readForms } from '../../src/http/form-bodies.ts'

let app: FastifyInstance
let failures: number[] = []
beforeAll(async () => {
  app = fastify()
  const forms: FastifyPluginAsync = async (scope) => {
    await readForms(scope)
    scope.post('/', async (request) => `got ${encodedBody(request)}`)
    scope.post('/long', async (request) => `got ${encodedBody(request).length}`)
    scope.get('/', async (request) => `got ${encodedBody(request)}`)
    scope.setErrorHandler((error: Error & { statusCode?: number; status?: number }, _request, reply) => {
      const status = error.status ?? error.statusCode ?? 500
      failures.push(status)
      return reply.code(status).send(error.message)
    })
  }
  await app.register(forms)
  await app.listen({ host: '127.0.0.1', port: 0 })
})
afterAll(() => app.close())
beforeEach(() => {
  failures = []
})

const type = 'Content-Type: application/x-www-form-urlencoded'

/** What is answered to pieces of a request, each of which is sent when the one before has gone. */
async function answerTo(...pieces: string[]): Promise<string> {
  const socket = connect({ port: (app.server.address() as AddressInfo).port, host: '127.0.0.1', noDelay: true })
  // The server closes in the middle of a body that it does not read.
  socket.on('error', () => {})
  let text = ''
  socket.on('data', (piece) => {
    text += String(piece)
  })
  for (const piece of pieces) {
    await new Promise<void>((sent) => socket.write(piece, () => sent()))
    await new Promise((later) => setImmediate(later))
  }
  const asked = pieces.join('').match(/HTTP\/1.1\r\n/g)
  await expect.poll(() => text.match(/\r\n\r\n./g)?.length).toBe(asked?.length)
  socket.destroy()
  return `${text.slice(9, 12)} ${text.slice(text.indexOf('\r\n\r\n') + 4)}`
}

it.each<[string, string[]]>([
  ['with its head', [`POST / HTTP/1.1\r\nHost: x\r\n${type}\r\nContent-Length: 6\r\n\r\na=b&ü`]],
  ['after its head', [`POST / HTTP/1.1\r\nHost: x\r\n${type}\r\nContent-Length: 6\r\n\r\n`, 'a=b&ü']],
  ['in two pieces', [`POST / HTTP/1.1\r\nHost: x\r\n${type}\r\nContent-Length: 6\r\n\r\na=`, 'b&ü']],
  [
    'in chunks',
    [`POST / HTTP/1.1\r\nHost: x\r\n${type}\r\nTransfer-Encoding: chunked\r\n\r\n2\r\na=\r\n4\r\nb&ü\r\n0\r\n\r\n`],
  ],
])('a form that comes %s is read as it is', async (_, pieces) => {
  expect(await answerTo(...pieces)).toBe('200 got a=b&ü')
})

it('one without a body is empty, and so is a request that can have none', async () => {
  expect(await answerTo(`POST / HTTP/1.1\r\nHost: x\r\n${type}\r\nContent-Length: 0\r\n\r\n`)).toBe('200 got ')
  expect(await answerTo('GET / HTTP/1.1\r\nHost: x\r\n\r\n')).toBe('200 got ')
})

it('the next request on a connection is answered, too', async () => {
  const request = `POST / HTTP/1.1\r\nHost: x\r\n${type}\r\nContent-Length: 3\r\n\r\na=b`
  expect((await answerTo(request + request)).match(/got a=b/g)).toHaveLength(2)
})

it('one of 64 KiB is read, and a longer one is refused by the length that it names before any of it came', async () => {
  const head = (length: number) => `POST /long HTTP/1.1\r\nHost: x\r\n${type}\r\nContent-Length: ${length}\r\n\r\n`
  expect(await answerTo(head(65_536), 'a'.repeat(65_536))).toBe('200 got 65536')
  expect(await answerTo(head(65_537))).toMatch(/^413 /)
})

it('one that breaks off is the fault of its sender, and breaks nothing', async () => {
  const socket = connect({ port: (app.server.address() as AddressInfo).port, host: '127.0.0.1' })
  socket.on('error', () => {})
  const begun = new Promise((resolve) => app.server.once('request', resolve))
  socket.write(`POST / HTTP/1.1\r\nHost: x\r\n${type}\r\nContent-Length: 6\r\n\r\na=`)
  await begun
  socket.resetAndDestroy()
  await expect.poll(() => failures).toEqual([400])
  expect(await answerTo(`POST / HTTP/1.1\r\nHost: x\r\n${type}\r\nContent-Length: 3\r\n\r\na=b`)).toBe('200 got a=b')
})
