/** An OAuth endpoint on Fastify that takes POST alone: one handler, every other method told so. */

import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import { openOriginHeaders, openOriginPreflightHeaders } from '../protocol/http-answer.ts'
import { methodNotAllowed } from '../protocol/request-head.ts'
import { answerError, type OAuthScopeOptions, oauthScope } from './oauth-scope.ts'

export interface PostRouteOptions extends OAuthScopeOptions {
  path: string
  /** What the refusal of other methods calls it: `the token endpoint`. */
  name: string
  /** Applications in browsers call it, too. */
  openOrigin?: boolean | undefined
}

/** Registers the route in a scope of its own. An error that `answer` throws is written to the audit, and answered. */
export async function postRoute(
  app: FastifyInstance,
  { path, name, openOrigin = false, ...options }: PostRouteOptions,
  answer: (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>,
): Promise<void> {
  const route: FastifyPluginAsync = async (scope) => {
    if (openOrigin) openToOrigins(scope, [path])
    await oauthScope(scope, options)
    scope.post(path, answer)
    const refuse = async (): Promise<never> => {
      throw methodNotAllowed(name)
    }
    // RFC 9110 §15.5.6: 405 whatever the body is; a handler alone would come after Fastify's word on its media type.
    scope.route({
      method: scope.supportedMethods.filter((one) => one !== 'POST' && !(openOrigin && one === 'OPTIONS')),
      url: path,
      onRequest: refuse,
      handler: refuse,
    })
  }
  await app.register(route)
}

/** Lets pages of every origin read the answers of a scope, and answers their preflights at these paths. */
export function openToOrigins(scope: FastifyInstance, paths: readonly string[]): void {
  scope.addHook('onRequest', async (_request, reply) => void reply.headers(openOriginHeaders))
  for (const path of paths)
    scope.options(path, async (_request, reply) => reply.code(204).headers(openOriginPreflightHeaders).send())
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
