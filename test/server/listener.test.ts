/** What a server answers before any of its endpoints is asked. */

import { afterEach, expect, it } from 'vitest'
import { newApp } from '../../src/server/listener.ts'
import { listening, rawRequest } from '../fixture/raw-request.ts'

const warnings: string[] = []
const app = newApp({ warn: (message) => warnings.push(message) })
app.get('/here', async () => 'here')
app.get('/broken', async () => {
  throw new Error('the disk at /secret is full')
})
const port = listening(app)
afterEach(async () => await app.close())

it('[RC7] is in its own words, and says nothing of the framework or of the failure', async () => {
  const ask = async (start: string, ...lines: string[]) =>
    await rawRequest(await port, [`${start} HTTP/1.1`, 'Host: a', ...lines])
  expect((await ask('GET /here')).status).toBe(200)
  const form = ['Content-Type: application/x-www-form-urlencoded', 'Content-Length: 0']
  const json = ['Content-Type: application/json', 'Content-Length: 0']
  for (const [answer, status] of [
    [await ask('DELETE http://['), 400],
    [await ask('GET /%zz'), 400],
    [await ask('POST /nowhere', ...json), 400],
    [await ask('PUT /here', ...form), 404],
    [await ask('POST /nowhere', 'Content-Type: x', 'Content-Length: 0'), 415],
    [await ask('GET /broken'), 500],
  ] as const) {
    expect(answer.status).toBe(status)
    expect(answer.body).not.toMatch(/FST|fastify|secret|zz/)
    if (status !== 404)
      expect(JSON.parse(answer.body)).toEqual({
        error: status === 500 ? 'server_error' : 'invalid_request',
        error_description: status === 500 ? 'the server failed' : 'the request cannot be read',
      })
  }
  expect(warnings).toEqual([expect.stringContaining('the disk at /secret is full')])
})
