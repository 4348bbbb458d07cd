/** What a redemption grants: the request, its scopes, its resources, this server's own policy, and the answer. */

import { beforeEach, describe, expect, it } from 'vitest'
import { grantType } from '../../src/protocol/names.ts'
import { acme, drive, mcp, search } from '../fixture/addresses.ts'
import { type Attempt, type Enterprise, enterprise, redeem } from '../fixture/enterprise.ts'
import { expectRedemptionRefused, type Refusal } from '../fixture/refusal.ts'
import { claimsOf } from '../fixture/tokens.ts'

let world: Enterprise
beforeEach(async () => {
  world = await enterprise()
})

const wide = { scope: 'chat.read chat.write search.read admin', resource: [mcp, search] }
const setPolicy = (scopes: string[], resources: string[]) =>
  world.chat.policies.set(world.chat.clients.basic.id, { scopes, resources })

describe('the request', () => {
  it.each<[string, Attempt, Refusal]>([
    [
      '[RAS-02] no assertion',
      { form: { assertion: undefined } },
      { error: 'invalid_request', reason: 'missing_parameter' },
    ],
    [
      '[ATK-093] an empty assertion',
      { form: { assertion: '' } },
      { error: 'invalid_request', reason: 'missing_parameter' },
    ],
    [
      '[RAS-02] two assertions',
      { form: { assertion: ['a', 'b'] } },
      { error: 'invalid_request', reason: 'repeated_parameter' },
    ],
    ['no grant_type', { form: { grant_type: undefined } }, { error: 'invalid_request', reason: 'missing_parameter' }],
    [
      '[RAS-01] [T35] the grant of the other server',
      { form: { grant_type: grantType.tokenExchange } },
      { error: 'unsupported_grant_type', reason: 'grant_not_enabled', description: `must be ${grantType.jwtBearer}` },
    ],
    [
      'a grant_type of every object',
      { form: { grant_type: 'toString' } },
      { error: 'unsupported_grant_type', reason: 'grant_not_enabled' },
    ],
    [
      '[ATK-048] a resource outside the claim',
      { form: { resource: search } },
      { error: 'invalid_target', reason: 'resource_denied' },
    ],
    [
      '[D-11] a resource of another server',
      { form: { resource: drive } },
      { error: 'invalid_target', reason: 'resource_denied' },
    ],
    [
      'a resource with a fragment',
      { form: { resource: `${mcp}#x` } },
      { error: 'invalid_target', reason: 'resource_denied' },
    ],
    [
      '[D-12] a scope outside the claim',
      { form: { scope: 'chat.write' } },
      { error: 'invalid_scope', reason: 'scope_denied' },
    ],
    ['a scope with a quote', { form: { scope: 'a"b' } }, { error: 'invalid_scope', reason: 'scope_denied' }],
    [
      '[POP-06] [ATK-083] a broken DPoP proof',
      { headers: { dpop: 'eyJ' } },
      { error: 'invalid_dpop_proof', reason: 'pop_malformed' },
    ],
  ])('%s is refused', async (_, attempt, refusal) => {
    await expectRedemptionRefused(world, attempt, refusal)
  })

  it.each<[string, Attempt]>([
    ['[ATK-093] empty scope and resource', { form: { scope: '', resource: '' } }],
    ['unknown parameters', { form: { audience: 'x', 'custom[]': 'y' } }],
    ['[OKTA-07] scope and resource as the claim has them', { form: { scope: 'chat.read', resource: mcp } }],
    ['[ATK-046] [JAG-13] act, which decides nothing', { claims: { act: { sub: 'admin', act: { sub: 'root' } } } }],
  ])('%s is granted', async (_, attempt) => {
    const answer = await redeem(world, attempt)
    expect(answer.statusCode).toBe(200)
    const claims = claimsOf(answer.json().access_token)
    expect(claims).toMatchObject({ sub: 'u-alice', scope: 'chat.read' })
    expect(claims).not.toHaveProperty('act')
  })
})

