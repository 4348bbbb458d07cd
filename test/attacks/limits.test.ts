/** Who guesses, who floods and who dawdles, at running servers with their usual limits; and everybody else meanwhile. */

import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, describe, expect, it } from 'vitest'
import { jsonLine } from '../../src/server/json-line.ts'
import { basic } from '../fixture/clients.ts'
import { type Enterprise, enterprise, redeem, redemptionCall } from '../fixture/enterprise.ts'
import { testPorts } from '../fixture/ports.ts'
import { expectRefusal } from '../fixture/refusal.ts'
import { send } from '../fixture/requests.ts'
import { type Refusal, underAttack } from './stage.ts'

const stage = await underAttack({ limits: true })
const { world } = stage
afterAll(stage.close)

const ic: Refusal = { error: 'invalid_client', reason: 'client_unauthenticated' }

describe.each(['idp', 'chat'] as const)('at %s', (at) => {
  const client = at === 'idp' ? stage.idpClient : stage.chatClient
  const wrong = () => basic({ ...client, secret: `${client.secret}-not` })

  it('[ATK-074] [T58] a guesser is told to wait, with the right secret too, and the client is served from everywhere else', async () => {
    const from = at === 'idp' ? '127.0.0.5' : '127.0.0.6'
    const held: Refusal = { error: 'temporarily_unavailable', reason: 'auth_throttled', status: 429 }
    for (let guess = 0; guess < 10; guess++) await stage.refused(at, { as: wrong(), from }, ic)
    for (let guess = 0; guess < 20; guess++) await stage.refused(at, { as: wrong(), from }, held)
    await stage.refused(at, { from }, held)
    await stage.granted(at, { from: '127.0.0.7' })
  })

  it('[ATK-075] two hundred wrong secrets at once are refused each, and the requests between them are granted', async () => {
    const answers = await Promise.all(
      Array.from({ length: 220 }, (_, at_) =>
        at_ % 11 === 0
          ? stage.granted(at)
          : stage.ask(at, { as: wrong(), from: `127.${at === 'idp' ? 1 : 2}.0.${at_}` }),
      ),
    )
    const refused = answers.filter(({ statusCode }) => statusCode !== 200)
    expect(refused).toHaveLength(200)
    expect(new Set(refused.map(({ statusCode, payload }) => `${statusCode} ${payload}`)).size).toBe(1)
    expect(refused[0]?.statusCode).toBe(401)
    await stage.refused(at, { as: wrong(), from: '127.3.0.1' }, ic)
  })
})

it('[ATK-090] heads and bodies that come byte by byte are 408 within ten seconds, five hundred of them, and nobody waits for them', async () => {
  const head = 'POST /token HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n'
  const servers = [world.idp.issuer, world.resourceAs.chat.issuer].map((issuer) => new URL(issuer))
  const slow = Array.from({ length: 500 }, (_, number) => {
    const { hostname, port } = servers[number % 2] as URL
    const socket = connect(Number(port), hostname).on('error', () => {})
    socket.write(number % 4 < 2 ? head : `${head}Content-Length: 1000\r\n\r\n`)
    const chunks: Buffer[] = []
    socket.on('data', (chunk) => chunks.push(chunk))
    const closed = once(socket, 'close').then(() => Buffer.concat(chunks).toString())
    return { socket, closed }
  })
  const dripping = setInterval(() => {
    for (const { socket } of slow) if (socket.writable) socket.write('x')
  }, 1000)
  for (let honest = 0; honest < 20; honest++) for (const at of ['idp', 'chat'] as const) await stage.granted(at)
  const answers = await Promise.all(slow.map(({ closed }) => closed))
  clearInterval(dripping)
  for (const answer of answers) expect(answer).toMatch(/^HTTP\/1\.1 408 .*"error":"invalid_request"/s)
  for (const at of ['idp', 'chat'] as const) await stage.granted(at)
}, 30_000)

describe('a store that is full', () => {
  const full: Refusal = { error: 'temporarily_unavailable', reason: 'replay_store_full' }
  const refusedBy = async (one: Enterprise, refusal: Refusal, call = redemptionCall(one)) => {
    const before = { events: one.audit.length }
    expectRefusal(one, before, call, await send(one.chat.app, call), refusal)
  }

  it('[ATK-065] [T57] is 503 for everybody, forgets nothing that is of use, and takes again what follows an end', async () => {
    const ports = testPorts({ maxEntries: 50 })
    const one = await enterprise({}, ports)
    const calls = Array.from({ length: 50 }, () => redemptionCall(one))
    for (const call of calls) expect((await send(one.chat.app, call)).statusCode).toBe(200)
    const late = redemptionCall(one)
    for (let flood = 0; flood < 20; flood++) await refusedBy(one, full)
    await refusedBy(one, full, late)
    for (const call of [calls[0], calls[49]]) await refusedBy(one, { error: 'invalid_grant', reason: 'replay' }, call)
    one.clock.now += 96
    expect((await redeem(one)).statusCode).toBe(200)
  })
})

describe('the audit', () => {
  it('[ATK-135] has one line for each request, whatever stands in it', async () => {
    const hostile = ['a\r\nb', '\u001b[2J', 'a\u2028b', '"}', '\u0000', '\u009b31m', '{"outcome":"granted"}']
    const from = world.audit.length
    for (const text of hostile) {
      await stage.ask('chat', { claims: { iss: text, jti: text, sub: text, scope: text } })
      await stage.ask('chat', { claims: { sub: text }, header: { kid: text } })
      await stage.ask('idp', { claims: { iss: text, sub: text }, form: { scope: text, client_id: text } })
      await stage.ask('idp', { as: basic({ id: text, secret: text }), from: '127.4.0.1' })
      await stage.ask('chat', { headers: { 'user-agent': text.replace(/[^ -~]/g, '?'), 'x-correlation-id': 'x' } })
    }
    const events = world.audit.slice(from)
    expect(events).toHaveLength(hostile.length * 5)
    for (const event of events)
      expect(jsonLine(event).trimEnd()).toMatch(/^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]+$/)
    await stage.granted('chat')
  })

  it('[ATK-136] has no secret, token or proof of all that was sent here, and neither has what the servers say', async () => {
    await stage.granted('idp')
    await stage.granted('chat')
    await stage.refused('chat', { as: basic({ ...stage.chatClient, secret: 's'.repeat(40) }) }, ic)
    expect(world.audit.length).toBeGreaterThan(100)
    expect(stage.leaks()).toEqual([])
  })
})
