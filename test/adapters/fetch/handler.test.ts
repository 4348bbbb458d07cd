/** A token endpoint, a guard and documents behind the fetch API: the same answers as behind Fastify. */

import { describe, expect, it } from 'vitest'
import { toFetchDocument, toFetchGuard, toFetchHandler } from '../../../src/adapters/fetch/handler.ts'
import { OAuthError } from '../../../src/protocol/errors.ts'
import type { SignInDemand } from '../../../src/protocol/sign-in.ts'
import type { Grant } from '../../../src/protocol/token-endpoint.ts'
import { guardOf } from '../../../src/resource/guard.ts'
import { dangerouslyLocalOnly } from '../../../src/resource/revocation.ts'
import { signerOf, signingKeysNamed } from '../../fixture/keys.ts'
import { testPorts } from '../../fixture/ports.ts'
import { proofFor, proofKeyNamed } from '../../fixture/proofs.ts'
import { signed } from '../../fixture/tokens.ts'
import { authorization, endpointOf, formType } from './endpoint.ts'

const address = 'https://idp.example/token'
const good = { method: 'POST', headers: { authorization, 'content-type': formType }, body: 'grant_type=g' }

interface Asked {
  address?: string
  method?: string
  headers?: { [name: string]: string }
  body?: string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> | null
}

async function ask(change: Asked = {}, grant?: Grant, world = testPorts()) {
  const reported: unknown[] = []
  const handler = toFetchHandler(endpointOf(grant), world.ports, (error) => reported.push(error))
  const { headers, address: url = address, ...rest } = change
  const request = new Request(url, {
    ...good,
    headers: { ...good.headers, ...headers },
    ...rest,
    ...(rest.body instanceof ReadableStream ? { duplex: 'half' } : {}),
  })
  const answer = await handler(request)
  return { answer, body: (await answer.json()) as { [member: string]: unknown }, reported, ...world }
}

