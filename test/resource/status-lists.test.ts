/** A guard that looks at status lists: what an ended token meets, what is fetched and when, and what no list can make it do. */

import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { documentFetch } from '../../src/outbound/document.ts'
import type { SigningKey } from '../../src/protocol/keys.ts'
import { compressStatusList } from '../../src/protocol/status-list.ts'
import { type Guard, guardOf } from '../../src/resource/guard.ts'
import { dangerouslyLocalOnly } from '../../src/resource/revocation.ts'
import { statusLists } from '../../src/resource/status-lists.ts'
import { publicJwk, signerOf, sourceOf } from '../fixture/keys.ts'
import { type TestPorts, testPorts } from '../fixture/ports.ts'
import { signed } from '../fixture/tokens.ts'

const resource = 'https://api.example/mcp'
type Answer = (request: IncomingMessage, response: ServerResponse) => void

/** A genuine authorization server on a socket, whose answers a test replaces. */
interface AuthorizationServer {
  issuer: string
  routes: Map<string, Answer>
  /** The paths that were asked for, in order. */
  seen: string[]
  close(): void
}

async function authorizationServer(): Promise<AuthorizationServer> {
  const routes: AuthorizationServer['routes'] = new Map()
  const seen: string[] = []
  const server = createServer((request, response) => {
    seen.push(request.url ?? '')
    const route = routes.get(request.url ?? '')
    if (route === undefined) response.writeHead(404).end()
    else route(request, response)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = () => {
    server.closeAllConnections()
    server.close()
  }
  return { issuer: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, routes, seen, close }
}

let world: TestPorts
let as: AuthorizationServer
let signer: SigningKey
let guard: Guard
let ended: number[]
let kids: string[] | undefined

beforeEach(async () => {
  world = testPorts()
  as = await authorizationServer()
  signer = await signerOf('as-1')
  ended = [7]
  kids = ['as-1']
  const metadata = { issuer: as.issuer, status_list_aggregation_endpoint: `${as.issuer}/status-lists` }
  as.routes.set('/.well-known/oauth-authorization-server', (_, response) => response.end(JSON.stringify(metadata)))
  as.routes.set('/status/0', (_, response) => response.end(list()))
  guard = await newGuard()
})
afterEach(() => as.close())

async function newGuard(deadline = 5): Promise<Guard> {
  const fetchDocument = documentFetch({ allowLoopback: true, allowAddresses: [] })
  return guardOf(
    {
      resource,
      authorizationServer: as.issuer,
      keys: await sourceOf(await publicJwk('as-1'), await publicJwk('as-2')),
      algorithms: ['ES256'],
      scopes: ['a'],
      skew: 30,
      maxLifetime: 600,
      revocation: statusLists({ fetchDocument, deadline }),
    },
    world.ports,
  )
}

type Members = Record<string, unknown>

function list(change: Members = {}, by: SigningKey = signer, header: Members = {}): string {
  const iat = Math.floor(world.clock.now)
  const claims = {
    iss: as.issuer,
    sub: `${as.issuer}/status/0`,
    iat,
    exp: iat + 60,
    ttl: 3,
    status_list: { bits: 1, lst: compressStatusList(ended) },
    [`${as.issuer}#published_kids`]: kids,
  }
  return signed({ typ: 'statuslist+jwt', ...header }, { ...claims, ...change }, by)
}

function token(change: Members = {}, header: Members = {}, by: SigningKey = signer): string {
  const claims = {
    iss: as.issuer,
    sub: 'alice',
    aud: resource,
    client_id: 'wiki',
    jti: 'jti-1',
    iat: 1_800_000_000,
    exp: 1_800_000_600,
    status: { status_list: { idx: 1, uri: `${as.issuer}/status/0` } },
  }
  return signed({ typ: 'at+jwt', ...header }, { ...claims, ...change }, by)
}
const place = (idx: number, uri = `${as.issuer}/status/0`) => ({ status: { status_list: { idx, uri } } })
const ask = async (bearer = token()) =>
  await guard.authenticate({ authorization: [`Bearer ${bearer}`], correlationId: 'c' })
const challenged = (reason: string) =>
  expect.objectContaining({ name: 'Challenge', status: 401, error: 'invalid_token', reason })
const unknown = expect.objectContaining({ code: 'temporarily_unavailable', status: 503, reason: 'status_unavailable' })
const fetches = () => as.seen.filter((path) => path === '/status/0').length
/** What `ask` is refused with, once what is fetched in the background has arrived. */
async function laterRefusal(bearer = token()): Promise<unknown> {
  for (;;) {
    try {
      await ask(bearer)
    } catch (error) {
      return error
    }
    await new Promise((resolve) => setImmediate(resolve))
  }
}

describe('a token with a status', () => {
  it('passes while it is valid, and is refused once it is ended', async () => {
    expect(await ask()).toMatchObject({ account: 'alice', client: 'wiki' })
    await expect(ask(token(place(7)))).rejects.toEqual(challenged('token_ended'))
    expect(world.audit.at(-1)).toMatchObject({ action: 'call', reason: 'token_ended', error: 'invalid_token' })
    ended = [1]
    world.clock.now += 3
    await expect(ask()).rejects.toEqual(challenged('token_ended'))
    expect(await ask(token(place(7)))).toMatchObject({ account: 'alice' })
  })

  it('whose signature is known is refused as soon as it is ended, or its key is published no more', async () => {
    const same = token()
    for (let call = 0; call < 2; call++) expect(await ask(same)).toMatchObject({ account: 'alice' })
    kids = ['as-2']
    world.clock.now += 3
    await expect(ask(same)).rejects.toEqual(challenged('key_unknown'))
    kids = ['as-1']
    world.clock.now += 3
    expect(await ask(same)).toMatchObject({ account: 'alice' })
    ended = [1]
    world.clock.now += 3
    await expect(ask(same)).rejects.toEqual(challenged('token_ended'))
  })

  it.each<[string, () => Members, string]>([
    ['a place beyond its list', () => place(65_536), 'malformed'],
    ['no list', () => ({ status: {} }), 'malformed'],
    ['a list at another server', () => place(1, 'https://evil.example/status/0'), 'fetch_blocked'],
    ['a list at another port', () => place(1, as.issuer.replace(/\d+$/, '1')), 'fetch_blocked'],
    ['a list that is no address', () => place(1, 'status/0'), 'fetch_blocked'],
    [
      'a credential in the address of another host',
      () => place(1, `http://${new URL(as.issuer).host}@evil.example/`),
      'fetch_blocked',
    ],
  ])('that names %s is refused, and nobody is asked for it', async (_, change, reason) => {
    await expect(ask(token(change()))).rejects.toEqual(challenged(reason))
    expect(as.seen.every((path) => path === '/status/0')).toBe(true)
    expect(await ask()).toMatchObject({ account: 'alice' })
  })

  it('that is forged leads to no question', async () => {
    const stranger = await signerOf('stranger')
    await expect(ask(token({}, { kid: 'as-1' }, stranger))).rejects.toEqual(challenged('signature_invalid'))
    await expect(ask(token({ aud: 'https://other.example' }))).rejects.toEqual(challenged('aud_mismatch'))
    expect(as.seen).toEqual([])
    expect(await ask()).toMatchObject({ account: 'alice' })
  })

  it('is refused when its key was purged, as soon as the list says so', async () => {
    const other = await signerOf('as-2')
    kids = ['as-1', 'as-2']
    expect(await ask(token({}, {}, other))).toMatchObject({ account: 'alice' })
    kids = ['as-1']
    world.clock.now += 3
    await expect(ask(token({}, {}, other))).rejects.toEqual(challenged('key_unknown'))
    expect(await ask()).toMatchObject({ account: 'alice' })
    kids = undefined
    world.clock.now += 3
    expect(await ask(token({}, {}, other))).toMatchObject({ account: 'alice' })
  })

  it('without a kid is refused by a list that names keys', async () => {
    const keys = await sourceOf(await publicJwk('as-1'))
    const fetchDocument = documentFetch({ allowLoopback: true, allowAddresses: [] })
    const check = statusLists({ fetchDocument })({
      issuer: as.issuer,
      keys,
      algorithms: ['ES256'],
      skew: 30,
      now: world.ports.now,
    })
    const rules = {
      issuer: as.issuer,
      keys,
      algorithms: ['ES256'] as const,
      resource,
      now: world.clock.now,
      skew: 30,
      maxLifetime: 600,
    }
    await expect(check(token({}, { kid: undefined }), rules)).rejects.toMatchObject({ reason: 'key_unknown' })
    expect(await check(token(), rules)).toMatchObject({ sub: 'alice' })
  })
})

describe('a token without a status', () => {
  it('is refused where the issuer offers lists', async () => {
    await expect(ask(token({ status: undefined }))).rejects.toEqual(challenged('token_invalid'))
    expect(await ask()).toMatchObject({ account: 'alice' })
  })

  it('is judged by signature and lifetime where the issuer offers none, which is looked up once', async () => {
    as.routes.set('/.well-known/oauth-authorization-server', (_, response) =>
      response.end(JSON.stringify({ issuer: as.issuer })),
    )
    for (let time = 0; time < 3; time++)
      expect(await ask(token({ status: undefined }))).toMatchObject({ account: 'alice' })
    expect(as.seen).toEqual(['/.well-known/oauth-authorization-server'])
    await expect(ask(token({ status: undefined, exp: 1_799_999_000 }))).rejects.toEqual(challenged('expired'))
  })

  it('whose signature is known is refused as soon as the issuer is known to offer lists', async () => {
    const address = '/.well-known/oauth-authorization-server'
    const offering = as.routes.get(address) as Answer
    as.routes.set(address, (_, response) => response.end(JSON.stringify({ issuer: as.issuer })))
    const same = token({ status: undefined })
    for (let call = 0; call < 2; call++) expect(await ask(same)).toMatchObject({ account: 'alice' })
    as.routes.set(address, offering)
    world.clock.now += 300
    expect(await ask(same)).toMatchObject({ account: 'alice' })
    expect(await laterRefusal(same)).toEqual(challenged('token_invalid'))
  })

  it('is 503 while nobody knows whether the issuer offers lists', async () => {
    as.routes.set('/.well-known/oauth-authorization-server', (_, response) => response.writeHead(500).end())
    await expect(ask(token({ status: undefined }))).rejects.toEqual(unknown)
    expect(await ask()).toMatchObject({ account: 'alice' })
  })
})

describe('a guard that looks at lists', () => {
  it('answers a thousand requests with one fetch, and asks for no JSON', async () => {
    const accepted: unknown[] = []
    as.routes.set('/status/0', (request, response) => {
      accepted.push(request.headers.accept)
      response.end(list())
    })
    await Promise.all(Array.from({ length: 1000 }, () => ask()))
    world.clock.now += 0.99
    await ask()
    expect(accepted).toEqual(['application/statuslist+jwt'])
  })

  it('fetches in the background from one second on, and waits from the ttl on', async () => {
    await ask()
    ended = [1]
    world.clock.now += 1
    expect(await ask()).toMatchObject({ account: 'alice' })
    expect(await laterRefusal()).toEqual(challenged('token_ended'))
    expect(fetches()).toBe(2)
    ended = []
    world.clock.now += 2.5
    expect(await ask()).toMatchObject({ account: 'alice' })
    expect(fetches()).toBe(3)
  })

  it('heeds a ttl that is shorter, and lists that name none', async () => {
    as.routes.set('/status/0', (_, response) => response.end(list({ ttl: 0.5 })))
    await ask()
    ended = [1]
    world.clock.now += 0.5
    await expect(ask()).rejects.toEqual(challenged('token_ended'))
    as.routes.set('/status/0', (_, response) => response.end(list({ ttl: undefined })))
    ended = []
    world.clock.now += 2.5
    expect(await ask()).toMatchObject({ account: 'alice' })
  })

  it('asks nobody while nobody calls', async () => {
    await ask()
    world.clock.now += 60
    expect(fetches()).toBe(1)
    await ask()
    expect(fetches()).toBe(2)
  })

  it('keeps 64 lists, and forgets the one that was used the longest ago', async () => {
    const uris = Array.from({ length: 65 }, (_, number) => `${as.issuer}/status/n${number}`)
    for (const uri of uris) as.routes.set(new URL(uri).pathname, (_, response) => response.end(list({ sub: uri })))
    for (const uri of uris) await ask(token(place(1, uri)))
    await ask(token(place(1, uris.at(-1))))
    expect(as.seen).toHaveLength(65)
    await ask(token(place(1, uris[0])))
    expect(as.seen).toHaveLength(66)
  })
})

describe('a list that cannot be used', () => {
  const useless: [string, () => Promise<Answer> | Answer][] = [
    ['signed by a stranger', async () => answering(list({}, await signerOf('stranger')))],
    [
      'signed by a stranger under the issuer’s kid',
      async () => answering(list({}, await signerOf('stranger'), { kid: 'as-1' })),
    ],
    ['for another address', () => answering(list({ sub: `${as.issuer}/status/1` }))],
    ['of another issuer', () => answering(list({ iss: 'https://other.example' }))],
    ['that has expired', () => answering(list({ iat: 1_799_999_000, exp: 1_799_999_060 }))],
    ['that is an access token', () => answering(token())],
    ['that is no JWT', () => answering('{"status_list":{}}')],
    ['that is too large', () => answering('x'.repeat(200_000))],
    ['that is an error', () => (_, response) => void response.writeHead(500).end()],
    [
      'that is elsewhere',
      () => (_, response) => void response.writeHead(302, { location: `${as.issuer}/other` }).end(),
    ],
  ]
  const answering =
    (body: string): Answer =>
    (_, response) =>
      response.end(body)

  it.each(useless)('%s is 503, and never a way in', async (_, makeAnswer) => {
    const answer = await makeAnswer()
    as.routes.set('/status/0', answer)
    as.routes.set('/other', (_request, response) => response.end(list()))
    await expect(ask()).rejects.toEqual(unknown)
    expect(as.seen).toEqual(['/status/0'])
    expect(world.audit.at(-1)).toMatchObject({ outcome: 'refused', reason: 'status_unavailable' })
    as.routes.set('/status/0', (_request, response) => response.end(list()))
    world.clock.now += 0.5
    expect(await ask()).toMatchObject({ account: 'alice' })
  })

  it('leaves the last good one to serve for 3 s, and then nothing', async () => {
    await ask()
    const good = as.routes.get('/status/0')
    as.routes.set('/status/0', (_, response) => response.writeHead(500).end())
    world.clock.now += 3
    expect(await ask()).toMatchObject({ account: 'alice' })
    await expect(ask(token(place(7)))).rejects.toEqual(challenged('token_ended'))
    world.clock.now += 0.1
    await expect(ask()).rejects.toEqual(unknown)
    as.routes.set('/status/0', good ?? answering(''))
    world.clock.now += 0.5
    expect(await ask()).toMatchObject({ account: 'alice' })
  })

  it('that is older than the one before is not believed', async () => {
    const old = list()
    world.clock.now += 6
    ended = [1]
    await expect(ask()).rejects.toEqual(challenged('token_ended'))
    as.routes.set('/status/0', answering(old))
    world.clock.now += 2.9
    await expect(ask()).rejects.toEqual(challenged('token_ended'))
    world.clock.now += 1
    await expect(ask()).rejects.toEqual(unknown)
    as.routes.set('/status/0', answering(list()))
    world.clock.now += 0.5
    await expect(ask()).rejects.toEqual(challenged('token_ended'))
  })

  it('that comes too slowly keeps no request waiting beyond the deadline', async () => {
    guard = await newGuard(0.05)
    as.routes.set('/status/0', () => {})
    const answers = await Promise.allSettled([ask(), ask(), ask()])
    expect(answers.map((answer) => answer.status)).toEqual(['rejected', 'rejected', 'rejected'])
    await expect(ask()).rejects.toEqual(unknown)
    expect(fetches()).toBe(1)
    as.routes.set('/status/0', answering(list()))
    guard = await newGuard()
    expect(await ask()).toMatchObject({ account: 'alice' })
  })
})

it('a guard that dangerously looks at the token alone takes an ended one until it expires', async () => {
  const keys = await sourceOf(await publicJwk('as-1'))
  const check = dangerouslyLocalOnly({ issuer: as.issuer, keys, algorithms: ['ES256'], skew: 30, now: world.ports.now })
  const rules = {
    issuer: as.issuer,
    keys,
    algorithms: ['ES256'] as const,
    resource,
    now: world.clock.now,
    skew: 30,
    maxLifetime: 600,
  }
  expect(await check(token(place(7)), rules)).toMatchObject({ sub: 'alice' })
  await expect(check(token(place(7)), { ...rules, now: world.clock.now + 630 })).rejects.toMatchObject({
    reason: 'expired',
  })
  expect(as.seen).toEqual([])
})
