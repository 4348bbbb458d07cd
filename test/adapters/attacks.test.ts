/** Attacks on the grants inside an oidc-provider application and behind node:http, each beside the honest request. */

import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { toNodeListener } from '../../src/adapters/fetch/node-listener.ts'
import { grantType, tokenType } from '../../src/protocol/names.ts'
import { signingKeysOf } from '../../src/protocol/own-keys.ts'
import { mutated, randomOf } from '../fixture/mutations.ts'
import { type TestPorts, testPorts } from '../fixture/ports.ts'
import { rawRequest } from '../fixture/raw-request.ts'
import { authorization as basic, endpointOf, formType } from './fetch/endpoint.ts'
import { secretOf } from './oidc-provider/application.ts'
import { idJagOf } from './oidc-provider/assertions.ts'
import { acmeCompany, type Company, chatCompany, exchange, redeem } from './oidc-provider/companies.ts'

let acme: Company
let chat: Company
beforeAll(async () => {
  chat = await chatCompany(() => acme)
  acme = await acmeCompany(chat.issuer)
})
afterAll(async () => {
  await acme.close()
  await chat.close()
})

const idJag = async (claims: { [claim: string]: unknown } = {}) =>
  await idJagOf(acme.issuer, (await signingKeysOf(acme.jwks)).current(), { aud: chat.issuer, ...claims })
const portOf = ({ issuer }: Company) => Number(new URL(issuer).port)
const credentialsOf = (client: string) => `Basic ${btoa(`${client}:${secretOf(client)}`)}`

