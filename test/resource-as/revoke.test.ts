/** Revocation (RFC 7009): who may end a token, what an end reaches, and what has no effect. */

import { beforeEach, describe, expect, it } from 'vitest'
import { unavailable } from '../../src/protocol/errors.ts'
import { chat, mcp } from '../fixture/addresses.ts'
import { type Authentication, basic, byAssertion, type Credentials, post } from '../fixture/clients.ts'
import { type Enterprise, enterprise, exchange, redeem } from '../fixture/enterprise.ts'
import { signerOf } from '../fixture/keys.ts'
import { expectRefusal } from '../fixture/refusal.ts'
import { type FormChange, send } from '../fixture/requests.ts'
import { type TestStatuses, testStatuses } from '../fixture/statuses.ts'
import { claimsOf, signed } from '../fixture/tokens.ts'

let world: Enterprise
let statuses: TestStatuses
let token: string
beforeEach(async () => {
  statuses = testStatuses()
  world = await enterprise({ statuses, accessTokenLifetime: 600 })
  token = await newToken()
})

async function newToken(): Promise<string> {
  return (await redeem(world)).json<{ access_token: string }>().access_token
}
const call = (form: FormChange, as: Authentication = basic(world.chat.clients.basic)) => ({
  url: '/revoke',
  form: { ...form, ...as.form },
  headers: { ...as.headers },
})
const revoke = async (form: FormChange, as?: Authentication) => await send(world.chat.app, call(form, as))
const guarded = async (bearer: string) =>
  await world.chat.api.inject({ url: '/mcp', headers: { authorization: `Bearer ${bearer}` } })

describe('a client that revokes its own token', () => {
  it('[RV-01] [RV-03] is answered 200 with nothing, and the token stops working', async () => {
    expect((await guarded(token)).statusCode).toBe(200)
    const answer = await revoke({ token })
    expect([answer.statusCode, answer.payload]).toEqual([200, ''])
    expect(answer.headers).toMatchObject({ 'cache-control': 'no-store', pragma: 'no-cache' })
    world.clock.now += 3
    const refused = await guarded(token)
    expect([refused.statusCode, refused.json()]).toEqual([401, { error: 'invalid_token' }])
    expect(world.audit.at(-1)).toMatchObject({ action: 'call', reason: 'token_ended', error: 'invalid_token' })
  })

  it('[RV-02] ends the tokens of the same access with it, and no other token', async () => {
    const { post: notes } = world.chat.clients
    const sibling = await newToken()
    const other = (await redeem(world, { as: post(notes), claims: { client_id: notes.id } })).json().access_token
    await revoke({ token })
    world.clock.now += 3
    expect([(await guarded(sibling)).statusCode, (await guarded(other)).statusCode]).toEqual([401, 200])
    expect((await guarded(await newToken())).statusCode).toBe(200)
  })

  it('stands in the audit, before it is told', async () => {
    const answer = await revoke({ token })
    expect(world.audit.at(-1)).toEqual({
      at: world.clock.now,
      role: 'resource-as',
      server: chat,
      action: 'revoke',
      outcome: 'granted',
      reason: 'granted',
      correlationId: answer.headers['x-correlation-id'],
      policyVersion: 'unversioned',
      client: world.chat.clients.basic.id,
      account: 'u-alice',
      scope: 'chat.read',
      resource: mcp,
      tokenId: world.audit.at(0)?.issuedTokenId,
    })
    world.broken.audit = new Error('ENOSPC')
    expect((await revoke({ token })).statusCode).toBe(503)
  })

  it.each<[string, (credentials: Credentials) => Authentication]>([
    ['client_secret_basic', basic],
    ['client_secret_post', post],
    ['private_key_jwt', (credentials) => byAssertion(credentials, chat, world.clock.now)],
  ])('[RV-01] may authenticate by %s, as at the token endpoint', async (_, as) => {
    const { any } = world.chat.clients
    const own = (await redeem(world, { as: as(any), claims: { client_id: any.id } })).json().access_token
    expect((await revoke({ token: own }, as(any))).statusCode).toBe(200)
    expect([...statuses.ended]).toEqual([1])
  })

  it.each(['access_token', 'refresh_token', 'something_else'])('may add the hint %s', async (token_type_hint) => {
    expect((await revoke({ token, token_type_hint })).statusCode).toBe(200)
    expect([...statuses.ended]).toEqual([0])
  })

  it('[RV-03] is told 503 with Retry-After while it cannot be done', async () => {
    statuses.broken = unavailable('replay_store_unavailable', 'down')
    const answer = await revoke({ token })
    expect([answer.statusCode, answer.json().error, answer.headers['retry-after']]).toEqual([
      503,
      'temporarily_unavailable',
      '1',
    ])
    expect(world.audit.at(-1)).toMatchObject({ outcome: 'refused', reason: 'replay_store_unavailable' })
    statuses.broken = undefined
    expect((await revoke({ token })).statusCode).toBe(200)
  })
})

