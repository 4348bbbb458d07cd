/** Person, client and actor of an ID-JAG: three parties, each in a claim of its own, and none stands in for another. */

import { beforeEach, expect, it } from 'vitest'
import { jwtAccessTokens } from '../../src/resource-as/issue.ts'
import { chat } from '../fixture/addresses.ts'
import { basic } from '../fixture/clients.ts'
import { type Enterprise, enterprise, redeem, redemptionCall } from '../fixture/enterprise.ts'
import { expectRedemptionRefused } from '../fixture/refusal.ts'
import { claimsOf } from '../fixture/tokens.ts'

let world: Enterprise
beforeEach(async () => {
  const { keys } = (await enterprise()).chat
  world = await enterprise({
    issue: jwtAccessTokens({ issuer: chat, signingKeys: keys, lifetime: 60, copyActor: true }),
  })
})

it('[FL-SUBJ-01] [JAG-13] the access token has the account, the client and the actor apart', async () => {
  const act = { sub: 'bob', client_id: world.chat.clients.any.id }
  const { access_token } = (await redeem(world, { claims: { act } })).json()
  expect(claimsOf(access_token)).toMatchObject({ sub: 'u-alice', client_id: world.chat.clients.basic.id, act })
})

it('[SEC-07] the actor authenticates nobody: neither with its name nor with its credential', async () => {
  const { any, basic: wiki } = world.chat.clients
  const claims = { act: { sub: any.id, client_id: any.id } }
  await expectRedemptionRefused(
    world,
    { claims, as: {}, headers: { authorization: undefined } },
    { error: 'invalid_client', reason: 'client_unauthenticated' },
  )
  await expectRedemptionRefused(
    world,
    { claims, as: basic(any) },
    { error: 'invalid_grant', reason: 'client_mismatch' },
  )
  const { assertion } = redemptionCall(world, { claims }).form
  expect((await redeem(world, { form: { assertion }, as: basic(wiki) })).statusCode).toBe(200)
})
