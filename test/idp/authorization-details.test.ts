/** Authorization details at the identity provider: judged by type, narrowed by the connection, written into the ID-JAG. */

import { beforeEach, describe, expect, it } from 'vitest'
import { usualBranches } from '../../src/protocol/branches.ts'
import { tokenType } from '../../src/protocol/names.ts'
import { drive, mcp, search } from '../fixture/addresses.ts'
import { detailTypes } from '../fixture/authorization-details.ts'
import { type Enterprise, enterprise, exchange } from '../fixture/enterprise.ts'
import { expectExchangeRefused, type Refusal } from '../fixture/refusal.ts'
import { claimsOf } from '../fixture/tokens.ts'

const refusal = (description?: RegExp): Refusal => ({
  error: 'invalid_authorization_details',
  reason: 'details_invalid',
  ...(description === undefined ? {} : { description }),
})
const asking = (details: unknown) => ({
  form: { authorization_details: typeof details === 'string' ? details : JSON.stringify(details) },
})
const read = { type: 'channel', actions: ['read'] }

let world: Enterprise
beforeEach(async () => {
  world = await enterprise()
  const [chatServer] = world.idp.servers
  const [connection] = world.idp.connections
  if (chatServer === undefined || connection === undefined) throw new Error('no chat')
  chatServer.detailTypes = detailTypes()
  connection.resources = [mcp, search]
  connection.details = [
    { detail: { type: 'channel', actions: ['read', 'write'], limit: 10 } },
    { detail: { type: 'channel', actions: ['delete'] }, who: { users: [], groups: ['owners'] } },
  ]
})

describe('what is granted', () => {
  it.each<[string, object[], object[]]>([
    ['is what was asked, with the limits of the connection', [read], [{ ...read, limit: 10 }]],
    [
      'is less than was asked',
      [{ type: 'channel', actions: ['read', 'delete'], limit: 99 }],
      [{ type: 'channel', actions: ['read'], limit: 10 }],
    ],
    ['leaves out what the connection does not give', [{ type: 'payment', payee: 'x' }, read], [{ ...read, limit: 10 }]],
    [
      'is at the resources that were asked for',
      [{ ...read, locations: [mcp, search] }],
      [{ ...read, locations: [mcp], limit: 10 }],
    ],
  ])('[IDP-07] [IDP-26] [IDP-27] [IDP-28] [IDP-44] [JAG-12] [D-25] %s', async (_, asked, granted) => {
    const answer = await exchange(world, asking(asked))
    expect(answer.json()).toMatchObject({ scope: 'chat.read', authorization_details: granted })
    const claims = claimsOf(answer.json().access_token)
    expect(claims).toMatchObject({ scope: 'chat.read', resource: mcp, authorization_details: granted })
    expect(world.audit.at(-1)).toMatchObject({ outcome: 'granted', detailTypes: ['channel'] })
    expect(JSON.stringify(world.audit)).not.toContain('actions')
  })

  it('[IDP-27] is no scope where details were asked for alone', async () => {
    const answer = await exchange(world, { form: { ...asking([read]).form, scope: undefined } })
    expect(answer.statusCode).toBe(200)
    expect(answer.json()).not.toHaveProperty('scope')
    const claims = claimsOf(answer.json().access_token)
    expect(claims).toMatchObject({ authorization_details: [{ ...read, limit: 10 }] })
    expect(claims).not.toHaveProperty('scope')
  })

  it('are no details where none were asked for', async () => {
    const answer = await exchange(world, { form: { scope: undefined } })
    expect(answer.json()).toMatchObject({ scope: 'chat.read chat.write' })
    expect(answer.json()).not.toHaveProperty('authorization_details')
    expect(claimsOf(answer.json().access_token)).not.toHaveProperty('authorization_details')
  })

  it('is for the persons that the entry names', async () => {
    const asked = asking([{ type: 'channel', actions: ['delete'] }])
    await expectExchangeRefused(world, asked, refusal(/nothing that can be granted/))
    const alice = world.idp.users.get('alice')
    if (alice === undefined) throw new Error('nobody')
    world.idp.users.set('alice', { ...alice, groups: [...alice.groups, 'owners'] })
    expect((await exchange(world, asked)).json()).toMatchObject({
      authorization_details: [{ type: 'channel', actions: ['delete'] }],
    })
  })
})

