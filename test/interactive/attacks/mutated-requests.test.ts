/** Thousands of broken requests, by a fixed seed, to every endpoint of the code grant: none is a failure of the server's. */

import { afterAll, beforeAll, expect, it } from 'vitest'
import { grantType } from '../../../src/protocol/names.ts'
import { hostile, mutated, randomOf } from '../../fixture/mutations.ts'
import { rawRequest } from '../../fixture/raw-request.ts'
import { type Application, type Deployment, deploy, mcp, wiki } from '../deployment.ts'

const rounds = 2000
const redirectUri = 'http://127.0.0.1/callback'
const formType = 'application/x-www-form-urlencoded'

let chat: Deployment
const editor: Application = { clientId: '', redirectUri }
beforeAll(async () => {
  const reach = { scopes: ['chat.read'], resources: [mcp] }
  const interactive = { registration: { ...reach, perAddress: 10_000, perMinute: 10_000 } }
  // Every one of them is to be judged: the limits would answer for the rest.
  chat = await deploy({ interactive, metadataDocuments: reach }, 1, { limits: 'off' })
  editor.clientId = String((await chat.register({ redirect_uris: [redirectUri] })).body.client_id)
})
afterAll(async () => await chat.close())

interface Shot {
  head: string[]
  body?: string
}

