/** The step at which a person allows or denies what an application wants. */

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import * as z from 'zod'
import { correlationIdOf } from '../../http/oauth-scope.ts'
import { isLoopbackRedirect } from './consent-memory.ts'
import { consentPage } from './consent-page.ts'
import { idpName } from './idp-choice.ts'
import { pageHeaders, signInPath } from './page.ts'
import type { AskToSignIn } from './sign-in-routes.ts'
import { endStep, leadOn, PageError, requestOf, type Stage, type Step, signedIn, stepOf } from './step.ts'

/** What the provider says was asked for and is not granted yet. */
const Missing = z.object({
  missingOIDCScope: z.array(z.string()).default([]),
  missingResourceScopes: z.record(z.string(), z.array(z.string())).default({}),
})

/** Registers `GET /sign-in/:uid`, where every step begins, and the consent. */
export function consentRoutes(app: FastifyInstance, stage: Stage, askToSignIn: AskToSignIn): void {
  const { options, frame, provider } = stage
  const base = frame.path + signInPath

  app.get(`${base}/:uid`, { exposeHeadRoute: false }, async (request, reply) => {
    const step = await stepOf(request, reply, stage)
    const who = step.prompt.name === 'consent' ? await signedIn(step, stage) : undefined
    if (who === undefined) return askToSignIn(request, reply, step, false)
    const { clientId, redirectUri } = requestOf(step)
    const { own, resources } = await askedIn(step)
    const named = (scopes: string[]) => scopes.map((scope) => ({ scope, text: options.scopeText(scope) }))
    const idp = options.signInIssuers.find(({ issuer }) => issuer === who.person.issuer)
    const text = consentPage(frame, {
      uid: step.uid,
      client: await options.askingClient(clientId, redirectUri),
      isLoopback: isLoopbackRedirect(redirectUri),
      ...who,
      idp: idpName(idp ?? who.person),
      asked: [
        ...[...resources].map(([resource, scopes]) => ({
          resource: options.resourceName(resource),
          scopes: named(scopes),
        })),
        ...(own.length === 0 ? [] : [{ scopes: named(own) }]),
      ],
    })
    return reply.headers(pageHeaders).send(text)
  })

  app.post(`${base}/:uid/consent`, async (request, reply) => {
    const step = await stepOf(request, reply, stage)
    const who = step.prompt.name === 'consent' ? await signedIn(step, stage) : undefined
    const decision = (request.body as URLSearchParams).getAll('decision').join(' ')
    if (who === undefined || !['allow', 'deny'].includes(decision))
      throw new PageError(400, 'This is no answer', 'Go back, and choose to allow or to deny.')
    const granted = decision === 'allow'
    const { clientId } = requestOf(step)
    const { own, resources } = await askedIn(step)
    const places = [...resources.keys()]
    const [only, ...more] = places
    // The audit first: when it cannot keep the event, nothing was granted.
    await options.recordConsent({
      granted,
      correlationId: correlationIdOf(request),
      client: clientId,
      ...who,
      scope: [...new Set([...own, ...[...resources.values()].flat()])].join(' '),
      resource: only !== undefined && more.length === 0 ? only : places,
    })
    if (!granted) {
      const denied = { error: 'access_denied', error_description: 'the person denied the request' }
      return await goOn(request, reply, denied)
    }
    const grant = await grantOf(step, who.account)
    const { missingOIDCScope, missingResourceScopes } = missingIn(step)
    if (missingOIDCScope.length > 0) grant.addOIDCScope(missingOIDCScope)
    for (const [resource, scopes] of Object.entries(missingResourceScopes)) grant.addResourceScope(resource, scopes)
    const grantId = await grant.save()
    await options.keepSignIn(grantId, who.person)
    return await goOn(request, reply, { consent: { grantId } })
  })

  const goOn = async (request: FastifyRequest, reply: FastifyReply, result: Parameters<typeof endStep>[3]) =>
    leadOn(reply, stage, await endStep(request, reply, stage, result), 'the application')

  const grantOf = async (step: Step, accountId: string) => {
    const known = step.grantId === undefined ? undefined : await provider.Grant.find(step.grantId)
    return known ?? new provider.Grant({ clientId: requestOf(step).clientId, accountId })
  }

  /** All that is asked for, also what is granted already: by resource, and what belongs to none. */
  const askedIn = async (step: Step): Promise<{ own: string[]; resources: Map<string, string[]> }> => {
    const { missingOIDCScope: own, missingResourceScopes: missing } = missingIn(step)
    const grant = step.grantId === undefined ? undefined : await provider.Grant.find(step.grantId)
    const { scopes } = requestOf(step)
    const listed = (scope: string) => scope.split(' ').filter((one) => one !== '')
    const resources = new Map<string, string[]>()
    for (const resource of new Set([...Object.keys(grant?.resources ?? {}), ...Object.keys(missing)])) {
      const granted = listed(grant?.getResourceScopeFiltered(resource, scopes) ?? '')
      const asked = [...new Set([...granted, ...(missing[resource] ?? [])])]
      if (asked.length > 0) resources.set(resource, asked)
    }
    return { own: [...new Set([...listed(grant?.getOIDCScopeFiltered(scopes) ?? ''), ...own])], resources }
  }
}

function missingIn({ prompt }: Step): z.infer<typeof Missing> {
  return Missing.parse(prompt.details)
}
