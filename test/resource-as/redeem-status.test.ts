/** The status of a new access token: which access gets which index, until when, and what a token says of it. */

import Fastify from 'fastify'
import { beforeEach, describe, expect, it } from 'vitest'
import { resourceAsPlugin } from '../../src/http/resource-as-plugin.ts'
import { unavailable } from '../../src/protocol/errors.ts'
import { acme, chat, mcp, search } from '../fixture/addresses.ts'
import { type Attempt, type Enterprise, enterprise, redeem } from '../fixture/enterprise.ts'
import { type TestStatuses, testStatuses } from '../fixture/statuses.ts'
import { claimsOf } from '../fixture/tokens.ts'

let world: Enterprise
let statuses: TestStatuses
beforeEach(async () => {
  statuses = testStatuses(70_000)
  world = await enterprise({ statuses, accessTokenLifetime: 600 })
})
const statusOf = async (attempt?: Attempt) => claimsOf((await redeem(world, attempt)).json().access_token).status

describe('an access token of a server with statuses', () => {
  it('names its place in a list of the server', async () => {
    expect(await statusOf()).toEqual({ status_list: { uri: `${chat}/status/1`, idx: 70_000 - 65_536 } })
  })

  it('has the place of its access, by every name of the person, until no guard takes it any more', async () => {
    await redeem(world, { claims: { email: 'alice@acme.example' } })
    await redeem(world, { claims: { resource: [mcp, search], scope: 'chat.read' }, form: { resource: mcp } })
    const access = { client: world.chat.clients.basic.id, audiences: [chat, mcp], issuer: acme, account: 'u-alice' }
    const until = world.clock.now + 600 + 30 + 5
    expect(statuses.given).toEqual([
      { access: { ...access, users: ['alice', 'u-alice', 'alice@acme.example'] }, until, index: 70_000 },
      { access: { ...access, users: ['alice', 'u-alice'] }, until, index: 70_001 },
    ])
  })

  it('shares its place with the tokens of the same access, and gets a new one after they were ended', async () => {
    expect(await statusOf()).toEqual(await statusOf())
    await statuses.end(70_000)
    expect(await statusOf()).toEqual({ status_list: { uri: `${chat}/status/1`, idx: 70_001 - 65_536 } })
  })

  it('is not issued, and nothing is granted in the audit, while no place can be had', async () => {
    statuses.broken = unavailable('replay_store_unavailable', 'down')
    const answer = await redeem(world)
    expect([answer.statusCode, answer.json().error]).toEqual([503, 'temporarily_unavailable'])
    expect(world.audit).toMatchObject([{ outcome: 'refused', reason: 'replay_store_unavailable' }])
    statuses.broken = undefined
    expect((await redeem(world)).statusCode).toBe(200)
  })
})

it('an access token of a server without statuses says nothing of one', async () => {
  world = await enterprise()
  expect(await statusOf()).toBeUndefined()
})

describe('a server that could not keep its word', () => {
  const register = async (server: object, plugin: object = {}) =>
    await Fastify().register(resourceAsPlugin, {
      resourceAuthorizationServer: { ...world.chat.server, ...server },
      signingKeys: world.chat.keys,
      findClient: async () => undefined,
      ports: world.ports,
      ...plugin,
    })

  it.each<[string, object, object, RegExp]>([
    ['without the life of its tokens', { accessTokenLifetime: undefined }, {}, /needs accessTokenLifetime/],
    ['without its keys', {}, { signingKeys: { published: () => ({ keys: [] }) } }, /all of its signing keys/],
    [
      'with introspection and no statuses',
      { statuses: undefined },
      { findProtectedResource: async () => undefined },
      /introspection needs a server with statuses/,
    ],
  ])('%s does not start', async (_, server, plugin, message) => {
    await expect(register(server, plugin)).rejects.toThrow(message)
    await register({})
  })
})
