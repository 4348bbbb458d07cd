/** What is answered to requests that reach no route of an HTTP server of ours: the refusal of an OAuth endpoint, in our own words. */

import { METHODS } from 'node:http'
import type { FastifyInstance } from 'fastify'
import { OAuthError } from '../protocol/errors.ts'
import { errorAnswer } from '../protocol/http-answer.ts'

/**
 * Answers 404 where nothing is served (RFC 9110 §15.5.5), and lets routes take every method that Node reads, so that an endpoint can
 * refuse it itself. To be called before the routes are made, on a server without a handler of its own for what is not found. Nothing of
 * it is in the audit: no endpoint was asked. `onAnswer` is told of each.
 */
export function answerNowhere(app: FastifyInstance, onAnswer: () => void = () => {}): void {
  const more = METHODS.filter((method) => method !== 'CONNECT' && !app.supportedMethods.includes(method))
  for (const method of more) app.addHttpMethod(method, { hasBody: true })
  app.setNotFoundHandler(async (_request, reply) => {
    onAnswer()
    const nothing = { reason: 'malformed', status: 404 } as const
    const refusal = new OAuthError('invalid_request', 'there is nothing at this address', nothing)
    const { status, headers, body } = errorAnswer(refusal, false)
    return reply.code(status).headers(headers).send(body)
  })
}
