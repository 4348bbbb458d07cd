/** Attacks on the authorization endpoint: where browsers are sent, what parameters open, and whether PKCE can be talked away. */

import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Application, type Deployment, deploy, files, mcp, wiki } from '../deployment.ts'

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

const open = async (application: Application, change: { [name: string]: string | undefined } = {}) =>
  await chat.browser(application).open(chat.authorize(application, change))

describe('an application that nobody entered', () => {
  it('cannot use this server to send people to its site: they are told, and choose', async () => {
    const redirectUri = 'https://stranger.example/landing'
    const { body } = await chat.register({ redirect_uris: [redirectUri] })
    const stranger: Application = { clientId: String(body.client_id), redirectUri }
    for (const change of [
      { scope: 'nothing' },
      { prompt: 'none' },
      { resource: 'https://other.example/' },
      { code_challenge: undefined },
    ]) {
      const page = await open(stranger, change)
      expect([change, page.status, page.url.origin]).toEqual([change, 400, chat.issuer])
      expect(page.text).toContain('do not know the application')
      expect(page.text).toMatch(
        /<a class="button" href="https:\/\/stranger\.example\/landing\?error=[^"]*">Go back to stranger\.example<\/a>/,
      )
      expect(page.text).not.toContain('http-equiv="refresh"')
      expect(page.headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
    }
    // One that was entered, and a program on the person's own computer, are told at once.
    expect((await open(wiki, { scope: 'nothing' })).url.href).toContain(`${wiki.redirectUri}?error=invalid_scope`)
    expect((await open(program, { scope: 'nothing' })).url.href).toContain(`${program.redirectUri}?error=invalid_scope`)
    // Whoever asks for what there is gets the way in.
    expect((await open(stranger)).text).toContain('wants to act for you')
  })
})

describe('a redirect address on this machine', () => {
  it('may have any port, and nothing else of it may differ', async () => {
    for (const redirect_uri of [
      'http://127.0.0.1/callback',
      'http://127.0.0.1:1/callback',
      'http://127.0.0.1:65535/callback',
    ])
      expect((await open(program, { redirect_uri })).status).toBe(200)
    const others = [
      'http://127.0.0.1.evil.example/callback',
      'http://127.0.0.1@evil.example/callback',
      'http://127.0.0.1:80@evil.example/callback',
      'http://localhost@evil.example/callback',
      'http://evil.example#@127.0.0.1/callback',
      'http://evil.example/?http://127.0.0.1/callback',
      'http://evil.example\\@127.0.0.1/callback',
      'http://127.0.0.1\\@evil.example/callback',
      'http:\\\\evil.example/callback',
      'http://[::1]/callback',
      'http://localhost/callback',
      'http://127.0.0.2/callback',
      'https://127.0.0.1/callback',
      'http://user@127.0.0.1/callback',
      'http://127.0.0.1/callback/',
      'http://127.0.0.1/callback?next=x',
      'http://127.0.0.1/callback#x',
      'http://127.0.0.1/CALLBACK',
      'http://127.0.0.1/callback%2f..%2fx',
      'http://127.0.0.1:99999/callback',
      '//127.0.0.1/callback',
      'javascript://127.0.0.1/callback%0aalert(1)',
      '',
    ]
    for (const redirect_uri of others) {
      const page = await open({ ...program, redirectUri: 'https://never.example/' }, { redirect_uri })
      expect([redirect_uri, page.status, page.url.origin]).toEqual([redirect_uri, 400, chat.issuer])
    }
  })

  it('is sent twice, and nobody goes anywhere', async () => {
    for (const evil of ['https://evil.example/callback', wiki.redirectUri]) {
      const page = await chat.browser().open(`${chat.authorize(wiki)}&redirect_uri=${encodeURIComponent(evil)}`)
      expect([page.status, page.url.origin]).toEqual([400, chat.issuer])
    }
    const two = await chat.browser().open(`${chat.authorize(wiki)}&client_id=${program.clientId}`)
    expect([two.status, two.url.origin]).toEqual([400, chat.issuer])
    expect((await open(wiki)).status).toBe(200)
  })
})

