/** Authorization details at the resource authorization server: by its own types and policy, into the token, introspection and the guard. */

import { beforeEach, describe, expect, it } from 'vitest'
import { drive, mcp, search } from '../fixture/addresses.ts'
import { detailTypes } from '../fixture/authorization-details.ts'
import { type Enterprise, enterprise, redeem } from '../fixture/enterprise.ts'
import { expectRedemptionRefused, type Refusal } from '../fixture/refusal.ts'
import { claimsOf } from '../fixture/tokens.ts'

const refusal = (description?: RegExp): Refusal => ({
  error: 'invalid_authorization_details',
  reason: 'details_invalid',
  ...(description === undefined ? {} : { description }),
})
const read = { type: 'channel', actions: ['read'] }
const pay = { type: 'payment', payee: 'x' }
const asking = (details: unknown) => ({ authorization_details: JSON.stringify(details) })

let world: Enterprise
beforeEach(async () => {
  world = await enterprise({
    detailTypes: detailTypes(),
    resources: [
      { resource: mcp, scopes: ['chat.read', 'chat.write'], detailTypes: ['channel'] },
      { resource: search, scopes: ['chat.read', 'search.read'], detailTypes: ['channel', 'payment'] },
      { resource: drive, scopes: ['chat.read'] },
    ],
  })
  give([{ type: 'channel', actions: ['read', 'write'] }, { type: 'payment' }])
})

function give(details: { type: string; [member: string]: unknown }[] | undefined): void {
  world.chat.policies.set(world.chat.clients.basic.id, {
    scopes: ['chat.read', 'chat.write'],
    resources: [mcp, search, drive],
    ...(details === undefined ? {} : { details }),
  })
}

describe('what is granted', () => {
  it.each<[string, { [claim: string]: unknown }, { [name: string]: string }, object]>([
    [
      'the claim, as far as the client may have it',
      { authorization_details: [{ ...read, actions: ['read', 'delete'] }] },
      {},
      { resource: mcp, authorization_details: [read] },
    ],
    [
      '[D-12] [RA-03] of the claim, what the request asks',
      { authorization_details: [{ ...read, actions: ['read', 'write'] }] },
      asking([read]),
      { resource: mcp, authorization_details: [read] },
    ],
    [
      'only the objects the client may have',
      { authorization_details: [{ ...read, actions: ['delete'] }, read] },
      {},
      { authorization_details: [read] },
    ],
    [
      'locations among the resources of the token',
      { authorization_details: [{ ...read, locations: [mcp, search] }] },
      {},
      { resource: mcp, authorization_details: [{ ...read, locations: [mcp] }] },
    ],
    [
      '[RAS-15] a token for those resources that know the type',
      { resource: [mcp, search, drive], authorization_details: [read] },
      {},
      { resource: [mcp, search], authorization_details: [read] },
    ],
    [
      '[RAS-15] a token for the one resource that knows all types',
      { resource: [mcp, search], authorization_details: [read, pay] },
      {},
      { resource: search, authorization_details: [read, pay] },
    ],
  ])('[RAS-14] [RAS-16] [JAG-12] %s', async (_, claims, form, granted) => {
    const answer = await redeem(world, { claims, form })
    expect(answer.json()).toMatchObject({ scope: 'chat.read', ...granted })
    const { authorization_details } = granted as { authorization_details?: unknown }
    expect(claimsOf(answer.json().access_token)).toMatchObject({ scope: 'chat.read', authorization_details })
    expect(world.audit.at(-1)).toMatchObject({ outcome: 'granted', detailTypes: expect.arrayContaining(['channel']) })
    expect(JSON.stringify(world.audit)).not.toContain('actions')
  })

  it('[RAS-15] no scope where the ID-JAG has details and no scope', async () => {
    const claims = { scope: undefined, authorization_details: [read] }
    const answer = await redeem(world, { claims })
    expect(answer.json()).toMatchObject({ authorization_details: [read] })
    expect(answer.json()).not.toHaveProperty('scope')
    expect(claimsOf(answer.json().access_token)).not.toHaveProperty('scope')
    const asked = { claims, form: { scope: 'chat.read' } }
    await expectRedemptionRefused(world, asked, { error: 'invalid_scope', reason: 'scope_denied' })
  })

  it('reaches the API: the guard gives them to it', async () => {
    const answer = await redeem(world, { claims: { authorization_details: [read] } })
    const headers = { authorization: `Bearer ${answer.json().access_token}` }
    const principal = await world.chat.api.inject({ url: '/mcp', headers })
    expect(principal.json()).toMatchObject({ scopes: ['chat.read'], authorizationDetails: [read] })
    const bare = { authorization: `Bearer ${(await redeem(world)).json().access_token}` }
    expect((await world.chat.api.inject({ url: '/mcp', headers: bare })).json()).not.toHaveProperty(
      'authorizationDetails',
    )
  })
})

