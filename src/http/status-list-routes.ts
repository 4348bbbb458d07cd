/** The Token Status Lists of one server on Fastify: each list, and the document that names them, readable from any origin. */

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { mediaType } from '../protocol/names.ts'
import { type PublishedStatusListsOptions, publishedStatusLists } from '../resource-as/status-lists.ts'
import { issuerPath } from './documents.ts'
import { answerError, type OAuthScopeOptions } from './oauth-scope.ts'

export interface StatusListRoutesOptions extends PublishedStatusListsOptions {
  report: OAuthScopeOptions['report']
}

/** Serves `…/status/0`, `…/status/1` and so on, and `…/status-lists` (draft-ietf-oauth-status-list-21 §8.1, §9.3). */
export function statusListRoutes(app: FastifyInstance, { report, ...options }: StatusListRoutesOptions): void {
  const lists = publishedStatusLists(options)
  const path = issuerPath(options.issuer)
  const answer = async (
    request: FastifyRequest,
    reply: FastifyReply,
    type: string,
    document: () => string | Promise<string>,
  ) => {
    // §8.1: a list may be read by a page in a browser.
    reply.header('access-control-allow-origin', '*')
    try {
      const body = await document()
      return reply.header('cache-control', 'public, max-age=1').type(type).send(body)
    } catch (error) {
      return answerError(error, request, reply, report)
    }
  }
  // At most 2⁴⁰ indexes: no number of a list is too large to count with.
  app.get<{ Params: { list: string } }>(
    `${path}/status/:list(^(?:0|[1-9]\\d{0,7})$)`,
    async (request, reply) =>
      await answer(request, reply, mediaType.statusList, () => lists.read(Number(request.params.list))),
  )
  app.get(
    `${path}/status-lists`,
    async (request, reply) =>
      await answer(request, reply, 'application/json', () => JSON.stringify({ status_lists: lists.addresses() })),
  )
}
