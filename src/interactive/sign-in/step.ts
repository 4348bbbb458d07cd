/** One step of an authorization request at which a person is asked something, tied to the browser that began it. */

import type { FastifyReply, FastifyRequest } from 'fastify'
import type { InteractionResults, Provider } from 'oidc-provider'
import * as z from 'zod'
import type { PageOptions, SignedInPerson } from './contract.ts'
import { onwardPage, pageHeaders } from './page.ts'

/** A step as oidc-provider keeps it. */
export type Step = Awaited<ReturnType<Provider['interactionDetails']>>

/** What all routes here work with. */
export interface Stage {
  provider: Provider
  options: PageOptions
  frame: { path: string; server: string }
}

/** The way ends on a page of these words. With `again`, the step can be tried anew or given up. */
export class PageError extends Error {
  override readonly name = 'PageError'
  readonly status: number
  readonly title: string
  readonly again: { uid: string; anew: boolean } | undefined

  constructor(status: number, title: string, text: string, again?: { uid: string; anew: boolean }) {
    super(text)
    this.status = status
    this.title = title
    this.again = again
  }
}

/** The step that the address names and the browser's cookie holds. Throws {@link PageError}. */
export async function stepOf(request: FastifyRequest, reply: FastifyReply, { provider }: Stage): Promise<Step> {
  const { uid } = request.params as { uid: string }
  try {
    const step = await provider.interactionDetails(request.raw, reply.raw)
    if (step.uid === uid) return step
  } catch (cause) {
    // No cookie, or that of a step that has ended.
    if (!(cause instanceof Error && cause.name === 'SessionNotFound')) throw cause
  }
  throw new PageError(
    400,
    'This sign-in is not open here',
    'It has ended, took too long, or was begun in another browser. Start again at the application.',
  )
}

/** The parameters of the authorization request behind the step, which the provider has checked. */
export function requestOf({ params }: Step): { clientId: string; redirectUri: string; scopes: string[] } {
  const { client_id, redirect_uri, scope } = params as { [name: string]: string | undefined }
  return {
    clientId: client_id ?? '',
    redirectUri: redirect_uri ?? '',
    scopes: (scope ?? '').split(' ').filter((one) => one !== ''),
  }
}

const Person = z.object({
  issuer: z.string(),
  sub: z.string(),
  email: z.string().exactOptional(),
  emailVerified: z.boolean(),
  authTime: z.number().exactOptional(),
  acr: z.string().exactOptional(),
  amr: z.array(z.string()).exactOptional(),
})

/** Who the browser's session belongs to. Undefined: nobody, or nobody knows any more. */
export async function signedIn(
  { session, lastSubmission }: Step,
  { options }: Stage,
): Promise<{ account: string; person: SignedInPerson } | undefined> {
  if (session === undefined) return undefined
  const { accountId: account, uid } = session
  const known = await options.signInOf(uid)
  // The sign-in of this very request, of which the session was not known yet.
  const fresh = lastSubmission?.login?.accountId === account ? Person.safeParse(lastSubmission.person).data : undefined
  if (fresh !== undefined) await options.keepSignIn(uid, fresh)
  const person = fresh ?? known
  return person === undefined ? undefined : { account, person }
}

/** Ends the step, and gives the address at which the provider goes on. */
export async function endStep(
  request: FastifyRequest,
  reply: FastifyReply,
  { provider }: Stage,
  result: InteractionResults,
): Promise<string> {
  return await provider.interactionResult(request.raw, reply.raw, result)
}

/** Answers a form: a page that leads on to `address`. */
export function leadOn(reply: FastifyReply, { frame }: Stage, address: string, where: string): FastifyReply {
  return reply.headers(pageHeaders).send(onwardPage(frame, address, where))
}