describe('refused is', () => {
  it.each<[string, object[], RegExp]>([
    ['no object at all', [], /^assertion: authorization_details must hold 1 to 16/],
    ['17 objects', Array.from({ length: 17 }, () => read), /1 to 16 objects/],
    ['an unknown type', [read, { type: 'other' }], /\[1\] has a type that is not known here/],
    ['a type of every object', [{ type: 'toString' }], /not known here/],
    ['an unknown member', [{ ...read, admin: true }], /must NOT have additional properties/],
    ['an unknown action', [{ ...read, actions: ['admin'] }], /must be equal to one of/],
    ['a location of nobody here', [{ ...read, locations: ['https://other.example'] }], /does not govern/],
    ['a location outside of the token', [{ ...read, locations: [search] }], /nothing that can be granted/],
    ['what the client may not have', [{ ...read, actions: ['delete'] }], /nothing that can be granted/],
    ['a type that means nothing at the resource', [pay], /nothing that can be granted/],
  ])('[RAS-14] [RA-02] in the claim: %s', async (_, details, description) => {
    await expectRedemptionRefused(world, { claims: { authorization_details: details } }, refusal(description))
    expect((await redeem(world, { claims: { authorization_details: [read] } })).statusCode).toBe(200)
  })

  it.each<[string, string, RegExp]>([
    ['no JSON', 'x', /is not JSON/],
    ['an unknown type', '[{"type":"other"}]', /not known here/],
    ['more than the claim', '[{"type":"channel","actions":["write"]}]', /nothing that can be granted/],
  ])('[RA-03] in the request: %s', async (_, authorization_details, description) => {
    const claims = { authorization_details: [read] }
    await expectRedemptionRefused(world, { claims, form: { authorization_details } }, refusal(description))
  })

  it('[RA-03] a request with details where the ID-JAG has none', async () => {
    await expectRedemptionRefused(world, { form: asking([read]) }, refusal(/more than the assertion gives/))
  })

  it('[RAS-15] types that no single resource knows', async () => {
    world = await enterprise({
      detailTypes: detailTypes(),
      resources: [
        { resource: mcp, scopes: ['chat.read'], detailTypes: ['channel'] },
        { resource: search, scopes: ['chat.read'], detailTypes: ['payment'] },
      ],
    })
    give([{ type: 'channel', actions: ['read'] }, { type: 'payment' }])
    const claims = { resource: [mcp, search], authorization_details: [read, pay] }
    await expectRedemptionRefused(world, { claims }, refusal(/name one resource/))
    expect((await redeem(world, { claims, form: { resource: search } })).json()).toMatchObject({
      authorization_details: [pay],
    })
  })

  it('[RAS-14] every detail for a client without any, and at a server without types', async () => {
    give(undefined)
    await expectRedemptionRefused(world, { claims: { authorization_details: [read] } }, refusal(/nothing that can/))
    world = await enterprise()
    await expectRedemptionRefused(world, { claims: { authorization_details: [read] } }, refusal(/not supported here/))
    await expectRedemptionRefused(world, { form: asking([read]) }, refusal(/not supported here/))
  })

  it('[TEN-03] details on the word of an issuer that is kept to certain scopes', async () => {
    const entry = [...world.chat.trusted.values()][0]
    if (entry === undefined) throw new Error('no issuer')
    entry.scopes = ['chat.read']
    await expectRedemptionRefused(world, { claims: { authorization_details: [read] } }, refusal(/nothing that can/))
  })
})
