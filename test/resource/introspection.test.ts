/** A guard that asks the authorization server about each token: what it believes, what it remembers, and when it gives up. */

import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { FastifyInstance } from 'fastify'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Guard, guardOf } from '../../src/resource/guard.ts'
import { type IntrospectionOptions, introspection } from '../../src/resource/introspection.ts'
import { chat, mcp, search } from '../fixture/addresses.ts'
import type { Credentials } from '../fixture/clients.ts'
import { type Enterprise, enterprise, exchange, redeem } from '../fixture/enterprise.ts'
import { resourceClient, type TestStatuses, testStatuses } from '../fixture/statuses.ts'

let world: Enterprise
let statuses: TestStatuses
let api: Credentials
/** How often the server was asked. */
let asked: number
beforeEach(async () => {
  statuses = testStatuses()
  const { entry, credentials } = await resourceClient('chat api:%', [mcp])
  api = credentials
  asked = 0
  world = await enterprise({
    statuses,
    accessTokenLifetime: 600,
    plugin: { findProtectedResource: async (id) => (id === entry.id ? entry : undefined) },
  })
})

/** A `fetch` that brings a request to a Fastify application without a socket. */
function fetchFrom(app: FastifyInstance): NonNullable<IntrospectionOptions['fetch']> {
  return async (address, { headers, body, method }) => {
    asked++
    const answer = await app.inject({
      method: method as 'POST',
      url: new URL(address).pathname,
      headers: headers as Record<string, string>,
      payload: body as string,
    })
    return new Response(answer.payload, { status: answer.statusCode })
  }
}
const answering = (body: unknown, status = 200) => {
  asked = 0
  return async () => {
    asked++
    return new Response(typeof body === 'string' ? body : JSON.stringify(body), { status })
  }
}
const guardWith = (change: Partial<IntrospectionOptions> = {}): Guard =>
  guardOf(
    {
      resource: mcp,
      authorizationServer: chat,
      keys: world.idp.keys.source,
      algorithms: [],
      scopes: ['chat.read'],
      skew: 30,
      maxLifetime: 3600,
      revocation: introspection({
        endpoint: `${chat}/introspect`,
        clientId: api.id,
        clientSecret: api.secret,
        fetch: fetchFrom(world.chat.app),
        ...change,
      }),
    },
    world.ports,
  )
const ask = async (guard: Guard, token: string) =>
  await guard.authenticate({ authorization: [`Bearer ${token}`], correlationId: 'c' })
const newToken = async () => (await redeem(world)).json<{ access_token: string }>().access_token
const challenged = (reason: string) =>
  expect.objectContaining({ name: 'Challenge', status: 401, error: 'invalid_token', reason })
const unknown = expect.objectContaining({
  code: 'temporarily_unavailable',
  status: 503,
  reason: 'introspection_unavailable',
})

describe('a token that the server calls active', () => {
  it('[IN-03] is known by what the server says, and needs no key of the guard', async () => {
    const token = await newToken()
    expect(await ask(guardWith(), token)).toEqual({
      issuer: chat,
      account: 'u-alice',
      client: world.chat.clients.basic.id,
      scopes: ['chat.read'],
      tokenId: world.audit.at(0)?.issuedTokenId,
      authTime: undefined,
      acr: undefined,
      act: undefined,
    })
    expect(world.audit.at(-1)).toMatchObject({ action: 'introspect', outcome: 'granted', client: 'chat api:%' })
  })

  it('may be opaque, where the answer says all that is needed', async () => {
    const { now } = world.clock
    const claims = { iss: chat, sub: 'alice', aud: [mcp, search], client_id: 'wiki', jti: 'j', iat: now, exp: now + 60 }
    const fetch = answering({ active: true, ...claims })
    expect(await ask(guardWith({ fetch }), 'opaque-1')).toMatchObject({ account: 'alice', client: 'wiki', scopes: [] })
  })

  it.each<[string, object, string]>([
    ['of another issuer', { iss: 'https://other.example' }, 'issuer_unknown'],
    ['for another resource', { aud: search }, 'aud_mismatch'],
    ['for no resource', { aud: undefined }, 'malformed'],
    ['without a person', { sub: undefined }, 'malformed'],
    ['that has expired', { exp: 1_799_999_000 }, 'expired'],
    ['that lives too long', { exp: 1_800_009_000 }, 'lifetime_too_long'],
    ['that is bound to a key', { cnf: { jkt: 'x' } }, 'pop_missing'],
    ['that is active as a word', { active: 'true' }, 'token_ended'],
  ])('[IN-03] %s is refused all the same', async (_, change, reason) => {
    const claims = { iss: chat, sub: 'a', aud: mcp, client_id: 'w', jti: 'j', iat: 1_800_000_000, exp: 1_800_000_060 }
    const active = { active: true, ...claims }
    await expect(ask(guardWith({ fetch: answering({ ...active, ...change }) }), 't')).rejects.toEqual(
      challenged(reason),
    )
    expect(await ask(guardWith({ fetch: answering(active) }), 't')).toMatchObject({ account: 'a' })
  })
})

