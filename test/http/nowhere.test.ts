/** What a server says of addresses where nothing is. */

import Fastify from 'fastify'
import { afterEach, expect, it } from 'vitest'
import { answerNowhere } from '../../src/http/nowhere.ts'

const app = Fastify()
answerNowhere(app)
app.get('/there/:id', async () => ({ there: true }))
afterEach(async () => {
  expect((await app.inject('/there/1')).json()).toEqual({ there: true })
})

it.each(['/nowhere', '/nowhere?secret=mark-4711', '/', '/there', '/there/1/x', '/__proto__'])(
  '[ATK-088] %s is 404 in our own words, which repeat nothing of it',
  async (url) => {
    const answer = await app.inject(url)
    expect([answer.statusCode, answer.json()]).toEqual([
      404,
      { error: 'invalid_request', error_description: 'there is nothing at this address' },
    ])
    expect(answer.headers).toMatchObject({ 'cache-control': 'no-store', pragma: 'no-cache' })
  },
)

it('a method that nothing is served for is answered like an address', async () => {
  for (const method of ['PROPFIND', 'LOCK', 'TRACE'])
    expect((await app.inject({ method: method as 'GET', url: '/there/1' })).statusCode).toBe(404)
})