describe('a token that is none of this server, or dead', () => {
  const noEffect = async (shown: string, reason: string) => {
    const answer = await revoke({ token: shown })
    expect([answer.statusCode, answer.payload]).toEqual([200, ''])
    expect(world.audit.at(-1)).toMatchObject({ action: 'revoke', outcome: 'refused', reason })
    expect(world.audit.at(-1)).not.toHaveProperty('error')
    expect([...statuses.ended]).toEqual([])
    expect((await revoke({ token })).statusCode).toBe(200)
    expect([...statuses.ended]).toEqual([0])
  }

  it('[RV-03] that is garbage is 200 without effect', async () => {
    await noEffect('garbage', 'malformed')
  })

  it('[RV-03] that is forged is 200 without effect', async () => {
    await noEffect(
      signed({ typ: 'at+jwt', kid: 'chat-1' }, claimsOf(token), await signerOf('stranger')),
      'signature_invalid',
    )
    expect(world.audit.at(-2)).toMatchObject({ unverified: true })
  })

  it('[RV-03] without a status, from before there were any, is 200 without effect', async () => {
    const before = signed({ typ: 'at+jwt' }, { ...claimsOf(token), status: undefined }, world.chat.keys.current())
    await noEffect(before, 'token_invalid')
  })

  it('[ATK-008] that is an ID-JAG is 200 without effect', async () => {
    await noEffect((await exchange(world)).json().access_token, 'typ_mismatch')
  })

  it('[RV-03] that has expired is 200 without effect, whoever asks', async () => {
    world.clock.now += 600
    const answer = await revoke({ token }, post(world.chat.clients.post))
    expect([answer.statusCode, world.audit.at(-1)?.reason]).toEqual([200, 'expired'])
    expect([...statuses.ended]).toEqual([])
  })

  it('[RV-03] that has ended is 200 again', async () => {
    await revoke({ token })
    expect((await revoke({ token })).statusCode).toBe(200)
    expect(world.audit.at(-1)).toMatchObject({ outcome: 'refused', reason: 'token_ended' })
  })
})

describe('a revocation that is refused', () => {
  const refused = async (made: ReturnType<typeof call>, refusal: Parameters<typeof expectRefusal>[4]) => {
    const events = world.audit.length
    expectRefusal(world, { events }, made, await send(world.chat.app, made), refusal)
    expect([...statuses.ended]).toEqual([])
    expect((await revoke({ token })).statusCode).toBe(200)
    expect([...statuses.ended]).toEqual([0])
  }

  it('[RV-02] [ATK-008] is that of another client, and has no effect', async () => {
    await refused(call({ token }, post(world.chat.clients.post)), { error: 'invalid_grant', reason: 'client_mismatch' })
  })

  it('[RV-01] is that of a caller that is not authenticated', async () => {
    const wrong = { ...world.chat.clients.basic, secret: 'not-the-secret' }
    await refused(call({ token }, basic(wrong)), { error: 'invalid_client', reason: 'client_unauthenticated' })
    await revoke({ token })
  })

  it('[RV-01] is one without a token', async () => {
    await refused(call({}), { error: 'invalid_request', reason: 'missing_parameter', description: 'token is required' })
  })

  it('[RV-01] is one with two tokens', async () => {
    await refused(call({ token: ['a', 'b'] }), { error: 'invalid_request', reason: 'repeated_parameter' })
  })

  it('spends no client assertion, and an answer spends it', async () => {
    const { any } = world.chat.clients
    const own = (await redeem(world, { as: basic(any), claims: { client_id: any.id } })).json().access_token
    const as = byAssertion(any, chat, world.clock.now)
    expect((await revoke({}, as)).statusCode).toBe(400)
    expect((await revoke({ token: own }, as)).statusCode).toBe(200)
    expect((await revoke({ token: own }, as)).json()).toMatchObject({ error: 'invalid_client' })
    expect(world.audit.at(-1)).toMatchObject({ reason: 'client_assertion_replay' })
  })
})
