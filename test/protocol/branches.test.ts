/** The switches of the branches that change what both token endpoints answer: each on as usual, and off. */

import { beforeEach, describe, expect, it } from 'vitest'
import { type Branch, usualBranches } from '../../src/protocol/branches.ts'
import { drive, mcp, search } from '../fixture/addresses.ts'
import { type Attempt, type Enterprise, enterprise, exchange, redeem } from '../fixture/enterprise.ts'
import { expectExchangeRefused, expectRedemptionRefused } from '../fixture/refusal.ts'
import { claimsOf } from '../fixture/tokens.ts'

let world: Enterprise
beforeEach(async () => {
  world = await enterprise()
})

const switchOff = (branch: Branch) => {
  world.idp.provider.branches = { ...usualBranches, [branch]: false }
  world.chat.server.branches = { ...usualBranches, [branch]: false }
}
/** The connection of the one who asks, with both resources of the chat. */
const connect = (resources: string[]) => {
  for (const connection of world.idp.connections) connection.resources = resources
}

describe('resource-iss-validation', () => {
  it.each<[string, string[], Attempt, unknown]>([
    ['one resource as a string', [mcp], {}, mcp],
    ['several as an array', [mcp, search], { form: { resource: [mcp, search] } }, [mcp, search]],
    ['each once, however often it was asked for', [mcp], { form: { resource: [mcp, mcp] } }, mcp],
    ['no resource by no member', [], { form: { resource: undefined } }, undefined],
  ])('[FL-ISS-03] says of an ID-JAG in the answer of the exchange %s', async (_, resources, attempt, said) => {
    connect(resources)
    const answer = (await exchange(world, attempt)).json()
    expect(answer.access_token).toEqual(expect.any(String))
    expect([answer.resource, claimsOf(answer.access_token).resource]).toEqual([said, said])
  })

  it('[FL-ISS-03] [FL-ISS-06] switched off, no answer has the member, and the tokens are for the same resources', async () => {
    switchOff('resource-iss-validation')
    const { access_token: idJag, ...answer } = (await exchange(world)).json()
    expect(answer).not.toHaveProperty('resource')
    expect(claimsOf(idJag).resource).toBe(mcp)
    const { access_token: token, ...redeemed } = (await redeem(world, { token: idJag })).json()
    expect(redeemed).not.toHaveProperty('resource')
    expect(claimsOf(token).aud).toBe(mcp)
  })

  it('[FL-ISS-05] [D-11] a foreign resource in the claim spoils the ID-JAG; switched off, it is the target that is wrong', async () => {
    const foreign = { claims: { resource: [mcp, drive] } }
    await expectRedemptionRefused(world, foreign, { error: 'invalid_grant', reason: 'resource_denied' })
    switchOff('resource-iss-validation')
    await expectRedemptionRefused(world, foreign, { error: 'invalid_target', reason: 'resource_denied' })
  })
})

describe('access_denied_error', () => {
  it('[FL-DEN-01] [D-02] tells at the identity provider who is not allowed from a bad token; switched off, it does not', async () => {
    const refused = { reason: 'policy_denied', description: /^policy does not allow/ } as const
    const attempt = { claims: { sub: 'bob' } }
    for (const connection of world.idp.connections) connection.who = { users: ['alice'], groups: [] }
    await expectExchangeRefused(world, attempt, { error: 'access_denied', ...refused })
    switchOff('access_denied_error')
    await expectExchangeRefused(world, attempt, { error: 'invalid_grant', ...refused })
  })

  it('[FL-DEN-01] [D-02] does the same at the authorization server', async () => {
    const gone = { claims: { sub: 'gone' } }
    await expectRedemptionRefused(world, gone, { error: 'access_denied', reason: 'subject_disabled' })
    switchOff('access_denied_error')
    await expectRedemptionRefused(world, gone, { error: 'invalid_grant', reason: 'subject_disabled' })
  })

  it('[FL-DEN-01] tells no more of a block than before when it is switched off', async () => {
    world.chat.server.blocks = { inForce: () => [{ user: 'alice' }], lifted: () => [] }
    const blocked = async () => [(await redeem(world)).json().error, world.audit.at(-1)?.reason]
    expect(await blocked()).toEqual(['access_denied', 'blocked'])
    switchOff('access_denied_error')
    expect(await blocked()).toEqual(['invalid_grant', 'blocked'])
  })

  it('switched off, every other refusal keeps its code', async () => {
    switchOff('access_denied_error')
    await expectExchangeRefused(world, { form: { scope: 'admin' } }, { error: 'invalid_scope', reason: 'scope_denied' })
    world.broken.store = new Error('no store')
    expect((await redeem(world)).statusCode).toBe(503)
  })
})
