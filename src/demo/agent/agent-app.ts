/** The agent's web application on Fastify: signing in, its errands, and the ways to see one refused. */

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Seconds } from '../../protocol/ports.ts'
import { applicationPages } from '../application-pages.ts'
import { twoAudits } from '../two-audits.ts'
import { agentName, type Cast } from './cast.ts'
import { comparePage } from './compare-page.ts'
import { type ErrandName, runErrand } from './errands.ts'
import { homePage, welcomePage } from './home-page.ts'
import { sorryPage } from './page.ts'
import { icon } from './picture.ts'
import { errandThenAgain } from './refusals.ts'
import { type Person, relyingParty, SignInFailed } from './relying-party.ts'
import { resultPage } from './result-page.ts'
import { type BrowserSession, type Deed, type Session, sessionsOf } from './sessions.ts'

export interface AgentAppOptions {
  cast: Cast
  now(): Seconds
  /** Told of failures of the agent's own, and of servers that do not answer. */
  report(error: unknown): void
}

/** Somebody asked for what only a signed-in person gets. */
class NotSignedIn extends Error {}
/** A form that did not come from one of our pages. */
class ForeignForm extends Error {}

/** Registers every route. The pages are for one browser on this machine: sessions live in memory. */
export function agentApp(app: FastifyInstance, { cast, now, report }: AgentAppOptions): void {
  const sessions = sessionsOf('finch_session', now, (): Omit<Session, keyof BrowserSession> => ({}))
  const provider = relyingParty(cast)

  applicationPages(app, icon)
  app.setErrorHandler(async (error, request, reply) => {
    const session = sessions.find(request)
    if (error instanceof NotSignedIn) return reply.redirect('/', 303)
    if (error instanceof ForeignForm) {
      const sentence = `This form did not come from a page that ${agentName} showed to you. Nothing was done.`
      return send(reply.code(403), sorryPage('That was not you', sentence, session))
    }
    const { statusCode = 500 } = error as { statusCode?: number }
    if (statusCode >= 500) report(error)
    const sentence =
      statusCode < 500 ? 'The request cannot be read.' : `${agentName} could not finish this. The terminal says why.`
    return send(reply.code(statusCode), sorryPage('That did not work', sentence, session))
  })
  app.setNotFoundHandler(async (request, reply) =>
    send(reply.code(404), sorryPage('Nothing here', 'There is no such page.', sessions.find(request))),
  )

  app.get('/', async (request, reply) => {
    const session = sessions.find(request)
    if (session?.person === undefined) return send(reply, welcomePage(cast, session))
    return send(reply, homePage(cast, session, session.person, await cast.connections()))
  })

  app.get('/sign-in', async (request, reply) => {
    const { address, pending } = await provider.begin()
    const session = sessions.find(request) ?? sessions.start(reply)
    session.pending = pending
    return reply.redirect(address.href, 303)
  })

  app.get('/sign-in-again', async (request, reply) => {
    const { session } = signedIn(request)
    if (session.unposted === undefined) return reply.redirect('/', 303)
    const { address, pending } = await provider.begin(session.unposted.wanted)
    session.pending = pending
    return reply.redirect(address.href, 303)
  })

  app.get('/callback', async (request, reply) => {
    const session = sessions.find(request)
    const pending = session?.pending
    if (session === undefined || pending === undefined)
      return send(reply.code(400), signInFailed('This sign-in was not started here, or has ended already.', session))
    // One answer for each sign-in, whatever it is.
    delete session.pending
    try {
      const person = await provider.finish(new URL(request.url, cast.redirectUri), pending)
      sessions.end(session)
      // A new id: one that was fixed before the sign-in is worth nothing after it.
      const entered = sessions.start(reply)
      entered.person = person
      const { unposted } = session
      // Whoever came back as somebody else wanted nothing posted.
      if (unposted === undefined || session.person?.sub !== person.sub) return reply.redirect('/', 303)
      const errand = await runErrand('post-to-finance', unposted.text, person, cast)
      entered.result = { deed: 'finance', errand: { ...errand, observed: [...person.observed, ...errand.observed] } }
      return reply.redirect('/result', 303)
    } catch (cause) {
      if (!(cause instanceof SignInFailed)) throw cause
      return send(reply.code(400), signInFailed(`${cause.message}.`, session))
    }
  })

  app.get('/id-token', async (request, reply) => {
    const { session, person } = signedIn(request)
    const errand = { outcome: { kind: 'signed-in' }, observed: person.observed } as const
    return send(reply, resultPage({ deed: 'sign-in', errand }, cast, session))
  })

  app.get('/compare', async (request, reply) => {
    const { session } = signedIn(request)
    return send(reply, comparePage(cast, session, twoAudits(cast), await cast.connections()))
  })

  app.get('/result', async (request, reply) => {
    const { session } = signedIn(request)
    if (session.result === undefined) return reply.redirect('/', 303)
    return send(reply, resultPage(session.result, cast, session))
  })

  const act = (
    path: string,
    deed: Deed,
    run: (person: Person, form: URLSearchParams) => ReturnType<typeof runErrand>,
  ) =>
    app.post(path, async (request, reply) => {
      const { session, person, form } = signedInForm(request)
      session.result = { deed, errand: await run(person, form) }
      return reply.redirect('/result', 303)
    })
  const errand = (name: ErrandName) => (person: Person) => runErrand(name, '', person, cast)
  act('/read', 'errand', errand('read'))
  act('/whoami', 'errand', errand('whoami'))
  act('/post', 'errand', (person, form) => {
    return runErrand(form.get('by') === 'api' ? 'post' : 'post-by-mcp', textOf(form), person, cast)
  })
  app.post('/finance', async (request, reply) => {
    const { session, person, form } = signedInForm(request)
    const text = textOf(form)
    const errand = await runErrand('post-to-finance', text, person, cast)
    session.result = { deed: 'finance', errand }
    const { outcome } = errand
    if (outcome.kind === 'stopped' && outcome.wanted !== undefined) session.unposted = { text, wanted: outcome.wanted }
    return reply.redirect('/result', 303)
  })
  act('/replay', 'replay', (person) => errandThenAgain('chat', person, cast))
  act('/elsewhere', 'elsewhere', (person) => errandThenAgain('files', person, cast))
  act('/disconnect', 'disconnect', async (person) => {
    await cast.setConnection(cast.chat.issuer, false)
    return await runErrand('read', '', person, cast)
  })
  app.post('/reconnect', async (request, reply) => {
    signedInForm(request)
    await cast.setConnection(cast.chat.issuer, true)
    return reply.redirect('/', 303)
  })
  app.post('/sign-out', async (request, reply) => {
    sessions.end(signedInForm(request).session)
    return reply.redirect('/', 303)
  })

  function signedIn(request: FastifyRequest): { session: Session; person: Person } {
    const session = sessions.find(request)
    if (session?.person === undefined) throw new NotSignedIn()
    return { session, person: session.person }
  }

  /** SameSite does not separate ports of one host, so every form brings the token of its session. */
  function signedInForm(request: FastifyRequest): { session: Session; person: Person; form: URLSearchParams } {
    const { session, person } = signedIn(request)
    const form = request.body instanceof URLSearchParams ? request.body : new URLSearchParams()
    if (form.get('form_token') !== session.formToken) throw new ForeignForm()
    return { session, person, form }
  }
}

function textOf(form: URLSearchParams): string {
  return (form.get('text') ?? '').trim().slice(0, 200) || `Hello from ${agentName}`
}

function signInFailed(sentence: string, session: Session | undefined): string {
  return sorryPage('You are not signed in', sentence, session)
}

function send(reply: FastifyReply, page: string): FastifyReply {
  return reply.type('text/html; charset=utf-8').send(page)
}
