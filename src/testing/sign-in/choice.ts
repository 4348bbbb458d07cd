/** The step at which a person says who they are, and the end of it. */

import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import type { InteractionResults, Provider } from 'oidc-provider'
import type { Directory, Person } from '../people.ts'
import { choicePage, errorPage, styleSheetPath } from './page.ts'
import { authenticationFor, confirmedAcr, contentSecurityPolicy } from './provider.ts'
import { styleSheet } from './style.ts'

/** A step as oidc-provider keeps it. */
type Step = Awaited<ReturnType<Provider['interactionDetails']>>

/** Registers `/sign-in/:uid` and the style sheet. The provider's cookie ties the step to the browser that began it. */
export function choiceRoutes(provider: Provider, directory: Directory): FastifyPluginAsync {
  return async (app) => {
    app.removeAllContentTypeParsers()
    app.addContentTypeParser(
      'application/x-www-form-urlencoded',
      { parseAs: 'string', bodyLimit: 4096 },
      (_request, body, done) => done(null, new URLSearchParams(String(body))),
    )
    app.get(styleSheetPath, async (_request, reply) =>
      reply.type('text/css; charset=utf-8').header('cache-control', 'public, max-age=3600').send(styleSheet),
    )
    app.get('/sign-in/:uid', async (request, reply) => {
      const step = await stepOf(request, reply, provider)
      if (step === undefined) return expired(reply)
      // The company agreed beforehand: what is asked for is given without another page.
      if (step.prompt.name !== 'login') return finish(request, reply, provider, { consent: {} })
      return choose(reply, step, provider, directory)
    })
    app.post('/sign-in/:uid', async (request, reply) => {
      const step = await stepOf(request, reply, provider)
      if (step === undefined) return expired(reply)
      const form = request.body instanceof URLSearchParams ? request.body : new URLSearchParams()
      if (form.has('cancel')) return finish(request, reply, provider, { error: 'access_denied' })
      const person = directory.people.find(({ name }) => name === form.get('person'))
      const refusal = refusalOf(person)
      if (person === undefined || refusal !== undefined)
        return choose(reply.code(person === undefined ? 400 : 403), step, provider, directory, refusal)
      return finish(request, reply, provider, {
        login: { accountId: person.sub, ...authenticationFor(step.params.acr_values) },
      })
    })
  }
}

function refusalOf(person: Person | undefined): string | undefined {
  if (person === undefined) return 'Choose one of these people.'
  if (person.enabled) return undefined
  return `The account of ${String(person.claims.name)} is disabled and cannot sign in. Choose somebody else.`
}

async function stepOf(request: FastifyRequest, reply: FastifyReply, provider: Provider): Promise<Step | undefined> {
  try {
    const step = await provider.interactionDetails(request.raw, reply.raw)
    return step.uid === (request.params as { uid: string }).uid ? step : undefined
  } catch (cause) {
    // No cookie, or that of a step that has ended.
    if (cause instanceof Error && cause.name === 'SessionNotFound') return undefined
    throw cause
  }
}

async function choose(
  reply: FastifyReply,
  { uid, params }: Step,
  provider: Provider,
  { people }: Directory,
  refusal?: string,
): Promise<FastifyReply> {
  const { client_id, redirect_uri } = params as { client_id: string; redirect_uri: string }
  const client = await provider.Client.find(client_id)
  const application = client?.clientName ?? client_id
  const confirm = authenticationFor(params.acr_values).acr === confirmedAcr
  const choice = { action: `/sign-in/${uid}`, application, people, confirm }
  return send(reply, choicePage(refusal === undefined ? choice : { ...choice, refusal }), redirect_uri)
}

async function finish(
  request: FastifyRequest,
  reply: FastifyReply,
  provider: Provider,
  result: InteractionResults,
): Promise<FastifyReply> {
  return reply.redirect(await provider.interactionResult(request.raw, reply.raw, result), 303)
}

function expired(reply: FastifyReply): FastifyReply {
  return send(
    reply.code(400),
    errorPage(
      'This sign-in has ended',
      'It took too long, or was begun in another window. Start again at the application.',
    ),
  )
}

function send(reply: FastifyReply, page: string, redirectUri?: string): FastifyReply {
  return reply
    .type('text/html; charset=utf-8')
    .header('cache-control', 'no-store')
    .header('content-security-policy', contentSecurityPolicy(redirectUri))
    .header('referrer-policy', 'same-origin')
    .header('x-content-type-options', 'nosniff')
    .send(page)
}
