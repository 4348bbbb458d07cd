/** Attacks on what this server does not have: other endpoints, other methods, and headers that strangers set. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { rawRequest } from '../../fixture/raw-request.ts'
import { type Application, type Deployment, deploy, mcp, wiki } from '../deployment.ts'

let chat: Deployment
const program: Application = { clientId: '', redirectUri: 'http://127.0.0.1:5000/callback' }
beforeAll(async () => {
  const reach = { scopes: ['chat.read'], resources: [mcp] }
  chat = await deploy({ interactive: { registration: { ...reach, perAddress: 1000, perMinute: 1000 } } })
  for (const one of [program]) {
    const { body } = await chat.register({ client_name: 'A program', redirect_uris: ['http://127.0.0.1/callback'] })
    one.clientId = String(body.client_id)
  }
})
afterAll(async () => await chat.close())

describe('addresses that this server does not have', () => {
  it.each([
    '/me',
    '/userinfo',
    '/session/end',
    '/session/end/confirm',
    '/token/introspection',
    '/token/revocation',
    '/device',
    '/device/auth',
    '/request',
    '/backchannel',
    '/credential',
    '/challenge',
    '/reg',
    '/auth',
    '/.well-known/openid-configuration',
    '/.well-known/openid-federation',
  ])('%s is not found by any method', async (path) => {
    const port = Number(new URL(chat.issuer).port)
    for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'])
      expect((await rawRequest(port, [`${method} ${path} HTTP/1.1`, `Host: 127.0.0.1:${port}`])).status).toBe(404)
  })

  it.each(['/authorize', '/sign-in/x', '/sign-in/callback', '/sign-in/x/finish', '/sign-in/x/consent', '/register/x'])(
    '%s takes no other method, and none of them does anything',
    async (path) => {
      const port = Number(new URL(chat.issuer).port)
      const before = chat.audit.length
      for (const method of ['HEAD', 'PUT', 'DELETE', 'PATCH', 'TRACE']) {
        const { status } = await rawRequest(port, [`${method} ${path} HTTP/1.1`, `Host: 127.0.0.1:${port}`])
        expect([method, status]).toEqual([method, expect.toSatisfy((one: number) => one >= 400 && one < 500)])
      }
      expect(chat.audit.slice(before).filter(({ outcome }) => outcome === 'granted')).toEqual([])
    },
  )
})

describe('headers of a stranger', () => {
  const lines = [
    'X-Forwarded-Host: evil.example',
    'X-Forwarded-Proto: https',
    'X-Forwarded-For: 203.0.113.9',
    'X-Forwarded-Prefix: /evil',
    'Forwarded: host=evil.example;proto=https',
    'X-Original-URL: /token',
    'X-HTTP-Method-Override: DELETE',
  ]

  it('change no address, neither of documents nor of redirects', async () => {
    const port = Number(new URL(chat.issuer).port)
    const hosts = [['Host: evil.example'], [`Host: 127.0.0.1:${port}`, 'Host: evil.example']]
    for (const host of hosts) {
      const { pathname, search } = chat.authorize(wiki)
      const answers = [
        await rawRequest(port, [`GET ${pathname}${search} HTTP/1.1`, ...host, ...lines]),
        await rawRequest(port, ['GET /.well-known/oauth-authorization-server HTTP/1.1', ...host, ...lines]),
      ]
      for (const { headers, body } of answers) expect(JSON.stringify([...headers, body])).not.toContain('evil')
      expect(answers[0]?.headers.get('location')).toMatch(/^(\/|http:\/\/127\.0\.0\.1:)/)
    }
  })

  it('do not lead a sign-in, a consent or a registration astray', async () => {
    const headers = Object.fromEntries(lines.map((line) => line.split(': ') as [string, string]))
    const browser = chat.browser(program)
    const page = await browser.open(chat.authorize(program), { headers })
    const back = await browser.submit(page, 'decision', 'allow', headers)
    expect(back.url.origin).toBe('http://127.0.0.1:5000')
    expect(back.url.searchParams.get('iss')).toBe(chat.issuer)
    const answer = await fetch(`${chat.issuer}/register`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify({ redirect_uris: ['https://editor.example/callback'] }),
    })
    expect(await answer.text()).not.toContain('evil')
    expect(answer.status).toBe(201)
  })

  it('that are very long, or hold broken cookies, are refused or of no effect', async () => {
    const port = Number(new URL(chat.issuer).port)
    const { pathname, search } = chat.authorize(wiki)
    const ask = async (cookie: string) =>
      (await rawRequest(port, [`GET ${pathname}${search} HTTP/1.1`, `Host: 127.0.0.1:${port}`, `Cookie: ${cookie}`]))
        .status
    const { browser } = await chat.consent(wiki)
    const good = browser.cookieLine(new URL(`${chat.issuer}/authorize`))
    expect(await ask(`a=${'x'.repeat(20_000)}`)).toBe(431)
    const names = [...good.matchAll(/([^=; ]+)=/g)].map(([, name]) => name)
    for (const value of ['', '%', '"', 'x'.repeat(8000), '{}', '__proto__', '%00', '=;=;'])
      expect(await ask(names.map((name) => `${name}=${value}`).join('; '))).toBe(303)
    expect(await ask(good)).toBe(303)
  })
})
