/** How often an ID-JAG may be redeemed, and what a failure of the store or the audit leaves behind. */

import { beforeEach, describe, expect, it } from 'vitest'
import { unavailable as unreachable } from '../../src/protocol/errors.ts'
import { StoreFullError } from '../../src/store/memory.ts'
import { acme, beta } from '../fixture/addresses.ts'
import { basic, byAssertion } from '../fixture/clients.ts'
import { type Enterprise, enterprise, redeem, redemptionCall } from '../fixture/enterprise.ts'
import { signerOf } from '../fixture/keys.ts'
import { expectRefusal, type Refusal } from '../fixture/refusal.ts'
import { send, type TokenCall } from '../fixture/requests.ts'
import { base64url } from '../fixture/tokens.ts'

let world: Enterprise
let call: TokenCall
beforeEach(async () => {
  world = await enterprise()
  call = redemptionCall(world)
})

const again = async (one: TokenCall = call) => await send(world.chat.app, one)
async function expectRefused(one: TokenCall, refusal: Refusal) {
  const before = { events: world.audit.length }
  expectRefusal(world, before, one, await again(one), refusal)
}
const replay: Refusal = { error: 'invalid_grant', reason: 'replay', description: 'assertion: was redeemed before' }
const trusted = () => {
  const entry = world.chat.trusted.get(acme)
  if (entry === undefined) throw new Error('no entry')
  return entry
}

describe('single use', () => {
  it('[ATK-056] [T51] [SEC-05] [D-05] [EMA-10] [T-14] a second redemption is refused', async () => {
    expect((await again()).statusCode).toBe(200)
    await expectRefused(call, replay)
  })

  it('of 60 at once, one wins', async () => {
    const answers = await Promise.all(Array.from({ length: 60 }, () => again()))
    expect(answers.filter((one) => one.statusCode === 200)).toHaveLength(1)
    expect(world.audit.filter(({ outcome }) => outcome === 'granted')).toHaveLength(1)
    expect(world.audit.filter(({ reason }) => reason === 'replay')).toHaveLength(59)
  })

  it('[ATK-062] another spelling of the signature is the same token', async () => {
    expect((await again()).statusCode).toBe(200)
    const [header, payload, signature = ''] = String(call.form.assertion).split('.')
    const bytes = Buffer.from(signature, 'base64url')
    const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
    const s = (order - BigInt(`0x${bytes.subarray(32).toString('hex')}`)).toString(16).padStart(64, '0')
    const twin = `${header}.${payload}.${base64url(Buffer.concat([bytes.subarray(0, 32), Buffer.from(s, 'hex')]))}`
    await expectRefused({ ...call, form: { ...call.form, assertion: twin } }, replay)
  })

  it('[ATK-059] [RAS-09] [VER-16] the same jti of two issuers are two tokens', async () => {
    const claims = { jti: 'the-same' }
    expect((await redeem(world, { claims })).statusCode).toBe(200)
    const other = { claims: { ...claims, iss: beta }, signer: await signerOf('b1') }
    expect((await redeem(world, other)).statusCode).toBe(200)
  })

  it('[ATK-064] an ID-JAG and a client assertion with one jti are two tokens', async () => {
    const { signing } = world.chat.clients
    const jti = 'the-same'
    const as = byAssertion(signing, 'https://as.chat.example', world.clock.now, { claims: { jti, iss: signing.id } })
    const claims = { jti, client_id: signing.id }
    expect((await redeem(world, { claims, as })).statusCode).toBe(200)
    expect(new Set(world.spent.map(({ key }) => key)).size).toBe(2)
  })

  it('[ATK-061] [T52] [SEC-05] the record outlives every clock that could still accept the token', async () => {
    expect((await again()).statusCode).toBe(200)
    const { now } = world.clock
    expect(world.spent.map(({ until }) => until)).toEqual([now + 60 + 30 + 5])
    world.clock.now = now + 60 + 30 - 1
    await expectRefused(call, replay)
    // An instance whose clock is slow, after the store's own clock has passed the last moment.
    world.clock.now = now + 60 + 30 + 4
    await again(redemptionCall(world))
    world.clock.now = now + 60 + 30 - 1
    await expectRefused(call, replay)
  })

  it('[ATK-061] a replay whose keys came only after its end is refused, though the record has gone', async () => {
    expect((await again()).statusCode).toBe(200)
    const end = world.clock.now + 60 + 30
    const { keys } = trusted()
    const slow = {
      find: async (header: Parameters<typeof keys.find>[0]) => {
        world.clock.now = end + 10
        return await keys.find(header)
      },
    }
    world.clock.now = end - 1
    trusted().keys = slow
    await expectRefused(call, { error: 'invalid_grant', reason: 'expired', description: 'assertion: has expired' })
  })

  it('[ATK-060] a refusal of others, or for other reasons, spends nothing', async () => {
    const { any, basic: wiki } = world.chat.clients
    for (const headers of [basic(any).headers, basic({ ...wiki, secret: 'wrong' }).headers])
      expect((await again({ ...call, headers: { ...headers } })).statusCode).not.toBe(200)
    expect((await again({ ...call, form: { ...call.form, scope: 'unknown' } })).statusCode).toBe(400)
    world.broken.store = new Error('down')
    expect((await again()).statusCode).toBe(503)
    delete world.broken.store
    expect((await again()).statusCode).toBe(200)
  })
})