describe('a token that the server calls inactive', () => {
  it('[IN-02] is refused: ended, garbage, or of another kind', async () => {
    const guard = guardWith({ cacheFor: 0 })
    const token = await newToken()
    expect(await ask(guard, token)).toMatchObject({ account: 'u-alice' })
    await statuses.end(0)
    for (const bad of [token, 'garbage', (await exchange(world)).json().access_token])
      await expect(ask(guard, bad)).rejects.toEqual(challenged('token_ended'))
    expect(await ask(guard, await newToken())).toMatchObject({ account: 'u-alice' })
  })

  it('that is too long to be one is refused without a question', async () => {
    await expect(ask(guardWith(), 'x'.repeat(16_385))).rejects.toEqual(challenged('too_large'))
    expect(asked).toBe(0)
  })
})

describe('a good answer', () => {
  it('[IN-04] serves for two seconds, and for everybody who waits for it', async () => {
    const guard = guardWith()
    const token = await newToken()
    await Promise.all(Array.from({ length: 1000 }, () => ask(guard, token)))
    world.clock.now += 1.99
    await ask(guard, token)
    expect(asked).toBe(1)
    await statuses.end(0)
    world.clock.now += 0.01
    await expect(ask(guard, token)).rejects.toEqual(challenged('token_ended'))
    expect(asked).toBe(2)
  })

  it('never serves beyond the token’s end, nor when the clock was set back', async () => {
    const guard = guardWith({ cacheFor: 4 })
    const token = await newToken()
    world.clock.now += 599
    await ask(guard, token)
    world.clock.now -= 10
    await ask(guard, token)
    expect(asked).toBe(2)
    world.clock.now += 45
    await expect(ask(guard, token)).rejects.toEqual(challenged('token_ended'))
  })

  it('is remembered for a bounded number of tokens', async () => {
    const guard = guardWith({ maxEntries: 2 })
    const [one, two, three] = [await newToken(), await newToken(), await newToken()]
    for (const token of [one, two, three, three]) await ask(guard, token)
    expect(asked).toBe(3)
    await ask(guard, one)
    expect(asked).toBe(4)
  })
})

describe('a server that cannot be asked', () => {
  it.each<[string, () => NonNullable<IntrospectionOptions['fetch']>]>([
    ['refuses the guard itself', () => answering({ error: 'invalid_client' }, 401)],
    ['fails', () => answering('', 500)],
    ['answers with nothing', () => async () => new Response(null, { status: 200 })],
    ['answers with no JSON', () => answering('<html>')],
    ['answers with a list', () => answering([true])],
    ['answers without end', () => answering({ active: true, more: 'x'.repeat(70_000) })],
    ['has no address', () => () => Promise.reject(new TypeError('fetch failed'))],
  ])('because it %s is 503, and never a way in', async (_, makeFetch) => {
    const token = await newToken()
    await expect(ask(guardWith({ fetch: makeFetch() }), token)).rejects.toEqual(unknown)
    expect(world.audit.at(-1)).toMatchObject({
      action: 'call',
      outcome: 'refused',
      reason: 'introspection_unavailable',
    })
    expect(await ask(guardWith(), token)).toMatchObject({ account: 'u-alice' })
  })

  it('is asked a bounded number of questions at a time', async () => {
    let open: (() => void) | undefined
    const gate = new Promise<void>((resolve) => {
      open = resolve
    })
    const through = fetchFrom(world.chat.app)
    const guard = guardWith({
      maxEntries: 1,
      async fetch(address, request) {
        await gate
        return await through(address, request)
      },
    })
    const first = ask(guard, await newToken())
    await expect(ask(guard, await newToken())).rejects.toEqual(unknown)
    open?.()
    expect(await first).toMatchObject({ account: 'u-alice' })
    expect(await ask(guard, await newToken())).toMatchObject({ account: 'u-alice' })
  })
})