/** One redemption as bytes, with header lines added. */
const rawRedemption = async (assertion: string, lines: readonly string[], form = '', target = '/token') => {
  const body = `grant_type=${encodeURIComponent(grantType.jwtBearer)}&assertion=${assertion}${form}`
  const head = [
    `POST ${target} HTTP/1.1`,
    `Host: 127.0.0.1:${portOf(chat)}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...lines,
  ]
  return await rawRequest(portOf(chat), head, body)
}

describe('a redemption inside an oidc-provider application', () => {
  const client = `Authorization: ${credentialsOf('assistant-at-chat')}`
  const form = `Content-Type: ${formType}`

  it.each<[string, string[], string, string?]>([
    ['two Authorization headers, the good one first', [form, client, 'Authorization: Bearer x'], ''],
    ['two Content-Type headers', [form, client, 'Content-Type: application/json'], ''],
    ['another charset', [`${form}; charset=utf-16`, client], ''],
    ['an encoded body', [form, client, 'Content-Encoding: gzip'], ''],
    ['JSON', ['Content-Type: application/json', client], ''],
    ['two DPoP headers', [form, client, 'DPoP: a', 'DPoP: b'], ''],
    ['parameters in the query', [form, client], '', '/token?scope=chat.write'],
    ['the assertion twice', [form, client], '&assertion=x'],
    ['the grant twice', [form, client], '&grant_type=client_credentials'],
    ['another client in the body', [form, client], '&client_id=other-at-chat'],
    ['two ways of authentication', [form, client], `&client_secret=${secretOf('assistant-at-chat')}`],
    ['a NUL in a parameter', [form, client], '&scope=chat.read%00'],
    ['a resource that is none', [form, client], '&resource=not%20a%20url'],
    ['a resource with a fragment', [form, client], '&resource=https%3A%2F%2Fapi.chat.example%2Fmcp%23x'],
  ])('with %s is refused and spends nothing', async (_, lines, more, target) => {
    const assertion = await idJag()
    const answer = await rawRedemption(assertion, lines, more, target)
    expect(answer.status).toBeGreaterThanOrEqual(400)
    expect(answer.status).toBeLessThan(500)
    expect(JSON.parse(answer.body)).toEqual({ error: expect.any(String), error_description: expect.any(String) })
    expect(answer.body).not.toContain(assertion)
    expect((await redeem(chat, assertion)).status).toBe(200)
  })

  it.each([
    ['__proto__[scope]', 'chat.write'],
    ['constructor[prototype][scope]', 'chat.write'],
    ['scope[]', 'chat.write'],
    ['account', 'u-bob'],
    ['sub', 'u-bob'],
  ])('gains nothing by the parameter %s', async (name, value) => {
    const more = `&${encodeURIComponent(name)}=${value}`
    const answer = await rawRedemption(await idJag(), [form, client], more)
    expect([answer.status, JSON.parse(answer.body).scope]).toEqual([200, 'chat.read'])
    expect(({} as { scope?: unknown }).scope).toBeUndefined()
    expect(chat.audit.at(-1)).toMatchObject({ outcome: 'granted', account: 'u-alice' })
  })

  it('goes by the issuer that is configured, whatever Host and X-Forwarded-* say', async () => {
    const lines = ['X-Forwarded-Host: evil.example', 'X-Forwarded-Proto: https', 'Forwarded: host=evil.example']
    const foreign = await idJag({ aud: 'https://evil.example' })
    expect(JSON.parse((await rawRedemption(foreign, [form, client, ...lines])).body).error).toBe('invalid_grant')
    expect(chat.audit.at(-1)).toMatchObject({ reason: 'aud_mismatch' })
    expect((await rawRedemption(await idJag(), [form, client, ...lines])).status).toBe(200)
  })

  it('is not open to what the application gave out for other uses', async () => {
    const { idToken, refreshToken = '' } = await acme.signIn('assistant', 'alice')
    const { body } = await redeem(chat, await idJag())
    for (const token of [idToken, refreshToken, String(body.access_token)])
      expect((await redeem(chat, token)).body.error).toBe('invalid_grant')
    expect((await redeem(chat, await idJag())).status).toBe(200)
  })
})

describe('an exchange inside an oidc-provider application', () => {
  it('takes no ID-JAG, access token or changed ID Token for an ID Token', async () => {
    const { idToken } = await acme.signIn('assistant', 'alice')
    const good = await exchange(acme, chat.issuer, idToken)
    expect(good.status).toBe(200)
    const [header = '', claims = '', signature = ''] = idToken.split('.')
    const none = Buffer.from(JSON.stringify({ alg: 'none' })).toString('base64url')
    const other = Buffer.from(JSON.stringify({ ...JSON.parse(atob(claims)), sub: 'bob' })).toString('base64url')
    const wrong = [
      String(good.body.access_token),
      `${none}.${claims}.`,
      `${none}.${claims}.${signature}`,
      `${header}.${other}.${signature}`,
      `${idToken}=`,
      `${idToken}.`,
    ]
    for (const token of wrong) {
      const refused = await exchange(acme, chat.issuer, token)
      expect(refused).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
      expect(JSON.stringify(acme.audit.at(-1))).not.toContain(claims)
    }
    expect((await exchange(acme, chat.issuer, idToken)).status).toBe(200)
  })

  it('issues nothing beyond the connection by parameters that name other people, audiences or lifetimes', async () => {
    const { idToken } = await acme.signIn('assistant', 'alice')
    const more = { sub: 'bob', aud: 'https://evil.example', exp: '9999999999', client_id: 'assistant', tenant: 't' }
    const { body } = await exchange(acme, chat.issuer, idToken, { ...more, scope: 'chat.read chat.admin' })
    const claims = JSON.parse(Buffer.from(String(body.access_token).split('.')[1] ?? '', 'base64url').toString())
    expect(claims).toMatchObject({ sub: 'alice', aud: chat.issuer, scope: 'chat.read', client_id: 'assistant-at-chat' })
    expect(claims).not.toHaveProperty('tenant')
    expect(claims.exp - claims.iat).toBe(300)
  })
})

describe('hundreds of broken requests', () => {
  const send = async (company: Company, client: string, body: string) =>
    await fetch(`${company.issuer}/token`, {
      method: 'POST',
      headers: { authorization: credentialsOf(client), 'content-type': formType },
      body,
    })

  it('are no failure of the grants inside oidc-provider, and end in no token for somebody else', async () => {
    const random = randomOf(4)
    const { idToken } = await acme.signIn('assistant', 'alice')
    const statuses = new Map<number, number>()
    for (let at = 0; at < 400; at++) {
      const exchanging = at % 2 === 0
      const good = exchanging
        ? {
            grant_type: grantType.tokenExchange,
            requested_token_type: tokenType.idJag,
            audience: chat.issuer,
            scope: 'chat.read',
            subject_token: idToken,
            subject_token_type: tokenType.idToken,
          }
        : { grant_type: grantType.jwtBearer, assertion: 'e30.e30.e30', scope: 'chat.read' }
      const body = mutated(good, random)
      const [company, client] = exchanging ? [acme, 'assistant'] : [chat, 'assistant-at-chat']
      const answer = await send(company, client, body)
      await answer.text()
      if (answer.status >= 500) expect.fail(`${answer.status} for ${body}`)
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1)
    }
    expect(statuses.get(400)).toBeGreaterThan(100)
    expect([...acme.reported, ...chat.reported]).toEqual([])
    expect([...acme.events, ...chat.events].filter(({ name }) => name === 'server_error')).toEqual([])
    expect((await exchange(acme, chat.issuer, idToken)).status).toBe(200)
  })
})

describe('a token endpoint behind node:http', () => {
  let server: Server
  let port: number
  let world: TestPorts
  const reported: unknown[] = []
  beforeAll(async () => {
    world = testPorts()
    server = createServer(toNodeListener(endpointOf(), world.ports, (error) => reported.push(error)))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    port = (server.address() as AddressInfo).port
  })
  afterAll(() => {
    server.closeAllConnections()
    server.close()
  })
  const body = 'grant_type=g'
  const head = (...lines: string[]) => [
    'POST /token HTTP/1.1',
    'Host: a',
    `Content-Type: ${formType}`,
    `Authorization: ${basic}`,
    ...lines,
  ]
  const good = async () => (await rawRequest(port, head(`Content-Length: ${body.length}`), body)).status

  it.each([
    ['a length and chunks', [`Content-Length: ${body.length}`, 'Transfer-Encoding: chunked']],
    ['two lengths', [`Content-Length: ${body.length}`, 'Content-Length: 0']],
    ['a folded header', [`Content-Length: ${body.length}`, 'X-A: b\r\n c']],
    ['a space before a colon', [`Content-Length: ${body.length}`, 'X-A : b']],
    ['another transfer encoding', ['Transfer-Encoding: gzip, chunked']],
  ])('answers a request with %s once, and grants nothing [ATK-094]', async (_, lines) => {
    const granted = world.audit.filter(({ outcome }) => outcome === 'granted').length
    const hidden = `0\r\n\r\n${head(`Content-Length: ${body.length}`).join('\r\n')}\r\n\r\n${body}`
    const answer = await rawRequest(port, head(...lines), `${body}${hidden}`)
    expect(answer.status).toBeGreaterThanOrEqual(400)
    expect(answer.status).toBeLessThan(500)
    expect(answer.body).not.toContain('HTTP/1.1 200')
    expect(world.audit.filter(({ outcome }) => outcome === 'granted')).toHaveLength(granted)
    expect(await good()).toBe(200)
  })

  it('does not take the rest of a body that was too large for the next request', async () => {
    const before = world.audit.length
    const hidden = `${head(`Content-Length: ${body.length}`).join('\r\n')}\r\n\r\n${body}`
    const long = 'x'.repeat(70_000) + hidden
    const answer = await rawRequest(port, head(`Content-Length: ${long.length}`), long)
    expect([answer.status, answer.headers.get('connection')]).toEqual([413, 'close'])
    expect(world.audit.slice(before)).toMatchObject([{ reason: 'too_large' }])
    expect(await good()).toBe(200)
  })

  it('survives callers that go away in the middle of a body', async () => {
    const before = world.audit.length
    for (let at = 0; at < 20; at++) {
      const socket = connect(port, '127.0.0.1')
      socket.on('error', () => {})
      await once(socket, 'connect')
      socket.write(`${head('Content-Length: 5000').join('\r\n')}\r\n\r\n${'x'.repeat(at * 100)}`)
      socket.resetAndDestroy()
      await once(socket, 'close')
    }
    await expect.poll(() => world.audit.slice(before).every(({ reason }) => reason === 'malformed')).toBe(true)
    expect(await good()).toBe(200)
    expect(reported).toEqual([])
  })

  it('is not moved by X-HTTP-Method-Override, and answers every other method with 405', async () => {
    for (const method of ['GET', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'HEAD'])
      expect(
        (await rawRequest(port, [`${method} /token HTTP/1.1`, 'Host: a', 'X-HTTP-Method-Override: POST'])).status,
      ).toBe(405)
    expect(await good()).toBe(200)
  })

  it('gives no 5xx for hundreds of broken forms', async () => {
    const random = randomOf(5)
    for (let at = 0; at < 300; at++) {
      const form = mutated({ grant_type: 'g', client_id: 'wiki', scope: 'a b', x: 'y' }, random)
      const { status } = await rawRequest(port, head(`Content-Length: ${Buffer.byteLength(form)}`), form)
      if (status >= 500 || status < 200) expect.fail(`${status} for ${form}`)
    }
    expect(reported).toEqual([])
    expect(await good()).toBe(200)
  })
})