describe('refused is', () => {
  it.each<[string, unknown, RegExp]>([
    ['no JSON', 'x', /is not JSON/],
    ['an object', '{"type":"channel"}', /must be a JSON array/],
    ['no object at all', [], /1 to 16 objects/],
    ['2 000 objects', Array.from({ length: 2000 }, () => ({ type: 'c' })), /longer than 16384 characters|1 to 16/],
    ['17 objects', Array.from({ length: 17 }, () => read), /1 to 16 objects/],
    ['a long text', [{ ...read, note: 'x'.repeat(17_000) }], /longer than 16384 characters/],
    ['deep nesting', `${'['.repeat(40)}${']'.repeat(40)}`, /nested deeper/],
    ['a member twice', '[{"type":"payment","payee":"x","type":"channel"}]', /member twice/],
    ['__proto__', '[{"type":"channel","__proto__":{"actions":["read"]}}]', /never a claim/],
    ['a text in the array', ['channel'], /\[0\] must be an object with a type/],
    ['no type', [read, { actions: ['read'] }], /\[1\] must be an object with a type/],
    ['a type that is no text', [{ type: 1 }], /\[0\] must be an object with a type/],
    ['an unknown type', [read, { type: 'other' }], /\[1\] has a type that is not known here/],
    ['a type of every object', [{ type: 'constructor' }], /not known here/],
    ['a type called __proto__', [{ type: '__proto__' }], /not known here/],
    ['an unknown member', [{ ...read, admin: true }], /\[0\] must NOT have additional properties/],
    ['a member of every object', [{ ...read, toString: 1 }], /\[0\] must NOT have additional properties/],
    ['a member that is missing', [{ type: 'channel' }], /must have required property 'actions'/],
    ['an unknown action', [{ ...read, actions: ['admin'] }], /at \/actions\/0 must be equal to one of/],
    ['a common member of another form', [{ ...read, actions: 'read' }], /\[0\] has an unexpected actions/],
    ['a location of another server', [{ ...read, locations: [drive] }], /location that this audience does not govern/],
    ['a location that was not asked as resource', [{ ...read, locations: [search] }], /nothing that can be granted/],
    ['a type the connection does not give', [{ type: 'payment', payee: 'x' }], /nothing that can be granted/],
  ])('[IDP-07] [IDP-26] [RA-02] [ATK-104] %s', async (_, details, description) => {
    await expectExchangeRefused(world, asking(details), refusal(description))
    expect((await exchange(world, asking([read]))).statusCode).toBe(200)
  })

  it('[RA-02] every detail where no type is configured, and where the connection gives none', async () => {
    const [chatServer] = world.idp.servers
    const [connection] = world.idp.connections
    delete connection?.details
    await expectExchangeRefused(world, asking([read]), refusal(/nothing that can be granted/))
    delete chatServer?.detailTypes
    await expectExchangeRefused(world, asking([read]), refusal(/is not supported here/))
  })

  it('[IDP-25] a scope that cannot be granted, although details can', async () => {
    const form = { ...asking([read]).form, scope: 'admin' }
    await expectExchangeRefused(world, { form }, { error: 'invalid_scope', reason: 'scope_denied' })
  })

  it('[IDP-21] details with a refresh token that was issued for certain scopes', async () => {
    const client = world.idp.clients.basic.id
    const record = { client, sub: 'alice', expiresAt: world.clock.now + 3600, revoked: false }
    world.idp.refreshTokens.set('limited', { ...record, scopes: ['chat.read'] })
    world.idp.refreshTokens.set('whole', record)
    const by = (token: string) => ({
      token,
      form: { ...asking([read]).form, subject_token_type: tokenType.refreshToken },
    })
    await expectExchangeRefused(world, by('limited'), refusal(/outside what the refresh token/))
    expect((await exchange(world, by('whole'))).statusCode).toBe(200)
  })
})

it('[FL-STEP-01] details that nobody gets are refused before a sign-in is demanded, where the branch is on', async () => {
  const [connection] = world.idp.connections
  if (connection === undefined) throw new Error('no chat')
  connection.signIn = { maxAge: 60 }
  const hopeless = asking([{ type: 'channel', actions: ['delete'] }])
  expect((await exchange(world, hopeless)).json().error).toBe('insufficient_user_authentication')
  world.idp.provider.branches = { ...usualBranches, 'step-up': true }
  expect((await exchange(world, hopeless)).json().error).toBe('invalid_authorization_details')
  expect((await exchange(world, asking([read]))).json().error).toBe('insufficient_user_authentication')
  const fresh = { ...asking([read]), claims: { auth_time: world.clock.now } }
  expect((await exchange(world, fresh)).statusCode).toBe(200)
})
