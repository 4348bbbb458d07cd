/** The throttle in front of an endpoint: what it counts as wrong credentials, and what it answers whom it does not hear. */

import Fastify from 'fastify'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type Throttle, throttled } from '../../src/http/throttle.ts'
import { OAuthError } from '../../src/protocol/errors.ts'

/** An endpoint that answers with whatever status a request asks for, and what its throttle was told. */
async function endpoint(held: number) {
  const counted: string[][] = []
  const throttle: Throttle = {
    heldFor: async (_, client) => (client() === 'assistant' ? held : 0),
    wrong: async (...about) => void counted.push(about),
  }
  const app = Fastify()
  onTestFinished(() => app.close())
  throttled(app, throttle, ({ headers }) => (typeof headers.client === 'string' ? headers.client : undefined))
  app.setErrorHandler((error, _, reply) => {
    if (!(error instanceof OAuthError)) throw error
    return reply.code(error.status).headers(error.headers).send({ error: error.code })
  })
  app.get<{ Params: { status: string } }>('/:status', async ({ params }, reply) =>
    reply.code(Number(params.status)).send({}),
  )
  const ask = async (status: number, client?: string) =>
    await app.inject({ url: `/${status}`, headers: client === undefined ? {} : { client } })
  return { ask, counted }
}

describe('a throttle', () => {
  it('counts wrong credentials alone: no answer that was given, and no request that was bad for another reason', async () => {
    const { ask, counted } = await endpoint(0)
    for (const status of [200, 400, 403, 429, 503]) await ask(status, 'assistant')
    expect(counted).toEqual([])
    await ask(401, 'assistant')
    // Whoever names no client has tried none's credentials.
    await ask(401)
    expect(counted).toEqual([['127.0.0.1', 'assistant']])
  })

  it('answers 429 and when to come again, whatever the credentials are, and counts that as nothing', async () => {
    const { ask, counted } = await endpoint(12.3)
    const answer = await ask(200, 'assistant')
    expect([answer.statusCode, answer.headers['retry-after'], answer.json()]).toEqual([
      429,
      '13',
      { error: 'temporarily_unavailable' },
    ])
    expect((await ask(200, 'notebook')).statusCode).toBe(200)
    expect(counted).toEqual([])
  })
})
