/** What a resource authorization server publishes about ended tokens, and at which addresses. */

import Fastify from 'fastify'
import { beforeEach, describe, expect, it } from 'vitest'
import { resourceAsPlugin } from '../../src/http/resource-as-plugin.ts'
import { unavailable } from '../../src/protocol/errors.ts'
import { readStatusList } from '../../src/protocol/status-list.ts'
import { chat, mcp } from '../fixture/addresses.ts'
import { basic } from '../fixture/clients.ts'
import { type Enterprise, enterprise } from '../fixture/enterprise.ts'
import { send } from '../fixture/requests.ts'
import { resourceClient, type TestStatuses, testStatuses } from '../fixture/statuses.ts'

const wellKnown = '/.well-known/oauth-authorization-server'
let world: Enterprise
let statuses: TestStatuses
beforeEach(async () => {
  statuses = testStatuses()
  const { entry } = await resourceClient('chat-api', [mcp])
  const findProtectedResource = async (id: string) => (id === entry.id ? entry : undefined)
  world = await enterprise({ statuses, accessTokenLifetime: 600, plugin: { findProtectedResource } })
})

describe('metadata', () => {
  it('[MD-04] names revocation, introspection and the status lists, with their ways of authentication', async () => {
    const methods = ['client_secret_basic', 'client_secret_post', 'private_key_jwt']
    expect((await world.chat.app.inject(wellKnown)).json()).toMatchObject({
      revocation_endpoint: `${chat}/revoke`,
      revocation_endpoint_auth_methods_supported: methods,
      revocation_endpoint_auth_signing_alg_values_supported: expect.arrayContaining(['ES256']),
      introspection_endpoint: `${chat}/introspect`,
      introspection_endpoint_auth_methods_supported: methods,
      introspection_endpoint_auth_signing_alg_values_supported: expect.arrayContaining(['ES256']),
      status_list_aggregation_endpoint: `${chat}/status-lists`,
    })
  })

  it('names no introspection where no resource may ask, and nothing at all without statuses', async () => {
    world = await enterprise({ statuses, accessTokenLifetime: 600 })
    const some = (await world.chat.app.inject(wellKnown)).json()
    expect(some).toHaveProperty('revocation_endpoint')
    expect(some).not.toHaveProperty('introspection_endpoint')
    const post = { form: { token: 'x' }, ...basic(world.chat.clients.basic) }
    expect((await send(world.chat.app, { ...post, url: '/introspect' })).statusCode).toBe(404)
    expect((await send(world.chat.app, { ...post, url: '/revoke' })).statusCode).toBe(200)
    world = await enterprise()
    const none = (await world.chat.app.inject(wellKnown)).json()
    for (const name of ['revocation_endpoint', 'introspection_endpoint', 'status_list_aggregation_endpoint'])
      expect(none).not.toHaveProperty(name)
    expect((await send(world.chat.app, { ...post, url: '/revoke' })).statusCode).toBe(404)
    expect((await world.chat.app.inject('/status/0')).statusCode).toBe(404)
  })

  it.each(['https://multi.example/tenant1', 'https://multi.example/tenant1/', 'https://multi.example/'])(
    'of %s is where the endpoints are',
    async (issuer) => {
      const app = Fastify()
      await app.register(resourceAsPlugin, {
        resourceAuthorizationServer: { ...world.chat.server, issuer },
        signingKeys: world.chat.keys,
        findClient: async () => undefined,
        findProtectedResource: async () => undefined,
        ports: world.ports,
      })
      await statuses.end(3)
      const path = new URL(issuer).pathname.replace(/\/$/, '')
      const document = (await app.inject(`${wellKnown}${path}`)).json()
      for (const member of ['revocation_endpoint', 'introspection_endpoint']) {
        const url = new URL(document[member]).pathname
        expect((await send(app, { form: { token: 'x' }, url })).json()).toMatchObject({ error: 'invalid_client' })
      }
      const lists = (await app.inject(new URL(document.status_list_aggregation_endpoint).pathname)).json()
      expect(lists).toEqual({ status_lists: [`${issuer.replace(/\/$/, '')}/status/0`] })
      expect((await app.inject(new URL(lists.status_lists[0]).pathname)).statusCode).toBe(200)
    },
  )
})

describe('a status list', () => {
  it('is a Status List Token under the server’s key, for every origin, and for a second', async () => {
    await statuses.end(3)
    const answer = await world.chat.app.inject('/status/0')
    expect(answer.statusCode).toBe(200)
    expect(answer.headers).toMatchObject({
      'content-type': 'application/statuslist+jwt',
      'cache-control': 'public, max-age=1',
      'access-control-allow-origin': '*',
    })
    const list = await readStatusList(answer.payload, {
      uri: `${chat}/status/0`,
      issuer: chat,
      keys: world.chat.keys.source,
      algorithms: ['ES256'],
      now: world.clock.now,
      skew: 0,
    })
    expect([list.isEnded(2), list.isEnded(3)]).toEqual([false, true])
    expect(list.publishedKids).toEqual(['chat-1'])
  })

  it.each(['00', '-1', '1e3', '0x1', 'x', '', '123456789'])('has no address such as %j', async (name) => {
    expect((await world.chat.app.inject(`/status/${name}`)).statusCode).toBe(404)
    expect((await world.chat.app.inject('/status/0')).statusCode).toBe(200)
  })

  it('is 503 and reported while nobody knows what has ended, and so is the document of all lists', async () => {
    const reported: unknown[] = []
    world = await enterprise({
      statuses,
      accessTokenLifetime: 600,
      plugin: { report: (error) => reported.push(error) },
    })
    statuses.broken = unavailable('policy_stale', 'too old')
    for (const url of ['/status/0', '/status-lists']) {
      const answer = await world.chat.app.inject(url)
      expect([answer.statusCode, answer.headers['retry-after'], answer.headers['cache-control']]).toEqual([
        503,
        '1',
        'no-store',
      ])
    }
    expect(reported).toHaveLength(2)
    statuses.broken = undefined
    expect((await world.chat.app.inject('/status-lists')).json()).toEqual({ status_lists: [] })
  })
})

it.each(['/revoke', '/introspect'])('%s takes POST alone', async (url) => {
  for (const method of ['GET', 'PUT', 'DELETE'] as const) {
    const answer = await world.chat.app.inject({ method, url })
    expect([answer.statusCode, answer.headers.allow, answer.json().error]).toEqual([405, 'POST', 'invalid_request'])
  }
  expect(world.audit.map(({ action, reason }) => [action, reason])).toEqual(
    Array.from({ length: 3 }, () => [url.slice(1), 'method_not_allowed']),
  )
})