describe('a token endpoint behind the fetch API', () => {
  it('answers a good request, with a correlation id that stands in the audit', async () => {
    const { answer, body, audit } = await ask()
    expect([answer.status, body]).toEqual([200, { access_token: 'a', token_type: 'N_A', expires_in: 60 }])
    expect(Object.fromEntries(answer.headers)).toEqual({
      'content-type': 'application/json',
      'cache-control': 'no-store',
      pragma: 'no-cache',
      'x-correlation-id': audit[0]?.correlationId,
    })
    expect(audit).toMatchObject([{ outcome: 'granted', client: 'wiki' }])
  })

  it.each<[string, Asked, string, string, number]>([
    ['GET', { method: 'GET', body: null }, 'invalid_request', 'method_not_allowed', 405],
    ['PUT', { method: 'PUT' }, 'invalid_request', 'method_not_allowed', 405],
    ['JSON', { headers: { 'content-type': 'application/json' } }, 'invalid_request', 'content_type', 415],
    ['no content-type', { headers: { 'content-type': '' } }, 'invalid_request', 'content_type', 415],
    [
      'two content-types',
      { headers: { 'content-type': `${formType}, ${formType}` } },
      'invalid_request',
      'content_type',
      415,
    ],
    ['a compressed body', { headers: { 'content-encoding': 'gzip' } }, 'invalid_request', 'content_type', 415],
    ['a query', { address: `${address}?grant_type=g` }, 'invalid_request', 'query_parameters', 400],
    ['two Host headers', { headers: { host: 'a, b' } }, 'invalid_request', 'malformed', 400],
    [
      'two Authorization headers',
      { headers: { authorization: `${authorization}, ${authorization}` } },
      'invalid_request',
      'malformed_auth',
      400,
    ],
    ['a proof', { headers: { dpop: 'x' } }, 'invalid_dpop_proof', 'pop_unsupported', 400],
    ['no body', { body: null }, 'invalid_request', 'missing_parameter', 400],
    ['a parameter twice', { body: 'grant_type=g&grant_type=g' }, 'invalid_request', 'repeated_parameter', 400],
    ['another grant', { body: 'grant_type=h' }, 'unsupported_grant_type', 'grant_not_enabled', 400],
    ['bytes that are no UTF-8', { body: new Uint8Array([0x67, 0x3d, 0xff]) }, 'invalid_request', 'malformed', 400],
    ['a byte order mark', { body: '\ufeffgrant_type=g' }, 'invalid_request', 'missing_parameter', 400],
    ['65 537 bytes', { body: `grant_type=g&x=${'x'.repeat(64 * 1024 - 14)}` }, 'invalid_request', 'too_large', 413],
  ])('refuses %s, in one audit line', async (_, change, error, reason, status) => {
    const { answer, body, audit, reported } = await ask(change)
    expect([answer.status, body]).toEqual([status, { error, error_description: expect.any(String) }])
    expect(audit).toMatchObject([
      { outcome: 'refused', error, reason, correlationId: answer.headers.get('x-correlation-id') },
    ])
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(answer.headers.get('allow')).toBe(status === 405 ? 'POST' : null)
    expect(reported).toEqual([])
  })

  it('takes 65 536 bytes, in as many pieces as they come', async () => {
    const text = `grant_type=g&x=${'x'.repeat(64 * 1024 - 15)}`
    const pieces = new Response(text).body?.pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({
        transform(chunk, controller) {
          for (let at = 0; at < chunk.length; at += 1000) controller.enqueue(chunk.subarray(at, at + 1000))
        },
      }),
    )
    const { answer, body } = await ask({ body: pieces ?? null })
    expect([answer.status, String(body.access_token).length]).toEqual([200, 64 * 1024 - 15])
  })

  it('reads no further than it must', async () => {
    let sent = 0
    let cancelled = false
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 1024
        controller.enqueue(new Uint8Array(1024).fill(0x61))
      },
      cancel() {
        cancelled = true
      },
    })
    const { answer } = await ask({ body: endless })
    expect([answer.status, cancelled]).toEqual([413, true])
    expect(sent).toBeLessThan(80 * 1024)
  })

  it('answers 400 when the body breaks off', async () => {
    const broken = new ReadableStream<Uint8Array>({ pull: () => Promise.reject(new Error('the line is dead')) })
    const { answer, audit, reported } = await ask({ body: broken })
    expect([answer.status, audit[0]?.reason, reported]).toEqual([400, 'malformed', []])
  })

  it('tells a client that used the Authorization header the scheme', async () => {
    const { answer, body } = await ask({ headers: { authorization: `Basic ${btoa('wiki:wrong')}` } })
    expect([answer.status, body.error]).toEqual([401, 'invalid_client'])
    expect(answer.headers.get('www-authenticate')).toBe('Basic realm="token endpoint", charset="UTF-8"')
  })

  it('answers its own failures with 500 and no word of them, and reports them', async () => {
    const failure = new RangeError('a secret')
    const { answer, body, reported, audit } = await ask({}, () => Promise.reject(failure))
    expect([answer.status, body]).toEqual([500, { error: 'server_error', error_description: 'the server failed' }])
    expect(reported).toEqual([failure])
    expect(audit).toMatchObject([{ reason: 'internal_error', detail: 'RangeError' }])
  })

  it('answers 503 when the audit cannot be written, also for a request that no grant saw', async () => {
    for (const change of [{}, { method: 'PUT' }]) {
      const world = testPorts()
      world.broken.audit = new Error('the disk is full')
      const { answer, reported } = await ask(change, undefined, world)
      expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1'])
      expect(reported).toMatchObject([{ reason: 'audit_unavailable' }])
    }
  })

  it('answers 500 when the host has read the body', async () => {
    const { ports, audit } = testPorts()
    const reported: unknown[] = []
    const handler = toFetchHandler(endpointOf(), ports, (error) => reported.push(error))
    const request = new Request(address, good)
    await request.text()
    expect((await handler(request)).status).toBe(500)
    expect(audit).toMatchObject([{ reason: 'internal_error' }])
    expect(reported).toMatchObject([{ message: expect.stringContaining('hand it on unread') }])
  })
})

