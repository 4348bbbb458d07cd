/** The pages of the code grant: sign-in at the company's IdP, and consent. They work without JavaScript. */

import type { FastifyError, FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import type { Provider } from 'oidc-provider'
import { html } from '../../http/html.ts'
import { correlate, correlationIdOf, headerLines } from '../../http/oauth-scope.ts'
import { OAuthError } from '../../protocol/errors.ts'
import { consentRoutes } from './consent-routes.ts'
import type { PageOptions } from './contract.ts'
import { type Frame, page, pageHeaders, signInPath, troublePage } from './page.ts'
import { relyingParty } from './relying-party.ts'
import { signInRoutes } from './sign-in-routes.ts'
import { PageError } from './step.ts'
import { styleSheet } from './style.ts'

export { pageHeaders } from './page.ts'

/**
 * Registers everything below `{path}/sign-in`, in a scope of its own. The provider's `interactions.url` is `{path}/sign-in/:uid`, and
 * its `loadExistingGrant` is {@link rememberedGrant}. IdPs send browsers back to `{issuer}/sign-in/callback`. Does NOT check the options.
 */
export async function interactionRoutes(app: FastifyInstance, provider: Provider, options: PageOptions): Promise<void> {
  const { issuer, path, ports, report } = options
  const frame: Frame = { path, server: new URL(issuer).host }
  const stage = { provider, options, frame }
  const routes: FastifyPluginAsync = async (scope) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser(
      'application/x-www-form-urlencoded',
      { parseAs: 'string', bodyLimit: 4096 },
      (_request, body, done) => done(null, new URLSearchParams(String(body))),
    )
    scope.addHook('onRequest', async (request, reply) => {
      correlate(request, reply, ports)
      if (request.method === 'POST') checkSameSite(request, new URL(issuer).origin)
    })
    scope.addHook('preHandler', async (request) => {
      if (request.method === 'POST' && !(request.body instanceof URLSearchParams))
        throw new PageError(400, 'This form is empty', 'Go back, and fill it in.')
    })
    scope.setErrorHandler(async (error: FastifyError, request, reply) =>
      answerError(error, request, reply, frame, report),
    )
    scope.get(`${path}${signInPath}/style.css`, async (_request, reply) =>
      reply
        .headers({ 'cache-control': 'public, max-age=3600', 'x-content-type-options': 'nosniff' })
        .type('text/css; charset=utf-8')
        .send(styleSheet),
    )
    consentRoutes(scope, stage, signInRoutes(scope, stage, relyingParty(options)))
  }
  await app.register(routes)
}

/** A page of one sentence, for the provider's own errors. Send it with {@link pageHeaders}. */
export function signInErrorPage(title: string, text: string, frame: Frame = { path: '', server: '' }): string {
  return troublePage(frame, title, text)
}

/** The same with a way on that somebody must choose: to an address that nobody here vouches for. */
export function strangersErrorPage(title: string, text: string, frame: Frame, address: URL): string {
  return page(
    frame,
    title,
    html`<h1>${title}</h1>
<p>${text}</p>
<p class="alert">The people who run ${frame.server} do not know the application that sent you here.</p>
<p><a class="button" href="${address.href}">Go back to ${address.host}</a></p>`,
  )
}

/** Browsers say where a form comes from. The cookie of the step is SameSite=Lax and its address nobody can guess; this comes on top. */
function checkSameSite(request: FastifyRequest, origin: string): void {
  const isOurs =
    headerLines(request, 'origin').every((one) => one === origin) &&
    headerLines(request, 'sec-fetch-site').every((one) => one === 'same-origin')
  if (!isOurs)
    throw new PageError(403, 'This form is not from here', 'Another site has sent it. Nothing was done with it.')
}

function answerError(
  error: FastifyError,
  request: FastifyRequest,
  reply: FastifyReply,
  frame: Frame,
  report: PageOptions['report'],
): FastifyReply {
  const send = (status: number, ...[title, text, again]: [string, string, PageError['again']?]) =>
    reply
      .code(status)
      .headers(pageHeaders)
      .send(troublePage(frame, title, text, again))
  if (error instanceof PageError) return send(error.status, error.title, error.message, error.again)
  const status = error instanceof OAuthError ? error.status : (error.statusCode ?? 500)
  if (error instanceof OAuthError && status === 429) {
    reply.headers(error.headers)
    return send(
      status,
      'Not so fast',
      'Too many pages were asked for from this address. Wait a moment, and load this one again.',
    )
  }
  if (status < 500)
    return send(status, 'This cannot go on', 'The request cannot be used. Start again at the application.')
  report(error, correlationIdOf(request))
  const text = `Try again in a moment. If it stays so, tell the people who run ${frame.server} this: ${correlationIdOf(request)}.`
  return send(status, 'Something here does not work now', text)
}
