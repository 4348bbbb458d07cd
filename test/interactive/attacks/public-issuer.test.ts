/** A server with a public https issuer behind a proxy: what development opens is closed, and cookies never travel in the clear. */

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { rawRequest } from '../../fixture/raw-request.ts'
import { type Deployment, deploy, mcp, wiki } from '../deployment.ts'
import { type DocumentWeb, documentWeb, redirectUri } from './document-web.ts'

const issuer = 'https://auth.chat.example/tenant'
let chat: Deployment
let web: DocumentWeb
beforeAll(async () => {
  chat = await deploy({
    issuer,
    metadataDocuments: { scopes: ['chat.read'], resources: [mcp] },
    interactive: {
      signIn: [
        {
          issuer: 'https://login.acme.example',
          clientId: 'chat',
          clientSecret: { env: 'CHAT_SECRET' },
          emailDomains: ['acme.example'],
        },
        {
          issuer: 'https://login.beta.example',
          clientId: 'chat',
          clientSecret: { env: 'CHAT_SECRET' },
          emailDomains: ['beta.example'],
        },
      ],
      cookieSecret: { env: 'CHAT_SECRET' },
      registration: { scopes: ['chat.read'], resources: [mcp] },
    },
  })
})
afterAll(async () => await chat.close())
beforeEach(async () => {
  web = await documentWeb()
})
afterEach(async () => await web.close())

/** A request as the proxy, or somebody beside it, hands it on in the clear. */
const ask = async (change: { [name: string]: string } = {}, lines: string[] = []) => {
  const { port } = new URL(chat.issuer)
  const { search } = chat.authorize(wiki, change)
  return await rawRequest(Number(port), [
    `GET /tenant/authorize${search} HTTP/1.1`,
    'Host: auth.chat.example',
    ...lines,
  ])
}

describe('a cookie', () => {
  it.each([
    ['nothing', []],
    ['that it was http', ['X-Forwarded-Proto: http']],
    ['another host', ['X-Forwarded-Host: evil.example', 'Forwarded: host=evil.example;proto=http']],
  ])('is for https alone and for no script, also when a header says %s', async (_, lines) => {
    const { port } = new URL(chat.issuer)
    const { search } = chat.authorize(wiki)
    const answer = await fetch(`http://127.0.0.1:${port}/tenant/authorize${search}`, {
      redirect: 'manual',
      headers: Object.fromEntries(lines.map((line) => line.split(': ') as [string, string])),
    })
    expect(answer.status).toBe(303)
    expect(answer.headers.get('location')).toMatch(/^\/tenant\/sign-in\/[\w-]+$/)
    const cookies = answer.headers.getSetCookie()
    expect(cookies.length).toBeGreaterThan(0)
    for (const cookie of cookies) {
      expect(cookie).toMatch(/; path=\/tenant\/(sign-in|authorize)\/[\w-]+;/)
      expect(cookie).toMatch(/; secure/i)
      expect(cookie).toMatch(/; httponly/i)
      expect(cookie).toMatch(/; samesite=lax/i)
      expect(cookie).not.toMatch(/domain=/i)
    }
  })
})

describe('a client that nobody entered', () => {
  it.each([
    ['http on this machine', () => web.publish('/client.json').clientId, 'client_unauthenticated'],
    ['http elsewhere', () => 'http://app.example/client.json', 'client_unauthenticated'],
    ['this machine', () => `https://127.0.0.1:${new URL(web.origin).port}/client.json`, 'fetch_blocked'],
    ['this machine by name', () => `https://localhost:${new URL(web.origin).port}/client.json`, 'fetch_blocked'],
    ['this machine in IPv6', () => `https://[::1]:${new URL(web.origin).port}/client.json`, 'fetch_blocked'],
    [
      'this machine in other words',
      () => `https://[::ffff:7f00:1]:${new URL(web.origin).port}/client.json`,
      'fetch_blocked',
    ],
    ['the inside', () => 'https://10.0.0.1/client.json', 'fetch_blocked'],
    ['the cloud’s secrets', () => 'https://169.254.169.254/latest/meta-data/iam', 'fetch_blocked'],
  ])('makes this server ask nothing of %s [ATK-114]', async (_, id, reason) => {
    const answer = await ask({ client_id: id(), redirect_uri: redirectUri })
    expect(answer.status).toBe(400)
    expect(chat.last('consent')).toMatchObject({ outcome: 'refused', reason })
    expect(web.asked).toEqual([])
    expect((await ask()).status).toBe(303)
  })

  it('learns by the page nothing of what is inside', async () => {
    const addresses = ['https://10.0.0.1/x', `https://127.0.0.1:${new URL(web.origin).port}/x`, 'https://[fd00::1]/x']
    const pages = []
    for (const client_id of addresses) pages.push((await ask({ client_id, redirect_uri: redirectUri })).body)
    expect(new Set(pages).size).toBe(1)
    expect(pages[0]).not.toMatch(/blocked|ECONN|address that may not/)
  })
})

it('every address it names is its own, below its path', async () => {
  const { port } = new URL(chat.issuer)
  const document = await rawRequest(Number(port), [
    'GET /.well-known/oauth-authorization-server/tenant HTTP/1.1',
    'Host: evil.example',
    'X-Forwarded-Host: evil.example',
  ])
  const addresses = Object.entries(JSON.parse(document.body) as { [member: string]: unknown }).filter(([name]) =>
    /endpoint$|_uri$/.test(name),
  )
  expect(addresses.length).toBeGreaterThan(4)
  for (const [, address] of addresses) expect(address).toMatch(/^https:\/\/auth\.chat\.example\/tenant\//)
  const registered = await fetch(`http://127.0.0.1:${port}/tenant/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-forwarded-host': 'evil.example' },
    body: JSON.stringify({ redirect_uris: ['https://editor.example/callback'] }),
  })
  const { registration_client_uri } = (await registered.json()) as { registration_client_uri: unknown }
  expect(registration_client_uri).toMatch(/^https:\/\/auth\.chat\.example\/tenant\/register\/dcr-/)
})
