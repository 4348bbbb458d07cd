/** Which actors an issuer may name here. */

import { beforeEach, expect, it } from 'vitest'
import { acme } from '../fixture/addresses.ts'
import { type Enterprise, enterprise, redeem } from '../fixture/enterprise.ts'
import { expectRedemptionRefused } from '../fixture/refusal.ts'

let world: Enterprise
beforeEach(async () => {
  world = await enterprise()
})
const allow = (actors: string[] | undefined) => {
  const trusted = world.chat.trusted.get(acme)
  if (trusted === undefined) throw new Error('the fixture trusts Acme')
  world.chat.trusted.set(acme, { ...trusted, actors })
}
const unauthorized = { error: 'actor_unauthorized', reason: 'policy_denied' } as const
const finch = { act: { sub: 'finch', act: { sub: 'magpie' } } }

it('[JAG-13] any actor is allowed where nothing is said of them, and the audit names all of them', async () => {
  expect((await redeem(world, { claims: finch })).statusCode).toBe(200)
  expect(world.audit.at(-1)?.act).toEqual(finch.act)
})

it('[JAG-13] those of a list alone are, by the one that acts now', async () => {
  allow(['finch'])
  expect((await redeem(world, { claims: finch })).statusCode).toBe(200)
  for (const act of [{ sub: 'magpie', act: { sub: 'finch' } }, { client_id: 'finch' }])
    await expectRedemptionRefused(world, { claims: { act } }, unauthorized)
})

it('[JAG-13] none is where the list is empty, and a client that acts for itself is', async () => {
  allow([])
  await expectRedemptionRefused(world, { claims: finch }, unauthorized)
})

it('[JAG-13] actors nested deeper than four are refused', async () => {
  const act = { sub: 'a', act: { sub: 'b', act: { sub: 'c', act: { sub: 'd', act: { sub: 'e' } } } } }
  await expectRedemptionRefused(
    world,
    { claims: { act } },
    { error: 'invalid_grant', reason: 'malformed', description: "assertion: unexpected 'act' claim value" },
  )
})