describe('an issuer whose ID-JAGs are good until they expire', () => {
  beforeEach(() => {
    trusted().assertions = 'until-exp'
  })

  it('[ATK-063] [T51] [RAS-22] [VER-09] [T-14] may have one redeemed again, by its client, until then', async () => {
    for (let use = 0; use < 5; use++) expect((await again()).statusCode).toBe(200)
    expect(world.audit.filter(({ outcome }) => outcome === 'granted')).toHaveLength(5)
    await expectRefused(
      { ...call, headers: { ...basic(world.chat.clients.any).headers } },
      {
        error: 'invalid_grant',
        reason: 'client_mismatch',
      },
    )
    world.clock.now += 60 + 30
    await expectRefused(call, { error: 'invalid_grant', reason: 'expired' })
  })

  it('goes on without the store, and the audit says that the mark is missing', async () => {
    world.broken.store = new Error('down')
    expect((await again()).statusCode).toBe(200)
    expect(world.audit.at(-1)).toMatchObject({ outcome: 'granted', degraded: true })
    delete world.broken.store
    expect((await again()).statusCode).toBe(200)
    expect(world.audit.at(-1)).not.toHaveProperty('degraded')
  })

  it('[ATK-063] leaves a mark that single use finds when it is set again', async () => {
    expect((await again()).statusCode).toBe(200)
    trusted().assertions = 'single-use'
    await expectRefused(call, replay)
  })

  it('does not mind a store that forgot', async () => {
    world.clock.fence = world.clock.now + 1
    expect((await again()).statusCode).toBe(200)
  })
})

describe('what this server depends on', () => {
  const unavailable = (reason: Refusal['reason']): Refusal => ({
    error: 'temporarily_unavailable',
    reason,
    status: 503,
  })

  it('a store that lost its memory refuses what was issued before', async () => {
    world.clock.fence = world.clock.now + 1
    await expectRefused(call, { error: 'invalid_grant', reason: 'replay_fence' })
    world.clock.fence = world.clock.now
    expect((await again()).statusCode).toBe(200)
  })

  it('a store that finds only while spending that it lost its memory gives nothing away either', async () => {
    world.riseFenceOnSpend()
    await expectRefused(call, { error: 'invalid_grant', reason: 'replay_fence' })
    expect(world.audit.some(({ outcome }) => outcome === 'granted')).toBe(false)
  })

  it.each([
    ['cannot be reached', new Error('connect ECONNREFUSED'), 'replay_store_unavailable'],
    ['fails with something odd', 'odd', 'replay_store_unavailable'],
    ['is full', new StoreFullError('full'), 'replay_store_full'],
  ] as const)('[ATK-125] a store that %s is 503, and the ID-JAG stays good', async (_, broken, reason) => {
    world.broken.store = broken
    const before = { events: world.audit.length }
    const answer = await again()
    expectRefusal(world, before, call, answer, unavailable(reason))
    expect(answer.headers['retry-after']).toBe('1')
    delete world.broken.store
    expect((await again()).statusCode).toBe(200)
  })

  it('[ATK-127] an audit that cannot be written is 503 and no token', async () => {
    world.broken.audit = new Error('ENOSPC')
    const answer = await again()
    expect(answer.statusCode).toBe(503)
    expect(answer.json()).not.toHaveProperty('access_token')
    delete world.broken.audit
    expect((await redeem(world)).statusCode).toBe(200)
  })

  it('[ATK-119] keys that cannot be fetched are 503', async () => {
    const { keys } = trusted()
    trusted().keys = { find: async () => Promise.reject(unreachable('jwks_unavailable', 'no answer')) }
    await expectRefused(call, unavailable('jwks_unavailable'))
    trusted().keys = keys
    expect((await again()).statusCode).toBe(200)
  })

  it('a failure of our own is 500, is reported, and says nothing', async () => {
    const reported: unknown[] = []
    const failing = { issue: () => Promise.reject(new TypeError('secret detail')) }
    const plugin = { report: (error: unknown, correlationId: string) => reported.push([error, correlationId]) }
    world = await enterprise({ ...failing, plugin })
    const answer = await redeem(world)
    expect(answer.statusCode).toBe(500)
    expect(answer.json()).toEqual({ error: 'server_error', error_description: 'the server failed' })
    expect(reported).toEqual([[new TypeError('secret detail'), answer.headers['x-correlation-id']]])
    expect(world.audit.map(({ outcome, reason }) => [outcome, reason])).toEqual([
      ['granted', 'granted'],
      ['refused', 'internal_error'],
    ])
    expect(world.audit.at(-1)).toMatchObject({ error: 'server_error', detail: 'TypeError' })
  })
})
