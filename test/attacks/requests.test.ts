/** What is wrong with a token request as HTTP, at both servers of the running enterprise; the bytes on sockets where they matter. */

import { once } from 'node:events'
import { connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterAll, describe, expect, it } from 'vitest'
import { grantType } from '../../src/protocol/names.ts'
import { basic } from '../fixture/clients.ts'
import { expectContract } from '../fixture/contract.ts'
import { rawRequest } from '../fixture/raw-request.ts'
import { type Change, type Place, type Refusal, underAttack } from './stage.ts'

const stage = await underAttack()
const { world } = stage
afterAll(stage.close)

const places = ['idp', 'chat', 'files'] as const
const ir = (reason: Refusal['reason'], status = 400): Refusal => ({ error: 'invalid_request', reason, status })
const grantOf = (at: Place) => encodeURIComponent(at === 'idp' ? grantType.tokenExchange : grantType.jwtBearer)
const tokenOf = (at: Place) => (at === 'idp' ? 'subject_token' : 'assertion')

describe.each(places)('at %s', (at) => {
  const refused = async (change: Change, refusal: Refusal) => await stage.refused(at, change, refusal)
  const body = (rest: string) => `grant_type=${grantOf(at)}&${rest}`

  it.each(['grant_type', tokenOf(at), 'client_id', 'scope', 'client_secret', 'client_assertion', 'x', 'audience'])(
    '[ATK-085] %s twice is refused',
    async (name) => {
      await refused({ body: body(`${name}=a&${name}=a`) }, ir('repeated_parameter'))
      await refused(
        { body: body(`${name}=a&%${name.charCodeAt(0).toString(16)}${name.slice(1)}=b`) },
        ir('repeated_parameter'),
      )
      await refused({ body: body(`${name}=&${name}=a`) }, ir('repeated_parameter'))
    },
  )

  it.each([
    undefined,
    '',
    'application/json',
    'multipart/form-data; boundary=x',
    'text/plain',
    'application/x-www-form-urlencoded\t; charset=utf-8',
    'application/x-www-form-urlencoded; charset=utf-16',
    'application/x-www-form-urlencoded; charset="utf-8',
    'application/x-www-form-urlencoded; charset=utf-8; charset=utf-16',
    'application/x-www-form-urlencoded, application/json',
    'application/x-www-form-urlencoded;charset=utf-8;x=y',
    'xapplication/x-www-form-urlencoded',
  ])('[ATK-086] content-type %j is 415', async (type) => {
    await refused({ headers: { 'content-type': type } }, ir('content_type', 415))
  })

  it('[ATK-087] parameters and credentials in the query are refused', async () => {
    for (const query of ['?x=1', '?client_id=a&client_secret=b', `?grant_type=${grantOf(at)}`])
      await refused({ query }, ir('query_parameters'))
    await refused({ query: '?client_secret=mark-4711', as: {} }, ir('query_parameters'))
    expect(JSON.stringify(world.audit)).not.toContain('mark-4711')
  })

  it.each(['GET', 'PUT', 'DELETE', 'PATCH', 'HEAD'] as const)('[ATK-088] %s is 405', async (method) => {
    await refused({ method, body: '' }, ir('method_not_allowed', 405))
    await refused({ method, body: '', headers: { 'x-http-method-override': 'POST' } }, ir('method_not_allowed', 405))
  })

  it('[ATK-088] a method in a header changes nothing', async () => {
    await stage.granted(at, { headers: { 'x-http-method-override': 'DELETE', 'x-http-method': 'GET' } })
  })

  it('[ATK-089] what is too large or compressed is not read', async () => {
    await refused({ body: body(`x=${'x'.repeat(65 * 1024)}`) }, ir('too_large', 413))
    await refused({ body: gzipSync(body('x=1')), headers: { 'content-encoding': 'gzip' } }, ir('content_type', 415))
    for (const encoding of ['deflate', 'br', 'identity, gzip', 'x'])
      await refused({ headers: { 'content-encoding': encoding } }, ir('content_type', 415))
    for (const count of [65, 5000])
      await refused({ body: Array.from({ length: count }, (_, n) => `p${n}=1`).join('&') }, ir('too_large', 413))
  })

  it.each(['%zz', '%', '%0', '%00', '%C0%AF', '%ED%A0%80', '%FF', '\0', '%0A', '%7F', '%EF%BF%BD'])(
    '[ATK-091] %j in a parameter or its name is refused',
    async (text) => {
      for (const name of [tokenOf(at), 'client_id', 'scope', 'x'])
        await refused({ body: body(`${name}=a${text}`) }, ir('malformed'))
      await refused({ body: body(`a${text}=b`) }, ir('malformed'))
    },
  )

  it('[ATK-091] bytes that are no UTF-8 are refused', async () => {
    await refused({ body: Buffer.from(body('scope=\xff'), 'latin1') }, ir('malformed'))
  })

  it.each([
    'assertion[]=x',
    'subject_token[0]=x',
    '__proto__[x]=1',
    'constructor[prototype][x]=1',
    '__proto__=x',
    'constructor=x',
    'toString=x',
    'hasOwnProperty=1',
  ])('[ATK-092] %s is a parameter nobody knows', async (pair) => {
    await refused({ form: { [tokenOf(at)]: undefined, [pair.split('=')[0] ?? '']: '1' } }, ir('missing_parameter'))
    await stage.granted(at, { form: { [pair.split('=')[0] ?? '']: '1' } })
    expect(({} as { x?: unknown }).x).toBeUndefined()
  })

  it('[ATK-093] an empty token counts as none, and empty optional parameters as absent', async () => {
    await refused({ form: { [tokenOf(at)]: '' } }, ir('missing_parameter'))
    await refused({ form: { grant_type: '' } }, ir('missing_parameter'))
    await stage.granted(at, { form: { scope: '', ...(at === 'idp' ? {} : { resource: '' }) } })
  })

  it('[ATK-095] what a stranger says of a proxy changes nothing', async () => {
    const headers = {
      host: 'evil.example',
      forwarded: 'for=10.0.0.1;host=evil.example;proto=https',
      'x-forwarded-host': 'evil.example',
      'x-forwarded-proto': 'https',
      'x-forwarded-for': '\t10.0.0.1',
      'x-forwarded-prefix': '/x',
      'x-original-url': '/admin',
    }
    const answer = await stage.granted(at, { headers })
    expect(JSON.stringify([answer.headers, answer.payload])).not.toContain('evil')
  })
})

