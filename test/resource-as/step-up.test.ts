/** A better sign-in demanded by the resource authorization server: of a resource, or of a client. */

import { beforeEach, expect, it } from 'vitest'
import { mcp, search } from '../fixture/addresses.ts'
import { type Enterprise, enterprise, redeem } from '../fixture/enterprise.ts'
import { expectRedemptionRefused } from '../fixture/refusal.ts'

const resources = [
  { resource: mcp, scopes: ['chat.read', 'chat.write'], signIn: { acr: ['mfa', 'hwk'], maxAge: 600 } },
  { resource: search, scopes: ['chat.read'] },
]
let world: Enterprise
beforeEach(async () => {
  world = await enterprise({ resources })
})
const refusal = (parameters: Record<string, string | number>) =>
  ({ error: 'insufficient_user_authentication', reason: 'step_up', parameters }) as const

it('[D-22] [SU-03] a resource that demands a sign-in refuses a weaker one, says which it wants, and spends nothing', async () => {
  const { now } = world.clock
  const good = { acr: 'hwk', auth_time: now - 630 }
  for (const claims of [{}, { ...good, acr: 'pwd' }, { acr: 'hwk' }, { ...good, auth_time: now - 631 }])
    await expectRedemptionRefused(world, { claims }, refusal({ acr_values: 'mfa hwk', max_age: 600 }), { claims: good })
  expect(world.audit.at(-1)).toMatchObject({ outcome: 'granted' })
})

it('[D-22] a resource beside it that demands none is given', async () => {
  expect((await redeem(world, { claims: { resource: search } })).statusCode).toBe(200)
  expect((await redeem(world, { claims: { resource: [mcp, search] } })).json()).toMatchObject({ max_age: 600 })
})

it('[D-22] what a client’s entry demands holds for every resource, together with what the resource does', async () => {
  const { id } = world.chat.clients.basic
  const policy = world.chat.policies.get(id)
  if (policy === undefined) throw new Error('the fixture has policies')
  world.chat.policies.set(id, { ...policy, signIn: { acr: ['hwk'], maxAge: 30 } })
  const claims = { acr: 'mfa', auth_time: world.clock.now }
  const good = { ...claims, acr: 'hwk' }
  const wanted = refusal({ acr_values: 'hwk', max_age: 30 })
  await expectRedemptionRefused(world, { claims }, wanted, { claims: good })
  await expectRedemptionRefused(world, { claims: { ...claims, resource: search } }, wanted, { claims: good })
})
