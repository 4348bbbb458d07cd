/** An OAuth endpoint on Fastify that takes POST alone: one handler, every other method told so. */

import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import { OAuthError } from '../protocol/errors.ts'
import { answerError, type OAuthScopeOptions, oauthScope } from './oauth-scope.ts'

export interface PostRouteOptions extends OAuthScopeOptions {
  path: string
  /** What the refusal of other methods calls it: `the token endpoint`. */
  name: string
}

/** Registers the route in a scope of its own. An error that `answer` throws is written to the audit, and answered. */
export async function postRoute(
  app: FastifyInstance,
  { path, name, ...options }: PostRouteOptions,
  answer: (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>,
): Promise<void> {
  const route: FastifyPluginAsync = async (scope) => {
    await oauthScope(scope, options)
    scope.post(path, answer)
    const refuse = async (_request: FastifyRequest, reply: FastifyReply): Promise<never> => {
      reply.header('allow', 'POST')
      throw new OAuthError('invalid_request', `${name} takes POST alone`, {
        reason: 'method_not_allowed',
        status: 405,
      })
    }
    // RFC 9110 §15.5.6: 405 whatever the body is; a handler alone would come after Fastify's word on its media type.
    scope.route({
      method: ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
      url: path,
      onRequest: refuse,
      handler: refuse,
    })
  }
  await app.register(route)
}

/** Gives the answer, or the error of a decision that is in the audit already. */
export async function answerDecided(
  request: FastifyRequest,
  reply: FastifyReply,
  report: OAuthScopeOptions['report'],
  decide: () => Promise<unknown>,
): Promise<unknown> {
  try {
    return await decide()
  } catch (error) {
    return answerError(error, request, reply, report)
  }
}
