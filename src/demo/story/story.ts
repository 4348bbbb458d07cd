/** The story without a browser: one person signs in, the agent reaches the chat, three things are refused, one needs a better sign-in, and another application asks. */

import { walkSignIn } from '../../testing/headless-sign-in.ts'
import type { Cast } from '../agent/cast.ts'
import { runErrand } from '../agent/errands.ts'
import type { Observed } from '../agent/observed.ts'
import { idJagOf, redeemAt, withoutConnection } from '../agent/refusals.ts'
import { type Person, relyingParty } from '../agent/relying-party.ts'
import { betterSignIn } from './better-sign-in.ts'
import type { Scene } from './scene.ts'
import { sevenSteps } from './seven-steps.ts'
import { threeRefusals } from './three-refusals.ts'
import { callerOf, letIn, withoutCrossAppAccess } from './without.ts'

/**
 * Plays the whole story over real HTTP and judges every scene; the connection it removes is back at the end. Rejects only where a
 * server does not answer at all, or the sign-in itself fails: a refusal that should not be is a scene that is not `ok`.
 */
export async function playStory(cast: Cast): Promise<Scene[]> {
  const provider = relyingParty(cast)
  const { address, pending } = await provider.begin()
  const person = await provider.finish(await walkSignIn(address, 'alice'), pending)

  const read = await runErrand('read', '', person, cast)
  const text = `The quarterly numbers are in. (${person.nonce.slice(0, 6)})`
  const posted = await runErrand('post-by-mcp', text, person, cast)
  const readAgain = await runErrand('read', '', person, cast)

  const idJag = idJagOf(read.observed)
  const elsewhere = idJag === undefined ? undefined : await redeemAt(cast.files, idJag)
  const twice = idJag === undefined ? undefined : await redeemAt(cast.chat, idJag)
  const financeText = `The closing is on Friday. (${person.nonce.slice(0, 6)})`
  let confirmed: Person | undefined
  const toFinance = await runErrand('post-to-finance', financeText, person, cast, async (demanded) => {
    const again = await provider.begin(demanded)
    confirmed = await provider.finish(await walkSignIn(again.address, 'alice'), again.pending)
    return confirmed
  })
  const { magpie, consent, caller } = await letIn(cast)
  const { stopped, afterRemoval } = await withoutConnection(cast, async () => ({
    stopped: await runErrand('read', '', person, cast),
    afterRemoval: await callerOf(magpie),
  }))
  const removed: Observed | undefined = stopped.observed.find(({ name }) => name === 'exchange')

  return [
    ...sevenSteps({ person, read, posted, text, readAgain }, cast),
    ...threeRefusals({ elsewhere, twice, removed }, cast),
    betterSignIn({ posted: toFinance, text: financeText, confirmed }, cast),
    ...withoutCrossAppAccess({ observed: magpie.observed, consent, caller, afterRemoval }, cast),
  ]
}
