/** The plugins inside somebody else's application: what stays theirs, and what a failure says. */

import Fastify from 'fastify'
import { beforeEach, describe, expect, it } from 'vitest'
import { idpPlugin } from '../../src/http/idp-plugin.ts'
import { principalOf, resourcePlugin } from '../../src/http/resource-plugin.ts'
import { unavailable } from '../../src/protocol/errors.ts'
import { dangerouslyLocalOnly } from '../../src/resource/revocation.ts'
import { chat, mcp } from '../fixture/addresses.ts'
import { type Enterprise, enterprise, exchangeCall, redeem } from '../fixture/enterprise.ts'
import { send } from '../fixture/requests.ts'

let world: Enterprise
beforeEach(async () => {
  world = await enterprise()
})

const guard = () => ({
  resource: mcp,
  authorizationServer: chat,
  keys: world.chat.keys.source,
  algorithms: ['ES256'] as const,
  scopes: ['chat.read'],
  skew: 30,
  maxLifetime: 3600,
  revocation: dangerouslyLocalOnly,
  ports: world.ports,
})
const bearer = async () => ({
  authorization: `Bearer ${((await redeem(world)).json() as { access_token: string }).access_token}`,
})

describe('a token endpoint in a host application', () => {
  it('leaves the host its parsers, its errors and its other routes', async () => {
    const app = Fastify()
    app.post('/other', async (request) => request.body)
    const { provider, clients } = world.idp
    await app.register(idpPlugin, {
      identityProvider: provider,
      findClient: async (id) => clients.entries.get(id),
      ports: world.ports,
    })
    const other = await app.inject({ method: 'POST', url: '/other', payload: { a: 1 } })
    expect(other.json()).toEqual({ a: 1 })
    expect(other.headers).not.toHaveProperty('x-correlation-id')
    expect((await app.inject('/nowhere')).json()).toMatchObject({ statusCode: 404 })
    expect((await send(app, exchangeCall(world))).statusCode).toBe(200)
    expect(world.audit.at(-1)).toMatchObject({ policyVersion: 'unversioned' })
  })

  it('[ATK-127] is 503 for a request it cannot even read, when that cannot be recorded', async () => {
    world.broken.audit = new Error('ENOSPC')
    const answer = await send(world.idp.app, { ...exchangeCall(world), method: 'GET', body: '' })
    expect([answer.statusCode, answer.json().error]).toEqual([503, 'temporarily_unavailable'])
    expect(answer.headers).toMatchObject({ 'cache-control': 'no-store', 'retry-after': '1' })
  })

  it('is 500, reported, when another grant of the host fails, and 400 when the host cannot read it', async () => {
    const reported: unknown[] = []
    let thrown: unknown = new Error('a secret')
    const app = Fastify()
    const { provider, clients } = world.idp
    await app.register(idpPlugin, {
      identityProvider: provider,
      findClient: async (id) => clients.entries.get(id),
      ports: world.ports,
      report: (error) => reported.push(error),
      openid: { metadata: { issuer: provider.issuer }, otherGrants: () => Promise.reject(thrown) },
    })
    const call = { form: { grant_type: 'authorization_code' } }
    const failed = await send(app, call)
    expect(failed.json()).toEqual({ error: 'server_error', error_description: 'the server failed' })
    expect(reported).toEqual([thrown])
    thrown = Object.assign(new Error('a secret'), { statusCode: 422 })
    const unreadable = await send(app, call)
    expect([unreadable.statusCode, unreadable.json().error]).toEqual([422, 'invalid_request'])
    expect(unreadable.payload).not.toContain('a secret')
    expect(world.audit.map(({ reason }) => reason)).toEqual(['internal_error', 'malformed'])
  })
})

describe('the guard in a host application', () => {
  it('protects the routes it is given, and no other', async () => {
    const app = Fastify()
    await app.register(resourcePlugin, {
      ...guard(),
      routes: (scope) => void scope.get('/mcp', async (request) => principalOf(request)),
    })
    app.get('/open', async (request) => {
      expect(() => principalOf(request)).toThrow(TypeError)
      return 'open'
    })
    expect((await app.inject('/open')).payload).toBe('open')
    expect((await app.inject('/mcp')).statusCode).toBe(401)
    expect((await app.inject({ url: '/mcp', headers: await bearer() })).statusCode).toBe(200)
  })

  it('leaves the errors of its routes to the host', async () => {
    const app = Fastify()
    app.setErrorHandler(async (error: Error, _request, reply) => reply.code(418).send({ host: error.message }))
    await app.register(resourcePlugin, {
      ...guard(),
      routes: (scope) => void scope.get('/mcp', () => Promise.reject(new Error('mine'))),
    })
    const answer = await app.inject({ url: '/mcp', headers: await bearer() })
    expect([answer.statusCode, answer.json()]).toEqual([418, { host: 'mine' }])
  })

  it('[ATK-119] is 503, reported and recorded once, when keys cannot be fetched', async () => {
    const reported: unknown[] = []
    const headers = await bearer()
    const app = Fastify()
    await app.register(resourcePlugin, {
      ...guard(),
      keys: { find: () => Promise.reject(unavailable('jwks_unavailable', 'no answer')) },
      report: (error) => reported.push(error),
      routes: (scope) => void scope.get('/mcp', async () => 'in'),
    })
    const before = world.audit.length
    const answer = await app.inject({ url: '/mcp', headers })
    expect([answer.statusCode, answer.headers['retry-after']]).toEqual([503, '1'])
    expect(world.audit.slice(before)).toMatchObject([
      { reason: 'jwks_unavailable', correlationId: answer.headers['x-correlation-id'] },
    ])
    expect(reported).toHaveLength(1)
  })
})