it(`${rounds} mutated requests are answered without a 5xx, a failure of ours, a code or a token`, {
  timeout: 300_000,
}, async () => {
  const random = randomOf(20_261_123)
  const pick = <One>(...all: One[]): One => all[random(all.length)] as One
  const port = Number(new URL(chat.issuer).port)
  const browser = chat.browser(wiki)
  const page = await browser.open(chat.authorize(wiki))
  const step = page.url.pathname
  const ours = browser.cookieLine(page.url)
  const { body: registered } = await chat.register({ redirect_uris: [redirectUri] })
  const own = new URL(String(registered.registration_client_uri)).pathname
  const { body: alive } = await chat.token(editor)
  // A pass of the honest ones, that later may be spent by a lucky mutation, and never at the end.
  const asked = Object.fromEntries(chat.authorize(editor).searchParams)
  const code = {
    grant_type: 'authorization_code',
    code: 'x'.repeat(43),
    redirect_uri: redirectUri,
    code_verifier: 'v'.repeat(43),
  }

  const post = (path: string, body: string, type = formType): Shot => ({
    head: [`POST ${path} HTTP/1.1`, `Content-Type: ${type}`],
    body,
  })
  const get = (path: string): Shot => ({
    head: [`${pick('GET', 'GET', 'GET', 'HEAD', 'PUT', 'OPTIONS', 'DELETE')} ${path} HTTP/1.1`],
  })
  const bent = (path: string) =>
    path
      .split('/')
      .map((part) => (random(3) === 0 ? encodeURIComponent(hostile(part, random).toWellFormed()) : part))
      .join('/')
  const metadata = () => {
    const good: { [member: string]: unknown } = {
      redirect_uris: [hostile(redirectUri, random)],
      client_name: hostile('Editor', random),
      grant_types: ['authorization_code'],
      [hostile('client_id', random)]: pick<unknown>(null, 1, [], {}, [[]], hostile('x', random), { a: [{}] }),
    }
    const text = JSON.stringify(good)
    return random(3) === 0 ? hostile(text, random) : text
  }
  const shots: (() => Shot)[] = [
    () => get(`/authorize?${mutated({ ...asked, prompt: 'login', max_age: '60', response_mode: 'query' }, random)}`),
    () =>
      get(
        `/authorize?${mutated({ ...asked, request: 'e30.e30.', id_token_hint: 'e30.e30.x', claims: '{}', ui_locales: 'en' }, random)}`,
      ),
    () => get(bent(`/authorize/${'u'.repeat(21)}`)),
    () => post('/token', mutated({ ...code, client_id: editor.clientId, resource: mcp }, random)),
    () =>
      post(
        '/token',
        mutated(
          {
            grant_type: 'refresh_token',
            refresh_token: 'r'.repeat(43),
            client_id: editor.clientId,
            scope: 'chat.read',
          },
          random,
        ),
      ),
    () =>
      post(
        '/token',
        mutated({ grant_type: grantType.jwtBearer, assertion: 'e30.e30.e30', client_id: editor.clientId }, random),
      ),
    () =>
      post(
        '/revoke',
        mutated({ token: 'r'.repeat(43), client_id: editor.clientId, token_type_hint: 'refresh_token' }, random),
      ),
    () => post('/introspect', mutated({ token: 'r'.repeat(43), client_id: 'chat-api' }, random)),
    () =>
      post(
        '/register',
        metadata(),
        pick('application/json', 'application/json', 'application/json; charset=utf-8', 'text/plain'),
      ),
    () => ({
      ...post(bent(own), metadata(), 'application/json'),
      head: [`PUT ${bent(own)} HTTP/1.1`, 'Content-Type: application/json'],
    }),
    () => get(bent(own)),
    () =>
      get(
        `${bent(step)}${pick('', '/anew', '/finish', '/consent', '/finish/acme.example')}?${mutated({ state: `${step.split('/').at(-1)}.${'s'.repeat(43)}`, code: 'c', iss: chat.idp.issuer }, random)}`,
      ),
    () =>
      get(
        `/sign-in/callback${pick('', '/acme.example')}?${mutated({ state: `${'u'.repeat(21)}.${'s'.repeat(43)}`, code: 'c', iss: chat.idp.issuer, error: 'x' }, random)}`,
      ),
    () => post(bent(step), mutated({ email: 'alice@acme.example', anew: 'yes' }, random)),
    () => post(bent(`${step}/consent`), mutated({ decision: 'perhaps' }, random)),
  ]
  const headers = () => [
    ...(random(4) === 0 ? [`Cookie: ${pick(ours, hostile(ours, random)).replace(/[^\x21-\x7e ]/g, '')}`] : []),
    ...(random(6) === 0
      ? [
          `Authorization: ${pick('Basic ', 'Bearer ', 'DPoP ', '')}${btoa(hostile('wiki:x', random).replace(/[^\0-\xff]/g, ''))}`,
        ]
      : []),
    ...(random(6) === 0
      ? [`Authorization: Bearer ${pick(String(registered.registration_access_token), String(alive.refresh_token))}`]
      : []),
    ...(random(8) === 0
      ? [`Origin: ${pick('null', chat.issuer, 'https://evil.example', '')}`, 'Sec-Fetch-Site: cross-site']
      : []),
    ...(random(8) === 0
      ? ['X-Forwarded-Host: evil.example', 'X-Forwarded-Proto: https', 'X-Forwarded-For: 1.2.3.4, x']
      : []),
    ...(random(10) === 0 ? ['DPoP: x'] : []),
  ]
  const statuses = new Map<number, number>()
  for (let round = 0; round < rounds; round++) {
    const {
      head: [line = '', ...rest],
      body,
    } = pick(...shots)()
    const head = [
      line,
      `Host: 127.0.0.1:${port}`,
      ...rest,
      ...headers(),
      ...(body === undefined ? [] : [`Content-Length: ${Buffer.byteLength(body)}`]),
    ]
    const answer = await rawRequest(port, head, body)
    statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1)
    // 503 is an unlisted document beyond the minute's; nothing else may be.
    const isLimit = answer.status === 503 && chat.audit.at(-1)?.reason === 'cimd_limited'
    if (answer.status >= 500 && !isLimit)
      expect.fail(
        `round ${round}: ${answer.status}\n${head.join('\n')}\n\n${body}\n\n${answer.body}\n${chat.log.join('\n')}`,
      )
    const told = answer.status === 404 ? '' : `${answer.headers.get('location')} ${answer.body}`
    if (/[?&]code=|"access_token"/.test(told) && !line.includes(own.slice(0, 14)) && !told.includes('/finish'))
      expect.fail(`round ${round}: ${head.join('\n')}\n\n${body}\n\n${told}`)
    if (answer.headers.get('content-type')?.includes('html') && /<(script|img)/.test(answer.body))
      expect.fail(`round ${round}: ${line}: ${answer.body}`)
  }
  expect(statuses.get(400)).toBeGreaterThan(rounds / 4)
  expect(chat.log).toEqual([])
  expect((await chat.token(wiki)).status).toBe(200)
  expect((await chat.token(editor)).status).toBe(200)
})
