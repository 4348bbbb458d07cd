import { once } from 'node:events'
import { connect } from 'node:net'
import fastify, { type FastifyInstance } from 'fastify'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { eventLoopWatch } from '../../src/server/event-loop-watch.ts'
import { requestLimit } from '../../src/server/request-limit.ts'
import { listening } from '../fixture/raw-request.ts'

let app: FastifyInstance
let answers: (() => void)[]
let port: number
beforeEach(async () => {
  answers = []
  app = fastify()
  app.get('/health', async () => 'well')
  const work = async (scope: FastifyInstance) => {
    const worked = () => new Promise<string>((resolve) => answers.push(() => resolve('worked')))
    scope.post('/work', worked)
    scope.post('/fail', async () => {
      throw new Error('it failed')
    })
  }
  await app.register(requestLimit(2).guarding(work))
  port = await listening(app)
})
afterEach(async () => {
  for (const answer of answers) answer()
  await app.close()
})

const post = (path: string) => fetch(`http://127.0.0.1:${port}${path}`, { method: 'POST', body: 'a' })

/** Until so many requests are being worked on. */
async function working(many: number): Promise<void> {
  while (answers.length < many) await new Promise((resolve) => setImmediate(resolve))
}

it('more requests at once than the bound are 503 with Retry-After, and health is still told', async () => {
  const [first, second] = [post('/work'), post('/work')]
  await working(2)
  const third = await post('/work')
  expect(third.status).toBe(503)
  expect(third.headers.get('retry-after')).toBe('1')
  expect(third.headers.get('cache-control')).toBe('no-store')
  expect(await third.json()).toEqual({
    error: 'temporarily_unavailable',
    error_description: 'too many requests are in progress',
  })
  expect((await fetch(`http://127.0.0.1:${port}/health`)).status).toBe(200)
  for (const answer of answers) answer()
  expect([(await first).status, (await second).status]).toEqual([200, 200])
  const later = post('/work')
  await working(3)
  answers[2]?.()
  expect((await later).status).toBe(200)
})

it('a request that fails makes room again', async () => {
  for (let round = 0; round < 5; round++) expect((await post('/fail')).status).toBe(500)
})

it('a request whose sender went away counts as long as it is worked on', async () => {
  for (const path of ['/work', '/work']) {
    const socket = connect(port, '127.0.0.1')
    socket.write(`POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n`)
    const before = answers.length
    await working(before + 1)
    socket.destroy()
    await once(socket, 'close')
  }
  expect((await post('/work')).status).toBe(503)
  for (const answer of answers) answer()
  const next = post('/work')
  await working(3)
  answers[2]?.()
  expect((await next).status).toBe(200)
})

it('senders that are slow with their bodies keep nobody out', async () => {
  const slow = Array.from({ length: 5 }, () => connect(port, '127.0.0.1'))
  await Promise.all(
    slow.map(async (socket) => {
      await once(socket, 'connect')
      socket.write('POST /work HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n\r\nslow')
    }),
  )
  const honest = post('/work')
  await working(1)
  answers[0]?.()
  expect((await honest).status).toBe(200)
  for (const socket of slow) socket.destroy()
})

it('while the process is behind, nothing new is begun, and what was begun is answered', async () => {
  let behind = false
  const scope = fastify()
  await scope.register(
    requestLimit(2, () => behind).guarding(async (inner) => {
      inner.post('/work', async () => 'worked')
    }),
  )
  expect((await scope.inject({ method: 'POST', url: '/work' })).statusCode).toBe(200)
  behind = true
  const refused = await scope.inject({ method: 'POST', url: '/work' })
  expect([refused.statusCode, refused.headers['retry-after']]).toEqual([503, '1'])
  behind = false
  expect((await scope.inject({ method: 'POST', url: '/work' })).statusCode).toBe(200)
  await scope.close()
})

it('a process is behind while its event loop is held up, and is not once it runs again', async () => {
  const watch = eventLoopWatch({ latest: 0.05, interval: 0.2 })
  try {
    await expect
      .poll(
        () => {
          const end = process.hrtime.bigint() + 120_000_000n
          while (process.hrtime.bigint() < end);
          return watch.isBehind()
        },
        { interval: 1 },
      )
      .toBe(true)
    await expect.poll(() => watch.isBehind(), { interval: 300 }).toBe(false)
  } finally {
    watch.stop()
  }
})
