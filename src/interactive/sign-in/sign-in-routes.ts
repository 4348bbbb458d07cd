/** The step at which a person signs in at the company's IdP: the way there, and the way back. */

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Seconds } from '../../protocol/ports.ts'
import { applicationName } from './consent-page.ts'
import type { SignedInPerson, SignInIssuer } from './contract.ts'
import { emailPage } from './email-page.ts'
import { callbackAddress, idpName, idpOfEmail, redirectUriAt } from './idp-choice.ts'
import { pageHeaders, signInPath } from './page.ts'
import { PendingSignIn, type RelyingParty } from './relying-party.ts'
import { signInRefusals } from './sign-in-refusals.ts'
import { endStep, leadOn, PageError, requestOf, type Stage, type Step, stepOf } from './step.ts'

/** How long somebody may take at the IdP: as long as the provider keeps the step. */
const wayThere: Seconds = 600

/** What the person, or the request behind the step, says of the sign-in that is to come. */
interface Wish {
  anew: boolean
  email?: string
}

/** Shows who is to sign in where: the one IdP at once, or the question for the e-mail address. */
export type AskToSignIn = (
  request: FastifyRequest,
  reply: FastifyReply,
  step: Step,
  anew: boolean,
) => Promise<FastifyReply>

/** Registers the routes of this step, and gives its beginning to the routes of the others. */
export function signInRoutes(app: FastifyInstance, stage: Stage, party: RelyingParty): AskToSignIn {
  const { options, frame } = stage
  const { pending, ports, signInIssuers } = options
  const base = frame.path + signInPath
  const { signedInOrRefused, accountOrRefused } = signInRefusals(stage)

  const ask: AskToSignIn = async (request, reply, step, anew) => {
    const [only, ...others] = signInIssuers
    if (only !== undefined && others.length === 0)
      return reply.redirect((await begin(request, step, only, { anew })).href, 303)
    return reply.headers(pageHeaders).send(emailPage(frame, { ...(await question(step)), anew }))
  }

  const question = async (step: Step) => {
    const { clientId, redirectUri } = requestOf(step)
    return { uid: step.uid, application: applicationName(await options.askingClient(clientId, redirectUri)) }
  }

  const begin = async (request: FastifyRequest, step: Step, idp: SignInIssuer, wish: Wish): Promise<URL> => {
    // The step's id stands in the state, so that the callback finds the way to the step whose cookie the browser must hold.
    const state = `${step.uid}.${ports.newId()}`
    const { max_age: maxAge } = step.params
    const begun = await signedInOrRefused(request, step, idp, () =>
      party.begin(idp, {
        state,
        redirectUri: (announcesIss) => redirectUriAt(options, idp, announcesIss),
        anew: wish.anew || step.prompt.reasons.includes('login_prompt'),
        ...(wish.email === undefined ? {} : { loginHint: wish.email }),
        ...(maxAge === undefined ? {} : { maxAge: Number(maxAge) }),
      }),
    )
    await pending.keep(state, begun.pending, ports.now() + wayThere)
    return begun.address
  }

  app.post(`${base}/:uid`, async (request, reply) => {
    const step = await stepOf(request, reply, stage)
    const form = request.body as URLSearchParams
    if (form.has('cancel')) {
      const result = { error: 'access_denied', error_description: 'the person gave up the sign-in' }
      return leadOn(reply, stage, await endStep(request, reply, stage, result), 'the application')
    }
    const [email, anew] = [(form.get('email') ?? '').slice(0, 254), form.has('anew')]
    const idp = idpOfEmail(signInIssuers, email)
    if (idp === undefined) {
      const asked = { ...(await question(step)), anew, typed: email }
      return reply.code(400).headers(pageHeaders).send(emailPage(frame, asked))
    }
    const address = await begin(request, step, idp, { anew, email: email.trim() })
    return leadOn(reply, stage, address.href, idpName(idp))
  })

  app.get(`${base}/:uid/anew`, { exposeHeadRoute: false }, async (request, reply) =>
    ask(request, reply, await stepOf(request, reply, stage), true),
  )

  const callback = async (request: FastifyRequest, reply: FastifyReply) => {
    const { domain } = request.params as { domain?: string }
    const answer = queryOf(request)
    const [, uid] = /^([\w-]{16,64})\.[\w-]{16,}$/.exec(stateOf(answer)) ?? []
    if (uid === undefined) throw unasked()
    // The provider's cookie is bound to the address of the step. There, the browser shows that it began this sign-in; nothing is
    // taken or sent before.
    const place = domain === undefined ? '' : `/${encodeURIComponent(domain)}`
    return reply.redirect(`${base}/${uid}/finish${place}?${answer}`, 303)
  }
  app.get(`${base}/callback`, { exposeHeadRoute: false }, callback)
  app.get(`${base}/callback/:domain`, { exposeHeadRoute: false }, callback)

  const finish = async (request: FastifyRequest, reply: FastifyReply) => {
    const step = await stepOf(request, reply, stage)
    const answer = queryOf(request)
    const state = stateOf(answer)
    if (!state.startsWith(`${step.uid}.`)) throw unasked()
    const begun = PendingSignIn.safeParse(await pending.take(state)).data
    const idp = signInIssuers.find(({ issuer }) => issuer === begun?.issuer)
    const { domain } = request.params as { domain?: string }
    if (begun === undefined || idp === undefined || begun.redirectUri !== callbackAddress(options.issuer, domain))
      throw unasked()
    const person = await signedInOrRefused(request, step, idp, () => party.finish(idp, answer, begun, state))
    const account = await accountOrRefused(request, step, idp, person)
    await enter(request, reply, step, account, person)
    const { authTime, acr, amr } = person
    const login = { accountId: account, ts: Math.floor(authTime ?? ports.now()), acr, amr }
    return reply.redirect(await endStep(request, reply, stage, { login, person }), 303)
  }
  app.get(`${base}/:uid/finish`, { exposeHeadRoute: false }, finish)
  app.get(`${base}/:uid/finish/:domain`, { exposeHeadRoute: false }, finish)

  /** Makes the browser's session ready for the account: somebody else's is ended first. */
  const enter = async (
    { raw }: FastifyRequest,
    { raw: answer }: FastifyReply,
    step: Step,
    account: string,
    person: SignedInPerson,
  ) => {
    const { provider } = stage
    const session = await provider.Session.get(provider.createContext(raw, answer))
    if (session.accountId === account) {
      await options.keepSignIn(session.uid, person)
      if (step.grantId !== undefined) await options.keepSignIn(step.grantId, person)
      return
    }
    if (session.accountId === undefined && step.session === undefined) return
    // Resumed with another account, the provider would ask, on a page of its own, whether to end the old session.
    step.session = undefined
    await step.persist()
    if (session.accountId !== undefined) await session.destroy()
  }

  return ask
}

function queryOf({ raw }: FastifyRequest): URLSearchParams {
  const url = raw.url ?? ''
  return new URLSearchParams(url.includes('?') ? url.slice(url.indexOf('?') + 1) : '')
}

function stateOf(answer: URLSearchParams): string {
  const [state, ...more] = answer.getAll('state')
  return more.length > 0 ? '' : (state ?? '')
}

function unasked(): PageError {
  return new PageError(
    400,
    'This answer was not asked for',
    'It belongs to no sign-in that is open here, or was used before. Start again at the application.',
  )
}
