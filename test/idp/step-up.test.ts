/** A better sign-in for single scopes, and when it is demanded: beside the sign-in that a whole connection demands. */

import { beforeEach, describe, expect, it } from 'vitest'
import { usualBranches } from '../../src/protocol/branches.ts'
import { tokenType } from '../../src/protocol/names.ts'
import { drive } from '../fixture/addresses.ts'
import { type Enterprise, enterprise, exchange } from '../fixture/enterprise.ts'
import { expectExchangeRefused } from '../fixture/refusal.ts'
import { claimsOf } from '../fixture/tokens.ts'

let world: Enterprise
beforeEach(async () => {
  world = await enterprise()
  connection().scopes = [{ name: 'chat.read' }, { name: 'chat.finance', signIn: { acr: ['hwk', 'mfa'], maxAge: 120 } }]
})
const connection = () => {
  const [found] = world.idp.connections
  if (found === undefined) throw new Error('the fixture has connections')
  return found
}
const demanded = (parameters: Record<string, string | number>) =>
  ({ error: 'insufficient_user_authentication', reason: 'step_up', parameters }) as const
const good = () => ({ acr: 'mfa', auth_time: world.clock.now - 100 })

describe('a scope with a sign-in of its own', () => {
  it('[IDP-29] [SEC-04] asked for is refused with what the sign-in must be, and given after it', async () => {
    const form = { scope: 'chat.read chat.finance' }
    for (const claims of [{}, { ...good(), acr: 'pwd' }, { ...good(), auth_time: world.clock.now - 151 }])
      await expectExchangeRefused(world, { form, claims }, demanded({ acr_values: 'hwk mfa', max_age: 120 }))
    const answer = await exchange(world, { form, claims: good() })
    expect(answer.json()).toMatchObject({ scope: 'chat.read chat.finance' })
  })

  it('is left out where nobody asked for it', async () => {
    const { access_token, scope } = (await exchange(world, { form: { scope: undefined } })).json()
    expect([scope, claimsOf(access_token).scope]).toEqual(['chat.read', 'chat.read'])
    const better = await exchange(world, { form: { scope: undefined }, claims: good() })
    expect(better.json().scope).toBe('chat.read chat.finance')
  })

  it('is demanded where nothing else is left to give', async () => {
    connection().scopes = [{ name: 'chat.finance', signIn: { maxAge: 60 } }]
    expect((await exchange(world, { form: { scope: undefined } })).json()).toMatchObject({
      error: 'insufficient_user_authentication',
      max_age: 60,
    })
    const answer = await exchange(world, { form: { scope: undefined }, claims: good() })
    expect(answer.json()).toMatchObject({ error: 'insufficient_user_authentication' })
    const fresh = { auth_time: world.clock.now }
    expect((await exchange(world, { form: { scope: undefined }, claims: fresh })).statusCode).toBe(200)
  })

  it('says what the connection demands as well, so that one new sign-in is enough', async () => {
    connection().signIn = { acr: ['pwd', 'mfa'], maxAge: 600 }
    const claims = { acr: 'pwd', auth_time: world.clock.now }
    const attempt = { form: { scope: 'chat.finance' }, claims }
    expect((await exchange(world, attempt)).json()).toMatchObject({ acr_values: 'mfa', max_age: 120 })
    expect((await exchange(world, { ...attempt, claims: good() })).statusCode).toBe(200)
  })

  it('given to a person by two entries is good with the sign-in of either', async () => {
    connection().scopes = [
      { name: 'chat.finance', signIn: { acr: ['hwk'] } },
      { name: 'chat.finance', who: { users: ['alice'], groups: [] } },
    ]
    expect((await exchange(world, { form: { scope: 'chat.finance' } })).statusCode).toBe(200)
  })

  it('[IDP-21] that a refresh token was issued for is left out where the request does not ask for it', async () => {
    const { basic } = world.idp.clients
    world.idp.refreshTokens.set('rt', {
      client: basic.id,
      sub: 'alice',
      expiresAt: world.clock.now + 60,
      revoked: false,
      scopes: ['chat.read', 'chat.finance'],
    })
    const form = { subject_token: 'rt', subject_token_type: tokenType.refreshToken }
    expect((await exchange(world, { form: { ...form, scope: undefined } })).json().scope).toBe('chat.read')
    const asked = await exchange(world, { form: { ...form, scope: 'chat.finance' } })
    expect(asked.json().error).toBe('insufficient_user_authentication')
  })
})

describe('[FL-STEP-01] a request that a better sign-in would not help', () => {
  const hopeless = [
    ['a resource of somebody else', { resource: drive }, 'invalid_target'],
    ['a scope that the connection has not', { scope: 'admin' }, 'invalid_scope'],
  ] as const

  it.each(hopeless)('for %s is told of the sign-in first where the branch is off', async (_, form) => {
    connection().signIn = { maxAge: 60 }
    expect((await exchange(world, { form })).json()).toMatchObject({ error: 'insufficient_user_authentication' })
  })

  it.each(hopeless)('for %s is told of that alone where the branch is on', async (_, form, error) => {
    connection().signIn = { maxAge: 60 }
    world.idp.provider.branches = { ...usualBranches, 'step-up': true }
    expect((await exchange(world, { form })).json()).toMatchObject({ error })
    expect((await exchange(world)).json()).toMatchObject({ error: 'insufficient_user_authentication', max_age: 60 })
    expect((await exchange(world, { claims: { auth_time: world.clock.now } })).statusCode).toBe(200)
  })

  it('by a block is told of that alone where the branch is on', async () => {
    connection().signIn = { maxAge: 60 }
    world.idp.provider.blocks = { inForce: () => [{ user: 'alice' }], lifted: () => [] }
    expect((await exchange(world)).json().error).toBe('insufficient_user_authentication')
    world.idp.provider.branches = { ...usualBranches, 'step-up': true }
    expect((await exchange(world)).json().error).toBe('access_denied')
  })
})