describe('over a socket', () => {
  const servers: { closeAllConnections(): void; close(): void }[] = []
  afterEach(() => {
    for (const server of servers.splice(0)) {
      server.closeAllConnections()
      server.close()
    }
  })
  const listening = async (listener: Parameters<typeof createServer>[1]) => {
    const server = createServer(listener).listen(0, '127.0.0.1')
    servers.push(server)
    await once(server, 'listening')
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }
  const overSocket = (endpoint: string, deadline = 5) =>
    guardOf(
      {
        resource: mcp,
        authorizationServer: chat,
        keys: world.chat.keys.source,
        algorithms: [],
        scopes: ['a'],
        skew: 30,
        maxLifetime: 3600,
        revocation: introspection({ endpoint, clientId: 'api id', clientSecret: 's/e+c', deadline }),
      },
      world.ports,
    )
  const active = () => {
    const { now } = world.clock
    return JSON.stringify({
      active: true,
      iss: chat,
      sub: 'a',
      aud: mcp,
      client_id: 'w',
      jti: 'j',
      iat: now,
      exp: now + 9,
    })
  }

  it('[IN-01] the question is a form with the token, under encoded Basic credentials', async () => {
    const seen: unknown[] = []
    const origin = await listening(async (request, response) => {
      const body = await text(request)
      seen.push([request.method, request.headers.authorization, request.headers['content-type'], body])
      response.end(active())
    })
    expect(await ask(overSocket(`${origin}/introspect`), 'opaque.1')).toMatchObject({ account: 'a' })
    const basic = `Basic ${Buffer.from('api+id:s%2Fe%2Bc').toString('base64')}`
    expect(seen).toEqual([
      ['POST', basic, 'application/x-www-form-urlencoded', 'token=opaque.1&token_type_hint=access_token'],
    ])
  })

  it('a redirect is not followed, so that no credential goes elsewhere', async () => {
    const seen: (string | undefined)[] = []
    const origin = await listening((request, response) => {
      seen.push(request.url)
      if (request.url === '/introspect') response.writeHead(307, { location: '/elsewhere' }).end()
      else response.end(active())
    })
    await expect(ask(overSocket(`${origin}/introspect`), 't')).rejects.toEqual(unknown)
    expect(seen).toEqual(['/introspect'])
    expect(await ask(overSocket(`${origin}/elsewhere`), 't')).toMatchObject({ account: 'a' })
  })

  it('a server that does not answer keeps no request waiting beyond the deadline', async () => {
    const origin = await listening((request, response) => {
      if (request.url === '/good') response.end(active())
      else if (request.url === '/half') response.write('{"active":')
    })
    for (const path of ['/silent', '/half'])
      await expect(ask(overSocket(`${origin}${path}`, 0.05), 't')).rejects.toEqual(unknown)
    expect(await ask(overSocket(`${origin}/good`), 't')).toMatchObject({ account: 'a' })
  })
})

describe('the options of introspection', () => {
  const options = { endpoint: 'https://as.example/introspect', clientId: 'a', clientSecret: 'b' }

  it.each<[string, Partial<IntrospectionOptions>, RegExp]>([
    ['an endpoint in plain http', { endpoint: 'http://as.example/introspect' }, /must be an https address/],
    ['an endpoint that is no address', { endpoint: '/introspect' }, /Invalid URL/],
    ['a memory longer than four seconds', { cacheFor: 5 }, /cacheFor must be 0 to 4 seconds/],
    ['a memory of less than nothing', { cacheFor: -1 }, /cacheFor must be 0 to 4 seconds/],
    ['a memory of no number', { cacheFor: Number.NaN }, /cacheFor must be 0 to 4 seconds/],
  ])('with %s are refused when the guard is made', (_, change, message) => {
    expect(() => introspection({ ...options, ...change })).toThrow(message)
    introspection(options)
  })
})
