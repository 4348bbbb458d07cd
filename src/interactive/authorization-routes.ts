/** The authorization endpoint on Fastify: the provider decides, the answer and the pages are ours. */

import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import { correlate, correlationIdOf } from '../http/oauth-scope.ts'
import { OAuthError } from '../protocol/errors.ts'
import { isLoopbackHost } from '../protocol/loopback.ts'
import type { Reason } from '../protocol/reasons.ts'
import { failClosed } from '../protocol/token-endpoint.ts'
import type { InteractiveClient, InteractiveClients } from './clients.ts'
import type { InteractiveGrantOptions } from './options.ts'
import { type AskProvider, forward, type ProviderAnswer } from './provider-call.ts'
import { authorizationReason } from './refusals.ts'
import { pageHeaders, signInErrorPage, strangersErrorPage } from './sign-in/pages.ts'

/** Registers `/authorize` and the way back to it from the pages, below the issuer's path. */
export async function authorizationRoutes(
  app: FastifyInstance,
  path: string,
  options: InteractiveGrantOptions,
  clients: InteractiveClients,
  ask: AskProvider,
): Promise<void> {
  const { resourceAuthorizationServer: server, ports, report } = options
  const safe = failClosed(ports)
  const frame = { path, server: new URL(server.issuer).host }

  const page = (reply: FastifyReply, status: number, text: string) =>
    reply
      .code(status)
      .headers(pageHeaders)
      .send(signInErrorPage(cannotGoOn, text, frame))

  const refused = async (request: FastifyRequest, client: string, reason: Reason, error: string, detail: string) =>
    await safe.record({
      at: ports.now(),
      role: 'resource-as',
      server: server.issuer,
      action: 'consent',
      outcome: 'refused',
      reason,
      error,
      detail,
      correlationId: correlationIdOf(request),
      ...(client === '' ? {} : { client }),
    })

  /** Undefined where the browser may be sent on: no error, a known application, or a program on the person's own computer. */
  const strangersAddress = (location: string, client: InteractiveClient | undefined): URL | undefined => {
    const address = new URL(location, server.issuer)
    return client === undefined || client.isListed || isLoopbackHost(address.hostname) ? undefined : address
  }

  const answer = async (
    request: FastifyRequest,
    reply: FastifyReply,
    given: ProviderAnswer,
    client: string,
    stranger?: InteractiveClient,
  ) => {
    const error = given.error as (Error & { error?: string; error_description?: string; expose?: boolean }) | undefined
    if (error !== undefined && error.expose !== true) throw error
    if (error !== undefined && error.error !== 'access_denied') {
      const reason = authorizationReason(error)
      await refused(request, client, reason, error.error ?? error.message, error.error_description ?? error.message)
    }
    const { location, 'set-cookie': cookies } = given.headers
    if (cookies !== undefined) reply.header('set-cookie', cookies)
    // RFC 9700 §4.11.2: or anybody could register an address, and have browsers sent there under this server's name.
    const address = error && location !== undefined ? strangersAddress(location, stranger) : undefined
    if (error !== undefined && address !== undefined)
      return reply
        .code(400)
        .headers(pageHeaders)
        .send(strangersErrorPage(cannotGoOn, sentenceOf(error), frame, address))
    if (location !== undefined) return forward(reply.header('cache-control', 'no-store'), given)
    return page(reply, 400, error === undefined ? elsewhere : sentenceOf(error))
  }

  const routes: FastifyPluginAsync = async (scope) => {
    scope.addHook('onRequest', async (request, reply) => correlate(request, reply, ports))
    scope.setErrorHandler(async (error, request, reply) => {
      if (error instanceof OAuthError && error.status < 500)
        return page(reply.headers(error.headers), error.status === 429 ? 429 : 400, `${error.message} (${error.code})`)
      report(error, correlationIdOf(request))
      const status = error instanceof OAuthError ? error.status : 500
      return page(
        reply,
        status,
        `Something here does not work now. Try again in a moment (${correlationIdOf(request)}).`,
      )
    })
    scope.get(`${path}/authorize`, { exposeHeadRoute: false }, async (request, reply) => {
      const query = new URLSearchParams(queryOf(request))
      const client = query.get('client_id') ?? ''
      let found: InteractiveClient | undefined
      try {
        // The document of a client is fetched here, where its trouble can be told.
        found = await clients.find(client)
      } catch (error) {
        if (!(error instanceof OAuthError)) throw error
        await refused(request, client.slice(0, 255), error.reason, error.code, error.detail ?? error.message)
        if (error.status >= 500) throw error
        return page(reply, 400, unusable)
      }
      const given = await ask(requestFor(request, `/authorize?${withoutSignInScopes(query)}`))
      return await answer(request, reply, given, client, found)
    })
    scope.get(`${path}/authorize/:uid`, { exposeHeadRoute: false }, async (request, reply) => {
      const { uid } = request.params as { uid: string }
      return await answer(request, reply, await ask(requestFor(request, `/authorize/${encodeURIComponent(uid)}`)), '')
    })
  }
  await app.register(routes)
}

const cannotGoOn = 'This cannot go on'
/** The same for every document: why it cannot be fetched would say what this server can reach. */
const unusable = 'The metadata document of this application cannot be fetched, or breaks a rule (invalid_client).'
const elsewhere = 'Somebody else signed in meanwhile, in another window. Start again at the application.'

function queryOf({ raw }: FastifyRequest): string {
  const url = raw.url ?? ''
  return url.includes('?') ? url.slice(url.indexOf('?') + 1) : ''
}

/** Many clients ask for these of every server. Nobody signs in to an application here, and every client gets a refresh token. */
function withoutSignInScopes(query: URLSearchParams): string {
  const scopes = (query.get('scope') ?? '').split(' ').filter((one) => one !== '')
  const left = scopes.filter((one) => one !== 'openid' && one !== 'offline_access')
  if (left.length < scopes.length && left.length > 0 && query.getAll('scope').length === 1)
    query.set('scope', left.join(' '))
  // RFC 6749 §3.1: without a value it counts as absent.
  if (scopes.length === 0) query.delete('scope')
  // RFC 6749 §3.1: what belongs to an ID Token is ignored where there is none; the provider would refuse it.
  for (const name of ['nonce', 'acr_values']) query.delete(name)
  return query.toString()
}

function requestFor(request: FastifyRequest, path: string) {
  return { method: 'GET', path, headers: { accept: 'text/html', cookie: request.headers.cookie } }
}

function sentenceOf({ error, error_description, message }: Error & { error?: string; error_description?: string }) {
  return `${error_description ?? message} (${error ?? 'error'})`
}
