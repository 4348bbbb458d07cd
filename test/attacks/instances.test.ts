/** Several instances of one resource authorization server on one store, each with a clock of its own. */

import { beforeAll, describe, expect, it } from 'vitest'
import { type ChatFixture, chatVendor } from '../fixture/chat-vendor.ts'
import { basic, byAssertion } from '../fixture/clients.ts'
import { type Attempt, type Enterprise, enterprise, redemptionCall } from '../fixture/enterprise.ts'
import { proofFor, proofKeyNamed } from '../fixture/proofs.ts'
import { assertionRefusal, expectRefusal, type Refusal } from '../fixture/refusal.ts'
import { type Answer, send, type TokenCall } from '../fixture/requests.ts'

let world: Enterprise
let chats: ChatFixture[]
/** How far the clock of each is ahead. */
const ahead = [0, 0, 0]
beforeAll(async () => {
  world = await enterprise()
  const others = [1, 2].map(async (at) => {
    const ports = { ...world.ports, now: () => world.clock.now + (ahead[at] ?? 0) }
    return await chatVendor({ ...world, ports }, world.chat.clients)
  })
  chats = [world.chat, ...(await Promise.all(others))]
})

const at = async (instance: number, call: TokenCall) => await send((chats[instance] ?? world.chat).app, call)
async function refusedAt(instance: number, call: TokenCall, refusal: Refusal): Promise<void> {
  const before = { events: world.audit.length }
  expectRefusal(world, before, call, await at(instance, call), refusal)
}
/** So many at each of the three, all at once. */
async function everywhere(times: number, callOf: (number: number) => TokenCall): Promise<Answer[]> {
  return await Promise.all(Array.from({ length: 3 * times }, (_, number) => at(number % 3, callOf(number))))
}
const counted = (answers: readonly Answer[], status: number, error?: string) =>
  answers.filter(({ statusCode, json }) => statusCode === status && (error === undefined || json().error === error))
    .length
const replay = assertionRefusal('replay')

describe('at three instances on one store', () => {
  it('[ATK-056] [ATK-057] [T50] [T55] an ID-JAG that is shown sixty times at once is redeemed once, in each of twenty rounds', async () => {
    for (let round = 0; round < 20; round++) {
      const call = redemptionCall(world)
      const answers = await everywhere(20, () => call)
      expect([counted(answers, 200), counted(answers, 400, 'invalid_grant')]).toEqual([1, 59])
      await refusedAt(round % 3, call, replay)
    }
  })

  it('[ATK-064] a client assertion is good once, and spends one of sixty ID-JAGs', async () => {
    const as = byAssertion(world.chat.clients.any, 'https://as.chat.example', world.clock.now)
    const claims = { client_id: world.chat.clients.any.id }
    const calls = Array.from({ length: 60 }, () => redemptionCall(world, { as, claims }))
    const answers = await everywhere(20, (number) => calls[number] as TokenCall)
    expect([counted(answers, 200), counted(answers, 401, 'invalid_client')]).toEqual([1, 59])
    const { authorization } = basic(world.chat.clients.any).headers ?? {}
    const later = await everywhere(20, (number) => {
      const { assertion, grant_type } = (calls[number] as TokenCall).form
      return { form: { assertion, grant_type }, headers: { authorization } }
    })
    expect([counted(later, 200), counted(later, 400, 'invalid_grant')]).toEqual([59, 1])
  })

  it('[ATK-081] a proof is good once, and spends one of thirty ID-JAGs', async () => {
    const key = await proofKeyNamed('three-instances')
    const dpop = proofFor(key, { address: 'https://as.chat.example/token', now: world.clock.now })
    const calls = Array.from({ length: 30 }, () => redemptionCall(world, { headers: { dpop } }))
    const answers = await everywhere(10, (number) => calls[number] as TokenCall)
    expect([counted(answers, 200), counted(answers, 400, 'invalid_dpop_proof')]).toEqual([1, 29])
    await refusedAt(2, redemptionCall(world, { headers: { dpop } }), {
      error: 'invalid_dpop_proof',
      reason: 'pop_replay',
    })
  })

  it('[ATK-060] [T53] what one instance refused is good at the next', async () => {
    const wrong: Attempt[] = [
      { as: basic({ ...world.chat.clients.basic, secret: 'wrong' }) },
      { as: basic(world.chat.clients.any) },
      { headers: { dpop: 'x' } },
      { form: { scope: 'nothing' } },
    ]
    for (const [number, attempt] of wrong.entries()) {
      const claims = { jti: `refused-before-${number}` }
      const answer = await at(0, redemptionCall(world, { ...attempt, claims }))
      expect(answer.statusCode).toBeGreaterThanOrEqual(400)
      expect((await at(1, redemptionCall(world, { claims }))).statusCode).toBe(200)
    }
  })

  it('[ATK-055] [ATK-061] [T52] no step of the clock of one of them buys a second token', async () => {
    const call = redemptionCall(world)
    expect((await at(1, call)).statusCode).toBe(200)
    for (const [step, reason] of [
      [-3600, 'iat_invalid'],
      [+3600, 'expired'],
      [-5, 'replay'],
      [+5, 'replay'],
      [0, 'replay'],
    ] as const) {
      ahead[1] = step
      await refusedAt(1, call, assertionRefusal(reason))
      await refusedAt(2, call, replay)
    }
    // Once more at the end: 5 s slow, in the last moment in which its clock still takes the token.
    world.clock.now += 94
    ahead[1] = -5
    await refusedAt(1, call, replay)
    await refusedAt(2, call, assertionRefusal('expired'))
    ahead[1] = 0
    expect((await at(1, redemptionCall(world))).statusCode).toBe(200)
  })

  it('[ATK-029] [ATK-045] [T74] an issuer, a person or a client that is off is off at each, and on again', async () => {
    const off = async (turn: (on: boolean) => void, refusal: Refusal, attempt: Attempt = {}) => {
      turn(false)
      for (const instance of [0, 1, 2]) await refusedAt(instance, redemptionCall(world, attempt), refusal)
      turn(true)
      for (const instance of [0, 1, 2])
        expect((await at(instance, redemptionCall(world, attempt))).statusCode).toBe(200)
    }
    const issuers = chats.map(({ trusted }) => trusted.get('https://idp.acme.example'))
    await off((on) => {
      for (const one of issuers) if (one !== undefined) one.enabled = on
    }, assertionRefusal('issuer_disabled'))
    const people = chats.map(({ accounts }) => accounts.all.get('u-alice'))
    await off(
      (on) => {
        for (const one of people) if (one !== undefined) one.enabled = on
      },
      { error: 'access_denied', reason: 'subject_disabled' },
    )
    const client = world.chat.clients.entries.get(world.chat.clients.basic.id)
    await off(
      (on) => {
        if (client !== undefined) client.enabled = on
      },
      { error: 'invalid_client', reason: 'client_disabled' },
    )
  })
})
