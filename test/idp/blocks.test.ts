/** Whom an administrator has stopped gets no ID-JAG, and what was ended by a block stays ended. */

import { beforeEach, describe, expect, it } from 'vitest'
import type { Block, LiftedBlock } from '../../src/protocol/blocks.ts'
import { unavailable } from '../../src/protocol/errors.ts'
import { tokenType } from '../../src/protocol/names.ts'
import { acme, chat, files, mcp, search } from '../fixture/addresses.ts'
import { type Enterprise, enterprise, exchange } from '../fixture/enterprise.ts'
import { expectExchangeRefused, type Refusal } from '../fixture/refusal.ts'

let world: Enterprise
let inForce: Block[]
let lifted: LiftedBlock[]
beforeEach(async () => {
  world = await enterprise()
  inForce = []
  lifted = []
  world.idp.provider.blocks = { inForce: () => inForce, lifted: () => lifted }
})

const blocked: Refusal = { error: 'access_denied', reason: 'blocked' }

describe('a block at the identity provider', () => {
  it.each<[string, Block]>([
    ['the user', { user: 'alice' }],
    ['the user by e-mail address', { user: 'alice@acme.example' }],
    ['the client', { client: 'wiki-at-acme' }],
    ['the audience', { audience: chat }],
    ['the audience by its alias', { audience: 'urn:vendor:chat' }],
    ['the resource that was asked for', { audience: mcp }],
    ['the issuer of the ID Token', { issuer: acme }],
    ['the user at this client and audience', { user: 'alice', client: 'wiki-at-acme', audience: chat }],
  ])('on %s refuses the exchange, and nothing once it is lifted', async (_what, block) => {
    inForce = [block]
    const before = world.audit.length
    expect((await exchange(world)).json()).toMatchObject({ error: 'access_denied' })
    expect(world.audit.slice(before)).toMatchObject([{ reason: 'blocked', subject: 'alice' }])
    inForce = []
    expect((await exchange(world)).statusCode).toBe(200)
  })

  it('says no more than any other refusal of the policy', async () => {
    inForce = [{ user: 'alice', audience: chat }]
    await expect(exchange(world).then((answer) => answer.json())).resolves.toEqual({
      error: 'access_denied',
      error_description: 'policy does not allow this client to act for this user at this audience',
    })
    expect(world.audit.at(-1)?.detail).toBe(`stopped by the block on user alice, audience ${chat}`)
  })

  it.each<[string, Block]>([
    ['another user', { user: 'bob' }],
    ['the user at another audience', { user: 'alice', audience: files }],
    ['a resource that was not asked for', { audience: search }],
    ['a tenant', { tenant: 'acme' }],
  ])('on %s lets it pass', async (_what, block) => {
    inForce = [block]
    expect((await exchange(world, { form: { resource: mcp } })).statusCode).toBe(200)
  })

  it('that cannot be known is 503, and never a way in', async () => {
    world.idp.provider.blocks = {
      inForce: () => {
        throw unavailable('policy_stale', 'the policy was last read 31 s ago')
      },
      lifted: () => [],
    }
    const answer = await exchange(world)
    expect([answer.statusCode, answer.json().error]).toEqual([503, 'temporarily_unavailable'])
    expect(world.audit.at(-1)?.reason).toBe('policy_stale')
  })
})

describe('a refresh token that a block has ended', () => {
  const form = { subject_token: 'a-refresh-token-of-alice', subject_token_type: tokenType.refreshToken }
  const put = (issuedAt: number | undefined) =>
    world.idp.refreshTokens.set(form.subject_token, {
      client: 'wiki-at-acme',
      sub: 'alice',
      expiresAt: world.clock.now + 1000,
      revoked: false,
      issuedAt,
    })

  it('is dead while the block is in force', async () => {
    put(world.clock.now)
    inForce = [{ user: 'alice' }]
    const before = world.audit.length
    expect((await exchange(world, { form })).json().error).toBe('access_denied')
    expect(world.audit.slice(before)).toMatchObject([{ reason: 'blocked' }])
    inForce = []
    expect((await exchange(world, { form })).statusCode).toBe(200)
  })

  it('stays dead when the block is lifted; a sign-in since gives a good one', async () => {
    lifted = [{ user: 'alice', client: 'wiki-at-acme', liftedAt: world.clock.now - 10 }]
    put(world.clock.now - 20)
    await expectExchangeRefused(world, { form }, { ...blocked, error: 'invalid_grant' })
    put(undefined)
    await expectExchangeRefused(world, { form }, { ...blocked, error: 'invalid_grant' })
    put(world.clock.now - 5)
    expect((await exchange(world, { form })).statusCode).toBe(200)
  })

  it.each<[string, Block]>([
    ['the audience by its alias', { user: 'alice', audience: 'urn:vendor:chat' }],
    ['a resource there', { audience: mcp }],
    ['the issuer of the sign-in at this identity provider', { issuer: acme, audience: acme }],
  ])('stays dead also when the block named %s', async (_what, block) => {
    lifted = [{ ...block, liftedAt: world.clock.now - 10 }]
    put(world.clock.now - 20)
    await expectExchangeRefused(world, { form }, { ...blocked, error: 'invalid_grant' })
    lifted = [{ ...block, user: 'bob', liftedAt: world.clock.now - 10 }]
    expect((await exchange(world, { form })).statusCode).toBe(200)
  })

  it('is another person’s, and mine goes on', async () => {
    lifted = [{ user: 'bob', liftedAt: world.clock.now - 10 }]
    put(world.clock.now - 20)
    expect((await exchange(world, { form })).statusCode).toBe(200)
  })
})
