/** The three refusals: each with its error on the wire, and the reason that only the operator reads. */

import type { Reason } from '../../protocol/reasons.ts'
import { agentName, type Cast, companies, employer } from '../agent/cast.ts'
import type { Observed } from '../agent/observed.ts'
import { answered, type Scene, sceneOf } from './scene.ts'

/** The three requests that must be refused; undefined for one that never happened. */
export interface RefusalFootage {
  elsewhere: Observed | undefined
  twice: Observed | undefined
  removed: Observed | undefined
}

/** The scenes, in order. */
export function threeRefusals({ elsewhere, twice, removed }: RefusalFootage, cast: Cast): Scene[] {
  const { identityProvider, chat, files } = companies
  const refusal = (
    name: string,
    title: string,
    says: string,
    observed: Observed | undefined,
    error: string,
    reason: Reason,
  ) =>
    sceneOf({
      name,
      title,
      says,
      observed,
      cast,
      show: { words: true },
      promises: (seen) => [
        ['the answer is 400', seen.answer.status === 400],
        [`error is ${error}`, answered(seen, 'error') === error],
        [`the audit says refused, ${reason}`, seen.audit?.outcome === 'refused' && seen.audit.reason === reason],
      ],
    })
  return [
    refusal(
      'another-server',
      'The same ID-JAG at another company',
      `${files.name} trusts ${identityProvider.name} too. The signature is good, but the letter is not for it.`,
      elsewhere,
      'invalid_grant',
      'aud_mismatch',
    ),
    refusal(
      'redeemed-twice',
      'The same ID-JAG, twice',
      `Somebody copied it on its way. ${chat.name} has seen it before.`,
      twice,
      'invalid_grant',
      'replay',
    ),
    refusal(
      'connection-removed',
      'After the administrator removed the connection',
      `${employer} no longer wants ${agentName} in its chat. ${identityProvider.name} gives out nothing more.`,
      removed,
      'invalid_target',
      'target_unknown',
    ),
  ]
}
