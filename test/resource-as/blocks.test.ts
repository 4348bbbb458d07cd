/** Whom the operator of the resource authorization server has stopped redeems nothing. */

import { beforeEach, describe, expect, it } from 'vitest'
import type { Block } from '../../src/protocol/blocks.ts'
import { unavailable } from '../../src/protocol/errors.ts'
import { acme, beta, chat, mcp, search } from '../fixture/addresses.ts'
import { type Enterprise, enterprise, redeem } from '../fixture/enterprise.ts'

let world: Enterprise
let inForce: Block[]
beforeEach(async () => {
  world = await enterprise()
  inForce = []
  world.chat.server.blocks = { inForce: () => inForce, lifted: () => [] }
})

describe('a block at the resource authorization server', () => {
  it.each<[string, (client: string) => Block]>([
    ['the subject', () => ({ user: 'alice' })],
    ['the account', () => ({ user: 'u-alice' })],
    ['the e-mail address', () => ({ user: 'alice@acme.example' })],
    ['the client', (client) => ({ client })],
    ['this server', () => ({ audience: chat })],
    ['the resource', () => ({ audience: mcp })],
    ['the issuer', () => ({ issuer: acme })],
    ['the user at this client', (client) => ({ user: 'alice', client })],
  ])('on %s refuses the redemption and consumes nothing', async (_what, block) => {
    const claims = { jti: 'one', email: 'alice@acme.example' }
    inForce = [block(world.chat.clients.basic.id)]
    const refused = await redeem(world, { claims })
    expect(refused.json()).toEqual({ error: 'access_denied', error_description: 'policy does not allow this access' })
    expect(world.audit).toMatchObject([{ reason: 'blocked', outcome: 'refused', subject: 'alice' }])
    expect(world.spent).toEqual([])
    inForce = []
    expect((await redeem(world, { claims })).statusCode).toBe(200)
  })

  it.each<[string, Block]>([
    ['another user', { user: 'bob' }],
    ['the user of another issuer', { user: 'alice', issuer: beta }],
    ['another resource', { audience: search }],
  ])('on %s lets it pass', async (_what, block) => {
    inForce = [block]
    expect((await redeem(world)).statusCode).toBe(200)
  })

  it('on somebody whose account is made at the first visit holds for the name they come with', async () => {
    for (const trusted of world.chat.trusted.values()) trusted.accounts = { emailDomains: [], unknown: 'create' }
    inForce = [{ user: 'zoe' }]
    expect((await redeem(world, { claims: { sub: 'zoe' } })).json().error).toBe('access_denied')
    expect((await redeem(world, { claims: { sub: 'yann' } })).statusCode).toBe(200)
  })

  it('on an account holds at the first visit of whoever is to be linked to it, and leaves the account as it was', async () => {
    for (const trusted of world.chat.trusted.values())
      trusted.accounts = { emailDomains: ['acme.example'], unknown: 'refuse' }
    world.chat.accounts.all.set('u-zoe', { enabled: true, email: 'zoe@acme.example', keys: [] })
    const claims = { sub: 'zoe', jti: 'one', email: 'zoe@acme.example', email_verified: true }
    inForce = [{ user: 'u-zoe' }]
    expect((await redeem(world, { claims })).json().error).toBe('access_denied')
    expect(world.chat.accounts.all.get('u-zoe')?.keys).toEqual([])
    inForce = []
    expect((await redeem(world, { claims })).statusCode).toBe(200)
    expect(world.audit.at(-1)).toMatchObject({ outcome: 'granted', account: 'u-zoe' })
  })

  it('is looked for in the very policy that the audit names', async () => {
    let version = 0
    world = await enterprise({ plugin: { policyVersion: () => `v${version}` } })
    world.chat.server.blocks = {
      inForce() {
        // An administrator changes something in the moment after.
        setImmediate(() => version++)
        return []
      },
      lifted: () => [],
    }
    const resolve = world.chat.server.resolveSubject
    world.chat.server.resolveSubject = async (...subject) => {
      version = 7
      return await resolve(...subject)
    }
    expect((await redeem(world)).statusCode).toBe(200)
    expect(world.audit.at(-1)).toMatchObject({ outcome: 'granted', policyVersion: 'v7' })
  })

  it('that cannot be known is 503, and consumes nothing', async () => {
    world.chat.server.blocks = {
      inForce: () => {
        throw unavailable('policy_stale', 'the policy was last read 31 s ago')
      },
      lifted: () => [],
    }
    const answer = await redeem(world)
    expect([answer.statusCode, answer.json().error]).toEqual([503, 'temporarily_unavailable'])
    expect(world.spent).toEqual([])
  })
})
