/** The unmanaged application on Fastify: its document, its pages, and the way of one person through sign-in and consent. */

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Seconds } from '../../protocol/ports.ts'
import type { Cast } from '../agent/cast.ts'
import { companies } from '../agent/cast.ts'
import type { Caller } from '../agent/errands.ts'
import { sessionsOf } from '../agent/sessions.ts'
import { applicationPages } from '../application-pages.ts'
import { type Footstep, footsteps } from './footsteps.ts'
import { clientDocument, type Magpie, magpieFor, NotLetIn } from './magpie.ts'
import { connectedPage, icon, type MagpieView, strangerPage, turnedAwayPage } from './page.ts'

export interface MagpieAppOptions {
  cast: Cast
  now(): Seconds
  /** Told of failures of its own, and of servers that do not answer. */
  report(error: unknown): void
}

/** What it remembers of one browser. */
interface Visitor {
  magpie: Magpie
  caller?: Caller
  steps: readonly Footstep[]
}

/** A form that did not come from one of its pages. */
class ForeignForm extends Error {}

/** Registers every route. It is for one browser on this machine: sessions live in memory, and the tokens in them. */
export function magpieApp(app: FastifyInstance, { cast, now, report }: MagpieAppOptions): void {
  const { origin, clientId } = cast.unmanaged
  const { mcpUrl } = cast.chat
  const view: MagpieView = { mcpUrl, clientId, agentUrl: new URL('/', cast.redirectUri).href }
  const sessions = sessionsOf(
    'magpie_session',
    now,
    (): Visitor => ({
      magpie: magpieFor({ origin, mcpUrl }),
      steps: [],
    }),
  )
  const { name } = companies.unmanaged
  const turnedAway = (reply: FastifyReply, status: number, sentence: string) =>
    send(reply.code(status), turnedAwayPage(`${name} was not let in`, sentence))

  applicationPages(app, icon)
  app.setErrorHandler(async (error, _request, reply) => {
    if (error instanceof NotLetIn) return turnedAway(reply, 400, `${error.message}.`)
    if (error instanceof ForeignForm) return turnedAway(reply, 403, 'This form did not come from its page.')
    const { statusCode = 500 } = error as { statusCode?: number }
    if (statusCode >= 500) report(error)
    const sentence = statusCode < 500 ? 'The request cannot be read.' : 'Something failed. The terminal says what.'
    return send(reply.code(statusCode), turnedAwayPage('That did not work', sentence))
  })
  app.setNotFoundHandler(async (_request, reply) =>
    send(reply.code(404), turnedAwayPage('Nothing here', 'There is no such page.')),
  )

  // CIMD draft §4: whoever is told the id reads here what stands behind it.
  app.get('/client.json', async (_request, reply) =>
    reply.header('cache-control', 'public, max-age=300').send(clientDocument(origin)),
  )

  app.get('/', async (request, reply) => {
    const session = sessions.find(request)
    if (session?.caller === undefined) return send(reply, strangerPage(view))
    return send(reply, connectedPage(view, session.formToken, session.caller, session.steps))
  })

  app.get('/connect', async (request, reply) => {
    const session = sessions.find(request) ?? sessions.start(reply)
    return await ask(session, reply)
  })

  app.get('/callback', async (request, reply) => {
    const session = sessions.find(request)
    if (session === undefined) throw new NotLetIn('this was not begun here, or has ended already')
    await session.magpie.finish(new URL(request.url, origin).searchParams)
    return await ask(session, reply)
  })

  app.post('/ask', async (request, reply) => await ask(ownForm(request), reply))
  app.post('/forget', async (request, reply) => {
    sessions.end(ownForm(request))
    return reply.redirect('/', 303)
  })

  async function ask(visitor: Visitor, reply: FastifyReply): Promise<FastifyReply> {
    const asked = await visitor.magpie.ask()
    if (asked.kind === 'person-needed') {
      delete visitor.caller
      return reply.redirect(asked.address.href, 303)
    }
    visitor.caller = asked.caller
    if (visitor.steps.length === 0) visitor.steps = footsteps(visitor.magpie.observed, cast)
    return reply.redirect('/', 303)
  }

  function ownForm(request: FastifyRequest) {
    const session = sessions.find(request)
    const form = request.body instanceof URLSearchParams ? request.body : new URLSearchParams()
    if (session === undefined || form.get('form_token') !== session.formToken) throw new ForeignForm()
    return session
  }
}

function send(reply: FastifyReply, page: string): FastifyReply {
  return reply.type('text/html; charset=utf-8').send(page)
}