describe.each(['idp', 'chat'] as const)('on a socket of %s', (at) => {
  const port = Number(new URL(at === 'idp' ? world.idp.issuer : world.resourceAs.chat.issuer).port)
  const form = 'Content-Type: application/x-www-form-urlencoded'
  const client = at === 'idp' ? stage.idpClient : stage.chatClient
  const authorization = `Authorization: ${basic(client).headers?.authorization}`
  const head = ['POST /token HTTP/1.1', 'Host: a', form]
  /** Refused by the endpoint as every refusal, and the server still answers. */
  const refused = async (lines: readonly string[], body: string, refusal: Refusal) => {
    const before = world.audit.length
    const { status: statusCode, headers, body: payload } = await rawRequest(port, lines, body)
    const rawPayload = Buffer.from(payload)
    const json = () => JSON.parse(payload)
    const answer = { statusCode, headers: Object.fromEntries(headers), payload, body: payload, rawPayload, json }
    expectContract({ call: { form: {} }, answer, events: world.audit.slice(before) }, refusal)
    await stage.granted(at)
  }
  /** Refused before there is an endpoint to ask, so that nothing of it is in the audit; the connection is closed. */
  const broken = async (lines: readonly string[], body: string, status: number) => {
    const before = world.audit.length
    const answer = await rawRequest(port, lines, body)
    expect([lines, answer.status, JSON.parse(answer.body)]).toEqual([
      lines,
      status,
      { error: 'invalid_request', error_description: expect.stringMatching(/^[a-z A-Z]+$/) },
    ])
    const expected = { 'content-type': 'application/json', 'cache-control': 'no-store', pragma: 'no-cache' }
    expect(Object.fromEntries(answer.headers)).toMatchObject({ ...expected, connection: 'close' })
    expect(world.audit).toHaveLength(before)
    await stage.granted(at)
  }

  it.each([
    ['a length and chunks', ['Content-Length: 3', 'Transfer-Encoding: chunked']],
    ['chunks and a length', ['Transfer-Encoding: chunked', 'Content-Length: 3']],
    ['two lengths', ['Content-Length: 3', 'Content-Length: 4']],
    ['two lengths in one', ['Content-Length: 3, 4']],
    ['a length that is no number', ['Content-Length: 3x']],
    ['a negative length', ['Content-Length: -3']],
    ['a blank before the colon', ['Content-Length : 3']],
    ['a folded header', ['X: a', ' b', 'Content-Length: 3']],
    ['an encoding nobody knows before chunks', ['Transfer-Encoding: chunked, x']],
    ['NUL in a header', ['X: a\0b', 'Content-Length: 3']],
    ['no name of a header', [': a', 'Content-Length: 3']],
  ])('[ATK-094] %s is 400', async (_, lines) => {
    await broken([...head, ...lines], 'a=b', 400)
  })

  it('[ATK-094] no Host, and two of them, are 400', async () => {
    // Node answers the first itself, without a word.
    const answer = await rawRequest(port, ['POST /token HTTP/1.1', form, 'Content-Length: 3'], 'a=b')
    expect([answer.status, answer.headers.get('connection')]).toEqual([400, 'close'])
    await refused([...head, 'Host: b', 'Content-Length: 3'], 'a=b', ir('malformed'))
  })

  it('[ATK-088] CONNECT, which asks for a proxy, is 405, and what follows it is not read', async () => {
    const answer = await rawRequest(port, ['CONNECT a:443 HTTP/1.1', 'Host: a:443'], 'POST /token HTTP/1.1\r\n\r\n')
    expect([answer.status, answer.headers.get('allow'), JSON.parse(answer.body).error]).toEqual([
      405,
      'POST',
      'invalid_request',
    ])
    await stage.granted(at)
  })

  it.each(['x', '101-continue', 'x=y; q'])('[ATK-094] a request that expects %j is 417', async (expected) => {
    await refused([...head, `Expect: ${expected}`, 'Content-Length: 3'], 'a=b', ir('malformed', 417))
  })

  it('[ATK-094] a line that ends in LF alone is 400, and what follows it is no second request', async () => {
    const socket = connect(port, '127.0.0.1')
    const chunks: Buffer[] = []
    socket.on('data', (chunk) => chunks.push(chunk))
    socket.on('error', () => {})
    socket.write(
      `${head.join('\n')}\nContent-Length: 3\n\na=bGET /jwks HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
    )
    await once(socket, 'close')
    const text = Buffer.concat(chunks).toString()
    expect(text).toMatch(/^HTTP\/1\.1 400 /)
    expect(text.match(/HTTP\/1\.1/g)).toHaveLength(1)
    await stage.granted(at)
  })

  it.each(['TRACE', 'PROPFIND', 'LOCK', 'SEARCH', 'M-SEARCH', 'PURGE'])(
    '[ATK-088] %s, which hardly anybody sends, is 405, too',
    async (method) => {
      const lines = [`${method} /token HTTP/1.1`, ...head.slice(1), authorization, 'Content-Length: 3']
      await refused(lines, 'a=b', ir('method_not_allowed', 405))
    },
  )

  it.each([
    ['//token', 404],
    ['/token/', 404],
    ['/TOKEN', 404],
    ['/token%00', 404],
    ['/token;x=y', 404],
    ['/x/../token', 404],
    ['/__proto__', 404],
    ['*', 404],
    ['/%zz', 400],
    ['/%c0%af', 400],
  ])('[ATK-088] the address %s is %i, in our own words, and is not repeated', async (address, status) => {
    const answer = await rawRequest(port, [`POST ${address} HTTP/1.1`, ...head.slice(1), 'Content-Length: 3'], 'a=b')
    expect([answer.status, JSON.parse(answer.body)]).toEqual([
      status,
      { error: 'invalid_request', error_description: expect.stringMatching(/^[a-z ]+$/) },
    ])
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(answer.body).not.toContain(address)
    await stage.granted(at)
  })

  it('[ATK-070] two Authorization headers, in each order and spelling, are refused', async () => {
    for (const other of [authorization, 'authorization: Basic eDp5', 'AUTHORIZATION: Bearer x', 'Authorization:'])
      for (const lines of [
        [authorization, other],
        [other, authorization],
      ]) {
        await refused([...head, 'Content-Length: 19', ...lines], 'grant_type=anything', ir('malformed_auth'))
      }
  })

  it('[ATK-086] two Content-Type headers are 415', async () => {
    await refused([...head, form, 'Content-Length: 3'], 'a=b', ir('content_type', 415))
    await refused([...head, 'content-type: application/json', 'Content-Length: 3'], 'a=b', ir('content_type', 415))
  })

  it('[ATK-078] two DPoP headers are refused like one', async () => {
    const body = `grant_type=${grantOf(at)}`
    const lines = [...head, `Content-Length: ${body.length}`, authorization, 'DPoP: a', 'DPoP: b']
    await refused(lines, body, { error: 'invalid_dpop_proof', reason: 'pop_malformed' })
  })

  it.each(['?', '#x', '#client_secret=s'])('[ATK-087] the address /token%s is refused', async (end) => {
    await refused([`POST /token${end} HTTP/1.1`, ...head.slice(1), 'Content-Length: 3'], 'a=b', ir('query_parameters'))
  })

  it('[ATK-089] 65 KiB in chunks are 413, and headers of 20 KiB are 431', async () => {
    await refused(
      [...head, 'Transfer-Encoding: chunked'],
      `${`1000\r\n${'x'.repeat(4096)}\r\n`.repeat(17)}0\r\n\r\n`,
      ir('too_large', 413),
    )
    await broken([...head, `X: ${'x'.repeat(20_000)}`, 'Content-Length: 3'], 'a=b', 431)
  })
})
