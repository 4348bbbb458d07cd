/** Where the code grant is: below an issuer with a path, and for applications that are pages in a browser. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Application, type Deployment, deploy, mcp, wiki } from './deployment.ts'

const registration = { scopes: ['chat.read'], resources: [mcp] }
let chat: Deployment
let managed: Deployment
beforeAll(async () => {
  chat = await deploy({ interactive: { registration } }, 1, { path: '/tenants/acme' })
  managed = await deploy({ interactive: null, clients: [], trustedIssuers: [] })
})
afterAll(async () => {
  await chat.close()
  await managed.close()
})

describe('an issuer with a path', () => {
  it('has all of the grant below it: sign-in, consent, token, refresh, registration', async () => {
    expect(new URL(chat.issuer).pathname).toBe('/tenants/acme')
    const { body, status } = await chat.token(wiki)
    expect(status).toBe(200)
    expect((await chat.refresh(wiki, body.refresh_token)).status).toBe(200)
    const { page, browser } = await chat.consent(wiki, { prompt: 'consent' })
    expect(browser.asked.filter(({ origin }) => origin === new URL(chat.issuer).origin)).toSatisfy((asked: URL[]) =>
      asked.every(({ pathname }) => pathname.startsWith('/tenants/acme/')),
    )
    expect(page.text).toContain('wants to act for you')
    expect(page.text).toContain('At <bdi>Messages</bdi> it wants to')
    const registered = await chat.register({ redirect_uris: ['https://editor.example/callback'] })
    expect(registered.status).toBe(201)
    expect(String(registered.body.registration_client_uri)).toMatch(`${chat.issuer}/register/dcr-`)
    const editor: Application = {
      clientId: String(registered.body.client_id),
      redirectUri: 'https://editor.example/callback',
    }
    expect((await chat.token(editor)).status).toBe(200)
  })
})

describe('an application that is a page in a browser', () => {
  const preflight = async (address: string) =>
    await fetch(address, {
      method: 'OPTIONS',
      headers: {
        origin: 'https://editor.example',
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type,mcp-protocol-version',
      },
    })

  it.each(['token', 'revoke', 'register'])('may call /%s and read its answers, refusals too', async (path) => {
    const asked = await preflight(`${chat.issuer}/${path}`)
    expect(asked.status).toBe(204)
    expect(asked.headers.get('access-control-allow-origin')).toBe('*')
    expect(asked.headers.get('access-control-allow-headers')).toContain('authorization')
    expect(asked.headers.has('access-control-allow-credentials')).toBe(false)
    const refused = await fetch(`${chat.issuer}/${path}`, { method: 'POST', body: new URLSearchParams() })
    expect(refused.status).toBeGreaterThanOrEqual(400)
    expect(refused.headers.get('access-control-allow-origin')).toBe('*')
    expect(refused.headers.get('access-control-expose-headers')).toContain('x-correlation-id')
  })

  it('is given no such way where a person decides, nor at a server that is managed only', async () => {
    const page = await fetch(chat.authorize(wiki), {
      redirect: 'manual',
      headers: { origin: 'https://editor.example' },
    })
    expect(page.headers.has('access-control-allow-origin')).toBe(false)
    expect((await preflight(`${chat.issuer}/introspect`)).headers.has('access-control-allow-origin')).toBe(false)
    const asked = await preflight(`${managed.issuer}/token`)
    expect(asked.status).toBe(405)
    expect(asked.headers.has('access-control-allow-origin')).toBe(false)
  })
})
