/** The scene in which the chat wants a better sign-in: demanded by the API, given at the identity provider, and used by the agent. */

import { readJwt } from '../../protocol/jwt.ts'
import { confirmedAcr } from '../../testing/sign-in/provider.ts'
import { agentName, type Cast, companies } from '../agent/cast.ts'
import type { Errand } from '../agent/errands.ts'
import type { Person } from '../agent/relying-party.ts'
import { answered, type Scene, sceneOf } from './scene.ts'

/** What happened. */
export interface BetterSignInFootage {
  posted: Errand
  text: string
  /** Alice after the second sign-in; undefined when nobody asked her. */
  confirmed: Person | undefined
}

/** The scene, judged. */
export function betterSignIn(
  { posted: { outcome, observed }, text, confirmed }: BetterSignInFootage,
  cast: Cast,
): Scene {
  const { identityProvider, chat } = companies
  const message = outcome.kind === 'posted' ? outcome.message : undefined
  const claims = confirmed === undefined ? {} : readJwt(confirmed.idToken).claims
  const refusedAt = observed.findIndex(
    ({ name, answer }) => name === 'call' && answer.headers['www-authenticate']?.includes('insufficient_user') === true,
  )
  const after = observed.slice(refusedAt + 1).map(({ name, answer }) => `${name} ${answer.status}`)
  return sceneOf({
    name: 'better-sign-in',
    title: 'Posting to #finance needs a better sign-in',
    says: `Alice’s access token is good, but for #finance ${chat.name} wants a confirmed, recent sign-in. She gives it at ${identityProvider.name}, and ${agentName} goes on by itself.`,
    observed: observed[refusedAt],
    cast,
    show: { words: true },
    promises: (seen) => {
      const challenge = answered(seen, 'WWW-Authenticate') ?? ''
      return [
        ['the answer is 401', seen.answer.status === 401],
        ['its challenge says which sign-in', challenge.includes(`acr_values="${confirmedAcr}", max_age="300"`)],
        ['the audit says refused, step_up', seen.audit?.outcome === 'refused' && seen.audit.reason === 'step_up'],
        ['the new ID Token is of that class', claims.acr === confirmedAcr],
        ['it got a new ID-JAG and a new access token', after.join(', ') === 'exchange 200, redemption 200, call 201'],
        ['the message stands in #finance', message?.channel === 'finance' && message.text === text],
      ]
    },
    facts: [
      ['acr of the new ID Token', String(claims.acr ?? '')],
      ['afterwards', after.join(', ')],
      ['#finance', message === undefined ? '' : `${message.author}: ${message.text}`],
    ],
  })
}