describe('a guard behind the fetch API', () => {
  const resource = 'https://api.example/mcp'
  const guarded = async () => {
    const world = testPorts()
    const guard = guardOf(
      {
        resource,
        authorizationServer: 'https://as.example',
        keys: (await signingKeysNamed(['as-1'])).source,
        algorithms: ['ES256'],
        scopes: ['read'],
        skew: 30,
        maxLifetime: 600,
        revocation: dangerouslyLocalOnly,
      },
      world.ports,
    )
    const claims = { iss: 'https://as.example', sub: 'u-1', aud: resource, client_id: 'c', jti: 'j', scope: 'read' }
    const times = { iat: world.clock.now, exp: world.clock.now + 60 }
    const token = signed({ typ: 'at+jwt' }, { ...claims, ...times }, await signerOf('as-1'))
    const reported: unknown[] = []
    const check = toFetchGuard(guard, world.ports, (error) => reported.push(error))
    const call = (headers: { [name: string]: string }, scopes = ['read'], signIn?: SignInDemand) =>
      check(new Request(resource, { headers }), scopes, signIn)
    const key = await proofKeyNamed('proof')
    const cnf = { jkt: key.thumbprint }
    const bound = signed({ typ: 'at+jwt' }, { ...claims, ...times, cnf }, await signerOf('as-1'))
    const proof = () => proofFor(key, { address: resource, now: world.clock.now, method: 'GET', accessToken: bound })
    return { ...world, token, bound, proof, call, reported }
  }

  it('gives the principal of a good token', async () => {
    const { call, token } = await guarded()
    expect(await call({ authorization: `Bearer ${token}` })).toMatchObject({ account: 'u-1', client: 'c' })
  })

  it('[SU-01] demands the sign-in that it is told to, and says which', async () => {
    const { call, token } = await guarded()
    const headers = { authorization: `Bearer ${token}` }
    const answer = await call(headers, ['read'], { acr: ['mfa'], maxAge: 60 })
    if (!(answer instanceof Response)) throw new Error('a token that says nothing of its sign-in was let in')
    expect(answer.status).toBe(401)
    expect(answer.headers.get('www-authenticate')).toContain(
      'error="insufficient_user_authentication", acr_values="mfa", max_age="60"',
    )
    expect(await call(headers, ['read'], {})).toMatchObject({ account: 'u-1' })
  })

  it('takes a bound token with a proof for the address of the request', async () => {
    const { call, bound, proof, audit } = await guarded()
    const headers = (dpop: string) => ({ authorization: `DPoP ${bound}`, dpop })
    expect(await call(headers(proof()))).toMatchObject({ account: 'u-1' })
    const twice = await call(headers(`${proof()}, ${proof()}`))
    expect(twice instanceof Response && twice.status).toBe(401)
    expect(audit.at(-1)).toMatchObject({ reason: 'pop_malformed' })
  })

  it('answers for a request without a token, with a bad one, with two, and with too few scopes', async () => {
    const { call, token, audit } = await guarded()
    const answers = [
      await call({}),
      await call({ authorization: 'Bearer x' }),
      await call({ authorization: 'Bearer a, Bearer b' }),
      await call({ authorization: `Bearer ${token}` }, ['write']),
    ]
    expect(answers.map((answer) => answer instanceof Response && answer.status)).toEqual([401, 401, 400, 403])
    for (const [at, answer] of answers.entries()) {
      const headers = answer instanceof Response ? answer.headers : new Headers()
      expect(headers.get('www-authenticate')).toContain(
        'resource_metadata="https://api.example/.well-known/oauth-protected-resource/mcp"',
      )
      expect(audit[at]?.correlationId).toBe(headers.get('x-correlation-id'))
    }
  })

  it('answers 503 when it cannot know, and lets the host’s own failures through', async () => {
    const { call, token, broken, reported } = await guarded()
    broken.audit = new Error('the disk is full')
    const answer = await call({ authorization: `Bearer ${token}` })
    expect(answer instanceof Response && answer.status).toBe(503)
    expect(reported[0]).toBeInstanceOf(OAuthError)
    const failing = toFetchGuard(
      {
        metadata: {},
        metadataUrl: '',
        authenticate: () => Promise.reject(new RangeError('x')),
        authorize: async () => {},
      },
      testPorts().ports,
    )
    await expect(failing(new Request(resource), [])).rejects.toThrow(RangeError)
  })
})

describe('a document behind the fetch API', () => {
  it('is served to any origin, and answers preflights', async () => {
    const serve = toFetchDocument(() => ({ issuer: 'https://as.example' }))
    const of = (method: string) => serve(new Request('https://as.example/x', { method }))
    expect(await of('GET').json()).toEqual({ issuer: 'https://as.example' })
    expect(of('GET').headers.get('access-control-allow-origin')).toBe('*')
    expect([of('OPTIONS').status, of('POST').status, of('POST').headers.get('allow')]).toEqual([
      204,
      405,
      'GET, HEAD, OPTIONS',
    ])
  })
})
