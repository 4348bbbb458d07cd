/** Why nobody was let in: a page for the person, a line in the audit, and word to the operator where it is for them to mend. */

import type { FastifyRequest } from 'fastify'
import { correlationIdOf } from '../../http/oauth-scope.ts'
import { refusal } from '../../protocol/audit.ts'
import { OAuthError } from '../../protocol/errors.ts'
import type { SignedInPerson, SignInIssuer } from './contract.ts'
import { idpName } from './idp-choice.ts'
import { SignInError } from './sign-in-error.ts'
import { PageError, requestOf, type Stage, type Step } from './step.ts'
import { strangersText } from './strangers-text.ts'

/** The two places at which somebody may be refused. Both throw {@link PageError} where they are, after the audit has kept it. */
export interface SignInRefusals {
  /** What the attempt gives, unless it throws {@link SignInError}. */
  signedInOrRefused<T>(request: FastifyRequest, step: Step, idp: SignInIssuer, attempt: () => Promise<T>): Promise<T>
  /** The account of the person, unless there is none for them. */
  accountOrRefused(request: FastifyRequest, step: Step, idp: SignInIssuer, person: SignedInPerson): Promise<string>
}

/** The refusals of one server. */
export function signInRefusals({ options, frame }: Stage): SignInRefusals {
  const { ports, report, issuer } = options

  const record = async (request: FastifyRequest, step: Step, idp: SignInIssuer, error: OAuthError, subject?: string) =>
    await ports.record({
      at: ports.now(),
      role: 'resource-as',
      server: issuer,
      action: 'consent',
      ...refusal(error),
      correlationId: correlationIdOf(request),
      client: requestOf(step).clientId,
      issuer: idp.issuer,
      ...(subject === undefined ? {} : { subject }),
    })

  return {
    async signedInOrRefused(request, step, idp, attempt) {
      try {
        return await attempt()
      } catch (error) {
        if (!(error instanceof SignInError)) throw error
        const detail = { reason: 'sign_in_failed', detail: error.message } as const
        await record(request, step, idp, new OAuthError('access_denied', 'nobody was signed in', detail))
        const again = { uid: step.uid, anew: false }
        const name = idpName(idp)
        if (error.trouble === 'refused')
          throw new PageError(403, 'You were not signed in', `${name} did not sign you in.`, again)
        report(error, correlationIdOf(request))
        if (error.trouble === 'unreachable')
          throw new PageError(
            503,
            `${name} cannot be reached`,
            'Its sign-in does not answer now. Try again soon.',
            again,
          )
        throw new PageError(400, 'You were not signed in', `The answer of ${name} could not be used.`, again)
      }
    },

    async accountOrRefused(request, step, idp, person) {
      try {
        return await options.accountOf(person)
      } catch (error) {
        if (!(error instanceof OAuthError)) throw error
        await record(request, step, idp, error, person.sub)
        if (error.status >= 500) throw error
        const email = strangersText(person.email, 254)
        const who = `at ${idpName(idp)}${email === undefined ? '' : ` as ${email}`}`
        throw new PageError(
          403,
          'There is no account for you here',
          `You are signed in ${who}, and ${frame.server} has no account that you may use. Ask the people who run it, and tell them this: ${correlationIdOf(request)}.`,
          { uid: step.uid, anew: true },
        )
      }
    },
  }
}
