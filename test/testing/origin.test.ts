/** One origin: how long it waits, and what it says when something goes wrong that no route foresaw. */

import { afterEach, beforeEach, expect, it } from 'vitest'
import { bindOrigin, closeOrigin, type Origin, serveAt } from '../../src/testing/origin.ts'

let origin: Origin
const reported: unknown[] = []
beforeEach(async () => {
  reported.length = 0
  origin = await bindOrigin(0)
  await serveAt(
    origin,
    (app) => {
      app.get('/good/:id', async () => ({ good: true }))
      app.get('/bad', async () => {
        throw new TypeError('a secret of the program')
      })
    },
    (error) => reported.push(String(error)),
  )
})
afterEach(() => closeOrigin(origin))

it('[ATK-090] gives a request that is not complete 9 seconds', () => {
  const { headersTimeout, requestTimeout } = origin.server
  expect([headersTimeout, requestTimeout]).toEqual([9000, 9000])
})

it.each([
  ['/good/%zz', 400, 'invalid_request'],
  [`/good/${'x'.repeat(3000)}`, 414, 'invalid_request'],
  ['/bad', 500, 'the server failed'],
])(
  'answers what goes wrong with a sentence, and reports its own failures alone: %.12s',
  async (path, status, error) => {
    const answer = await fetch(origin.url + path)
    expect([answer.status, await answer.json()]).toMatchObject([status, { error }])
    expect(reported).toEqual(status === 500 ? ['TypeError: a secret of the program'] : [])
    expect((await fetch(`${origin.url}/good/1`)).status).toBe(200)
  },
)