describe('parameters of other protocols', () => {
  let server: Server
  let connections = 0
  let inside = ''
  beforeAll(async () => {
    server = createServer((_, response) => response.end('e30.e30.')).on('connection', () => connections++)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    inside = `http://127.0.0.1:${(server.address() as AddressInfo).port}/request`
  })
  afterAll(() => {
    server.closeAllConnections()
    server.close()
  })

  it.each<[string, () => { [name: string]: string }, string]>([
    [
      'a request object',
      () => ({ request: 'eyJhbGciOiJub25lIn0.eyJzY29wZSI6ImNoYXQud3JpdGUifQ.' }),
      'request_not_supported',
    ],
    ['the address of one', () => ({ request_uri: inside }), 'request_uri_not_supported'],
    ['a pushed request', () => ({ request_uri: 'urn:ietf:params:oauth:request_uri:x' }), 'request_uri_not_supported'],
    [
      'registration',
      () => ({ registration: '{"redirect_uris":["https://evil.example/"]}' }),
      'registration_not_supported',
    ],
    ['a hint that is no token', () => ({ id_token_hint: 'x' }), 'invalid_request'],
    ['a hint with another key', () => ({ id_token_hint: 'eyJhbGciOiJub25lIn0.e30.' }), 'invalid_request'],
    ['two prompts that exclude each other', () => ({ prompt: 'none login' }), 'invalid_request'],
    ['a prompt that nobody knows', () => ({ prompt: 'create' }), 'invalid_request'],
    ['an age that is none', () => ({ max_age: '-1' }), 'invalid_request'],
    ['an age that is no number', () => ({ max_age: '1e9' }), 'invalid_request'],
    ['a form as the way back', () => ({ response_mode: 'form_post' }), ''],
    ['a window message as the way back', () => ({ response_mode: 'web_message' }), ''],
    ['a signed way back', () => ({ response_mode: 'jwt' }), ''],
    ['the fragment as the way back', () => ({ response_mode: 'fragment' }), ''],
    ['an ID Token', () => ({ response_type: 'code id_token', nonce: 'n' }), 'invalid_request'],
    ['no sign-in at all', () => ({ response_type: 'none' }), 'unsupported_response_type'],
  ])('such as %s are refused, and nothing is fetched', async (_, change, error) => {
    const page = await open(wiki, change())
    const told = page.url.origin === chat.issuer ? page.text : page.url.href
    expect([page.status, told]).toEqual([page.url.origin === chat.issuer ? 400 : 0, expect.stringContaining(error)])
    expect(page.url.href).not.toMatch(/[?&#]code=/)
    expect(connections).toBe(0)
    expect((await open(wiki)).status).toBe(200)
  })

  it('such as claims, hints and locales change nothing', async () => {
    const change = {
      claims: '{"userinfo":{"email":{"value":"bob@acme.example"}}}',
      login_hint: 'bob@acme.example',
      ui_locales: '<script>',
      acr_values: 'strong',
      sub: 'bob',
      account_id: 'a-bob',
      nonce: 'n',
      dpop_jkt: 'x',
      authorization_details: '[{"type":"x"}]',
    }
    const { body } = await chat.token(wiki, change)
    expect(Object.keys(body).sort()).toEqual(
      ['access_token', 'expires_in', 'refresh_token', 'resource', 'scope', 'token_type'].sort(),
    )
    expect(body.scope).toBe('chat.read')
    expect(chat.last('code')).toMatchObject({ account: 'a-alice' })
  })

  it('such as prompt=none give nothing to a client that nobody agreed to', async () => {
    const strange = await open(wiki, { prompt: 'none' })
    expect(strange.url.searchParams.get('error')).toBe('login_required')
    const { browser } = await chat.consent(wiki)
    const quiet = chat.authorize(program, { prompt: 'none' })
    const back = await browser.ask(quiet)
    expect(new URL(back.headers.get('location') ?? '').searchParams.get('error')).toMatch(
      /^(consent|interaction)_required$/,
    )
    const known = await browser.ask(chat.authorize(wiki, { prompt: 'none' }))
    expect(new URL(known.headers.get('location') ?? '').searchParams.get('code')).toBeTruthy()
    // What was agreed to is not more because it is asked for quietly.
    const more = await browser.ask(chat.authorize(wiki, { prompt: 'none', scope: 'chat.read chat.write' }))
    expect(new URL(more.headers.get('location') ?? '').searchParams.get('error')).toMatch(
      /^(consent|interaction)_required$/,
    )
  })

  it('such as two resources bring no scope to a place where it was not shown', async () => {
    const address = `${chat.authorize(wiki)}&resource=${encodeURIComponent(files)}`
    expect((await chat.browser(wiki).open(address)).url.searchParams.get('error')).toBe('invalid_target')
    for (const resource of [
      'not a url',
      `${mcp}#x`,
      '/mcp',
      'https://api.chat.example/mcp/../mcp',
      `${mcp}?x`,
      mcp.toUpperCase(),
    ])
      expect((await open(wiki, { resource })).url.searchParams.get('error')).toBe('invalid_target')
  })
})

describe('PKCE', () => {
  it('cannot be talked away, by neither request nor both', async () => {
    const wrong: { [name: string]: string | undefined }[] = [
      { code_challenge: undefined, code_challenge_method: undefined },
      { code_challenge: undefined },
      { code_challenge_method: undefined },
      { code_challenge_method: 'plain' },
      { code_challenge_method: 's256' },
      { code_challenge: '' },
      { code_challenge: 'x'.repeat(42) },
      { code_challenge: 'x'.repeat(129) },
      { code_challenge: `${'x'.repeat(42)}=` },
    ]
    for (const application of [wiki, program])
      for (const change of wrong) {
        const { url } = await open(application, change)
        expect([change, url.searchParams.get('error')]).toEqual([change, 'invalid_request'])
        expect(url.searchParams.get('code')).toBeNull()
      }
    const form = await chat.code(program)
    for (const code_verifier of [
      '',
      undefined,
      'v'.repeat(42),
      `${form.code_verifier}=`,
      form.code_verifier.toUpperCase(),
    ])
      expect((await chat.post('/token', { ...form, code_verifier }, { as: program })).body.error).toMatch(
        /^invalid_(grant|request)$/,
      )
    expect((await chat.post('/token', form, { as: program })).status).toBe(200)
  })
})