describe('what is granted', () => {
  it.each<[string, Attempt, { scope: string; resource: string | string[] }]>([
    [
      '[RAS-13] [ATK-047] of the claim, what the client may have',
      { claims: { scope: wide.scope } },
      { scope: 'chat.read chat.write', resource: mcp },
    ],
    [
      '[D-12] of the claim, what was asked',
      { claims: wide, form: { scope: 'search.read  other' } },
      { scope: 'search.read', resource: search },
    ],
    [
      '[RAS-12] [RAS-15] [EMA-04] of several resources of the claim, the one that has the scope',
      { claims: { ...wide, scope: 'chat.read' } },
      { scope: 'chat.read', resource: mcp },
    ],
    [
      '[D-12] the resource that was asked',
      { claims: wide, form: { resource: search } },
      { scope: 'search.read', resource: search },
    ],
    [
      '[D-12] all the client may have, without a scope claim',
      { claims: { scope: undefined } },
      { scope: 'chat.read chat.write', resource: mcp },
    ],
    [
      '[T17] [FL-ISS-05] without any resource, the one that has the scope',
      { claims: { scope: 'chat.read', resource: undefined } },
      { scope: 'chat.read', resource: mcp },
    ],
    [
      'a resource of the request, without a claim',
      { claims: { scope: undefined, resource: undefined }, form: { resource: mcp } },
      { scope: 'chat.read chat.write', resource: mcp },
    ],
  ])('%s', async (_, attempt, granted) => {
    const answer = await redeem(world, attempt)
    expect(answer.json()).toMatchObject({ ...granted, token_type: 'Bearer', expires_in: 600 })
    expect(claimsOf(answer.json().access_token)).toMatchObject({ scope: granted.scope, aud: granted.resource })
    expect(world.audit.at(-1)).toMatchObject({ outcome: 'granted', ...granted })
  })

  it.each<[string, Attempt, Refusal]>([
    [
      '[ATK-048] [FL-ISS-05] a foreign resource in the claim',
      { claims: { resource: drive } },
      { error: 'invalid_grant', reason: 'resource_denied' },
    ],
    [
      '[ATK-048] [FL-ISS-05] one foreign resource among others',
      { claims: { resource: [mcp, drive] } },
      { error: 'invalid_grant', reason: 'resource_denied' },
    ],
    [
      '[RAS-13] a scope claim of nothing known',
      { claims: { scope: 'admin' } },
      { error: 'invalid_scope', reason: 'scope_denied' },
    ],
    ['a scope claim of blanks', { claims: { scope: '  ' } }, { error: 'invalid_scope', reason: 'scope_denied' }],
    [
      'a scope of another resource',
      { claims: { scope: 'search.read' } },
      { error: 'invalid_scope', reason: 'scope_denied' },
    ],
    [
      '[BT-04] scopes of different resources for one token',
      { claims: wide },
      { error: 'invalid_scope', reason: 'scope_denied', description: /name one resource$/ },
    ],
    [
      '[BT-04] the same, where both resources are asked for',
      { claims: wide, form: { resource: [search, mcp] } },
      { error: 'invalid_scope', reason: 'scope_denied', description: /name one resource$/ },
    ],
    [
      'all of the client, without a resource and a scope, where no resource has all scopes',
      { claims: { scope: undefined, resource: undefined } },
      { error: 'invalid_scope', reason: 'scope_denied', description: /name one resource$/ },
    ],
    [
      '[RAS-14] authorization_details',
      { claims: { authorization_details: [{ type: 'x' }] } },
      { error: 'invalid_authorization_details', reason: 'details_invalid' },
    ],
  ])('nothing: %s', async (_, attempt, refusal) => {
    await expectRedemptionRefused(world, attempt, refusal)
  })

  it('[RAS-12] [BT-04] several resources get one token where each of them has every scope of it', async () => {
    const scopes = ['chat.read']
    world = await enterprise({ resources: [mcp, search].map((resource) => ({ resource, scopes })) })
    for (const form of [{}, { resource: [search, mcp] }]) {
      const answer = await redeem(world, { claims: { ...wide, scope: 'chat.read' }, form })
      expect(answer.json()).toMatchObject({ scope: 'chat.read' })
      expect([...answer.json().resource].sort()).toEqual([mcp, search].sort())
    }
  })

  it('the only resource of a server that has one need not be named', async () => {
    world = await enterprise({ resources: [{ resource: mcp, scopes: ['chat.read'] }] })
    const answer = await redeem(world, { claims: { resource: undefined } })
    expect(answer.json()).toMatchObject({ resource: mcp, scope: 'chat.read' })
  })

  it('[ATK-049] [RAS-10] [FL-DEN-01] nothing to a client without a policy, or one its issuer may not speak for', async () => {
    const { id } = world.chat.clients.basic
    const policy = world.chat.policies.get(id)
    const entry = world.chat.trusted.get(acme)
    if (policy === undefined || entry === undefined) throw new Error('no entry')
    world.chat.policies.delete(id)
    expect((await redeem(world)).json()).toMatchObject({ error: 'access_denied' })
    expect(world.audit.at(-1)).toMatchObject({ reason: 'policy_denied' })
    world.chat.policies.set(id, policy)
    const { clients } = entry
    entry.clients = []
    expect((await redeem(world)).json()).toMatchObject({ error: 'access_denied' })
    entry.clients = clients
    expect((await redeem(world)).statusCode).toBe(200)
    expect(world.spent).toHaveLength(1)
  })

  it('[T-12] nothing to a client without a resource or scope, and less than was asked to one with less', async () => {
    setPolicy(['chat.read'], [])
    expect((await redeem(world)).json()).toMatchObject({ error: 'invalid_target' })
    setPolicy([], [mcp])
    expect((await redeem(world, { claims: { scope: undefined } })).json()).toMatchObject({ error: 'invalid_scope' })
    setPolicy(['chat.read', 'search.read'], [mcp])
    const answer = await redeem(world, { claims: wide })
    expect(answer.json()).toMatchObject({ scope: 'chat.read', resource: mcp })
  })
})

describe('an issuer that is kept to a part of what its clients may have', () => {
  const [wholeScope, both] = ['chat.read search.read', [mcp, search]]
  it.each<[string, { scopes?: string[]; resources?: string[] }, object]>([
    ['to certain scopes', { scopes: ['chat.read'] }, { scope: 'chat.read' }],
    ['to certain resources', { resources: [search] }, { scope: 'search.read', aud: search }],
    ['to neither', {}, {}],
  ])('is, %s', async (_, kept, expected) => {
    setPolicy(wholeScope.split(' '), both)
    for (const entry of world.chat.trusted.values()) Object.assign(entry, kept)
    const only = 'resources' in kept ? { scope: 'search.read', resource: both } : { scope: 'chat.read', resource: mcp }
    const answer = await redeem(world, { claims: only })
    expect(answer.statusCode).toBe(200)
    expect(claimsOf((answer.json() as { access_token: string }).access_token)).toMatchObject(expected)
  })

  it('is refused what lies beyond', async () => {
    setPolicy(wholeScope.split(' '), both)
    for (const entry of world.chat.trusted.values()) entry.resources = [search]
    await expectRedemptionRefused(
      world,
      { claims: { scope: 'chat.read', resource: mcp } },
      { error: 'invalid_target', reason: 'resource_denied' },
      { claims: { scope: 'search.read', resource: search } },
    )
  })
})
