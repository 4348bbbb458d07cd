/** The kill switch: what an administrator stops is stopped at every server on the store, down to tokens that were issued before. */

import Fastify, { type FastifyInstance } from 'fastify'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { resourcePlugin } from '../../src/http/resource-plugin.ts'
import { documentFetch } from '../../src/outbound/document.ts'
import type { Block } from '../../src/protocol/blocks.ts'
import { issuerKeys } from '../../src/protocol/issuer-keys.ts'
import { defaultAlgorithms } from '../../src/protocol/keys.ts'
import { statusLists } from '../../src/resource/status-lists.ts'
import { systemId, systemNow } from '../../src/server/ports.ts'
import { type Deployment, deploy } from './deployment.ts'

let world: Deployment
let api: FastifyInstance
beforeAll(async () => {
  world = await deploy(2)
  api = Fastify()
  const fetchDocument = documentFetch({ allowLoopback: true, allowAddresses: [] })
  await api.register(resourcePlugin, {
    resource: 'https://api.chat.example/mcp',
    authorizationServer: world.chat,
    keys: issuerKeys({ issuer: world.chat, fetchDocument, now: systemNow, warn: () => {} }),
    revocation: statusLists({ fetchDocument }),
    algorithms: defaultAlgorithms,
    scopes: ['chat.read', 'chat.write'],
    skew: 30,
    maxLifetime: 600,
    ports: { now: systemNow, newId: systemId, once: async () => true, fence: () => 0, record: async () => {} },
    routes(scope: FastifyInstance) {
      scope.get('/mcp', async () => ({ hello: 'Alice' }))
    },
  })
})
afterAll(async () => {
  await api.close()
  await world.close()
})

const call = async (token: unknown) =>
  (await api.inject({ url: '/mcp', headers: { authorization: `Bearer ${token}` } })).statusCode

/** An ID-JAG from one server and an access token for another one, from the other server. */
async function tokens() {
  const jag = async () => (await world.exchange(0, await world.idToken())).body.access_token
  for (let attempt = 0; attempt < 5; attempt++) {
    const access = (await world.redeem(1, await jag())).body.access_token
    // Spent, and then a deadline was missed: there is another one.
    if (access !== undefined) return { unused: await jag(), access }
  }
  throw new Error('no access token was issued')
}

const soon = { timeout: 10_000, interval: 100 }

describe('the kill switch', () => {
  it.each<[string, () => Block, { exchange: string; redeem: string }]>([
    ['a user', () => ({ user: 'alice' }), { exchange: 'invalid_grant', redeem: 'access_denied' }],
    ['a client at the IdP', () => ({ client: 'assistant' }), { exchange: 'invalid_client', redeem: '' }],
    ['a client at the chat', () => ({ client: 'assistant-at-chat' }), { exchange: '', redeem: 'invalid_client' }],
    ['an audience', () => ({ audience: world.chat }), { exchange: 'invalid_target', redeem: 'access_denied' }],
    [
      'a resource',
      () => ({ audience: 'https://api.chat.example/mcp' }),
      { exchange: 'access_denied', redeem: 'access_denied' },
    ],
    ['an issuer of ID-JAGs', () => ({ issuer: world.idp }), { exchange: '', redeem: 'invalid_grant' }],
    ['an issuer of ID Tokens', () => ({ issuer: world.login }), { exchange: 'invalid_grant', redeem: '' }],
    ['a connection', () => ({ client: 'assistant', audience: world.chat }), { exchange: 'invalid_target', redeem: '' }],
    ['a user at a client', () => ({ user: 'alice', client: 'assistant' }), { exchange: 'access_denied', redeem: '' }],
  ])('[ATK-029] [ATK-045] stops %s at every server, and lets them in again', async (_what, names, errors) => {
    const { unused, access } = await tokens()
    expect([(await world.introspect(0, access)).body.active, await call(access)]).toEqual([true, 200])
    const idToken = await world.idToken()
    const exchanged = async (at: number) => (await world.exchange(at, idToken)).body.error ?? ''

    await world.administer('block', names())
    for (const at of [0, 1]) await expect.poll(() => exchanged(at), soon).toBe(errors.exchange)
    if (errors.redeem !== '') {
      for (const at of [0, 1]) {
        await expect.poll(async () => (await world.introspect(at, access)).body, soon).toEqual({ active: false })
        expect((await world.redeem(at, unused)).body.error).toBe(errors.redeem)
      }
      await expect.poll(() => call(access), soon).toBe(401)
    }

    await world.administer('unblock', names())
    for (const at of [0, 1]) await expect.poll(() => exchanged(at), soon).toBe('')
    for (const at of [0, 1])
      await expect
        .poll(async () => {
          const { access_token } = (await world.redeem(at, (await world.exchange(at, idToken)).body.access_token)).body
          return [(await world.introspect(1 - at, access_token)).body.active, await call(access_token)]
        }, soon)
        .toEqual([true, 200])
    // What the block ended stays ended; what it never touched is still good.
    expect((await world.introspect(1, access)).body.active).toBe(errors.redeem === '')
  })

  it('has a smaller form: a client gives up its own token, and every server knows', async () => {
    const { access } = await tokens()
    expect(await call(access)).toBe(200)
    expect(await world.revoke(0, access)).toEqual({ status: 200, body: {} })
    expect((await world.introspect(0, access)).body).toEqual({ active: false })
    await expect.poll(async () => (await world.introspect(1, access)).body, soon).toEqual({ active: false })
    await expect.poll(() => call(access), soon).toBe(401)
    const next = async () => (await world.introspect(0, (await tokens()).access)).body.active
    await expect.poll(next, soon).toBe(true)
  })

  it('[ATK-121] [T62] makes every server fetch the keys of an issuer anew', async () => {
    await tokens()
    const before = world.fetches()
    await world.administer('purgeIssuerKeys', world.login)
    for (const at of [0, 1])
      await expect
        .poll(async () => {
          expect((await world.exchange(at, await world.idToken())).status).toBe(200)
          return world.fetches()
        }, soon)
        .toBeGreaterThan(before + at)
  })

  it('names the policy that decided in each audit event', async () => {
    await world.administer('block', { user: 'nobody' })
    const versions = async () => {
      world.audit.length = 0
      await tokens()
      return new Set(
        world.audit.flatMap((line) => (JSON.parse(line) as { policyVersion?: string }).policyVersion ?? []),
      )
    }
    const [before] = await versions()
    await world.administer('unblock', { user: 'nobody' })
    await expect.poll(async () => [...(await versions())].every((one) => one !== before), soon).toBe(true)
    expect(before).toMatch(/^[\w-]{12}\.\d+$/)
  })
})
