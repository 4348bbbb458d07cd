/** What the code grant refuses, beside the same request made right. */

import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { environment } from '../server/example.ts'
import { type Application, type Deployment, deploy, mcp, newVerifier, wiki } from './deployment.ts'

const editor: Application = { clientId: '', redirectUri: 'https://editor.example/callback' }
let chat: Deployment
beforeAll(async () => {
  chat = await deploy({
    interactive: { registration: { scopes: ['chat.read'], resources: [mcp], perAddress: 1000, perMinute: 1000 } },
  })
  const { body } = await chat.register({ redirect_uris: [editor.redirectUri] })
  editor.clientId = String(body.client_id)
})
afterAll(async () => await chat.close())

describe('the authorization endpoint', () => {
  const ask = async (change: { [name: string]: string | undefined }) =>
    await chat.browser(wiki).open(chat.authorize(wiki, change))

  it('sends nobody to an address that the client has not registered', async () => {
    expect((await ask({})).status).toBe(200)
    const others = [
      'https://evil.example/callback',
      'https://wiki.example/callback/',
      'https://wiki.example/callback?next=https://evil.example',
      'https://wiki.example/callback#x',
      'https://wiki.example@evil.example/callback',
      'https://WIKI.example/callback',
      'http://wiki.example/callback',
      'javascript:alert(1)',
    ]
    for (const redirect_uri of others) {
      const page = await chat.browser().open(chat.authorize(wiki, { redirect_uri }))
      expect(page.status).toBe(400)
      expect(page.url.origin).toBe(chat.issuer)
      expect(chat.last('consent')).toMatchObject({
        outcome: 'refused',
        reason: 'redirect_uri_mismatch',
        client: 'wiki',
      })
    }
    expect((await chat.browser().open(chat.authorize(wiki, { redirect_uri: undefined }))).status).toBe(400)
  })

  it('keeps its own pages from being framed, cached and scripted', async () => {
    const { headers } = await chat.browser().open(chat.authorize(wiki, { redirect_uri: 'https://evil.example' }))
    expect(headers.get('content-security-policy')).toMatch(/default-src 'none'.*frame-ancestors 'none'/)
    expect(headers.get('cache-control')).toBe('no-store')
    expect(headers.get('x-correlation-id')).toBe(chat.last('consent')?.correlationId)
  })

  it('never shows what a caller sent as HTML', async () => {
    const page = await chat.browser().open(chat.authorize({ ...wiki, clientId: '<script>alert(1)</script>' }))
    expect(page.status).toBe(400)
    expect(page.text).not.toContain('<script>')
  })

  it('demands PKCE with S256 of everybody [O2-12]', async () => {
    const wrong = [
      { code_challenge: undefined, code_challenge_method: undefined },
      { code_challenge_method: undefined },
      { code_challenge_method: 'plain' },
      { code_challenge: 'too-short' },
    ]
    for (const change of wrong) {
      const back = await ask(change)
      expect(back.url.searchParams.get('error')).toBe('invalid_request')
      expect(back.url.searchParams.get('iss')).toBe(chat.issuer)
      expect(chat.last('consent')).toMatchObject({ outcome: 'refused', error: 'invalid_request' })
    }
  })

  it('offers the code alone, in the query alone', async () => {
    for (const change of [
      { response_type: 'token' },
      { response_type: 'code id_token' },
      { response_mode: 'fragment' },
    ])
      expect((await ask(change)).url.href).toMatch(/error=(unsupported_response_type|invalid_request)/)
  })

  it('refuses a resource and a scope that the client may not be given, before anybody signs in', async () => {
    const asked = chat.idp.asked.length
    expect((await ask({ resource: 'https://api.files.example/' })).url.searchParams.get('error')).toBe('invalid_target')
    expect((await ask({ resource: 'https://other.example/' })).url.searchParams.get('error')).toBe('invalid_target')
    expect((await ask({ scope: 'files.read' })).url.searchParams.get('error')).toBe('invalid_scope')
    expect((await ask({ scope: 'openid' })).url.searchParams.get('error')).toBe('invalid_scope')
    expect(chat.idp.asked.length).toBe(asked)
  })

  it('knows no client that has no redirect address', async () => {
    const managed = { clientId: 'managed', redirectUri: 'https://managed.example/' }
    expect((await chat.browser().open(chat.authorize(managed))).status).toBe(400)
    const form = { grant_type: 'authorization_code', code: 'x', redirect_uri: managed.redirectUri }
    const as = { ...managed, secret: environment.ASSISTANT_SECRET }
    expect((await chat.post('/token', form, { as })).body.error).toBe('unauthorized_client')
  })

  it('gives a step that is under way to the browser that began it, and to no other', async () => {
    const browser = chat.browser(wiki)
    const page = await browser.open(chat.authorize(wiki))
    const other = await chat.browser(wiki).open(page.url)
    expect(other.status).toBe(400)
    expect((await browser.submit(page, 'decision', 'allow')).url.searchParams.get('code')).toBeTruthy()
  })
})

describe('a code', () => {
  const redeem = async (form: { [name: string]: string | undefined }, as: Application = wiki) =>
    await chat.post('/token', form, { as })

  it('is good once: shown again it is refused, and ends what came of it', async () => {
    const form = await chat.code(wiki)
    const first = await redeem(form)
    expect(first.status).toBe(200)
    expect(await redeem(form)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
    expect(chat.last('code')).toMatchObject({ outcome: 'refused', reason: 'code_invalid', client: 'wiki' })
    expect(await chat.isAlive(first.body.access_token)).toBe(false)
    expect((await chat.refresh(wiki, first.body.refresh_token)).body.error).toBe('invalid_grant')
  })

  it('is given to one of a hundred that show it at once', async () => {
    const form = await chat.code(wiki)
    const before = chat.audit.length
    const answers = await Promise.all(Array.from({ length: 100 }, () => redeem(form)))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    expect(answers.filter(({ body }) => body.error === 'invalid_grant')).toHaveLength(99)
    const events = chat.audit.slice(before).filter(({ action }) => action === 'code')
    expect(events.filter(({ outcome }) => outcome === 'granted')).toHaveLength(1)
    const token = answers.find(({ status }) => status === 200)?.body.access_token
    expect(await chat.isAlive(token)).toBe(false)
  })

  it('is of no use to another client, and unharmed by it', async () => {
    const form = await chat.code(wiki)
    expect((await redeem(form, editor)).body.error).toBe('invalid_grant')
    expect(chat.last('code')).toMatchObject({ outcome: 'refused', reason: 'client_mismatch', client: editor.clientId })
    expect((await redeem(form)).status).toBe(200)
  })

  it('needs the verifier of its challenge [O2-12]', async () => {
    const form = await chat.code(wiki)
    for (const code_verifier of [undefined, newVerifier(), 'short'])
      expect((await redeem({ ...form, code_verifier })).body.error).toMatch(/^invalid_(grant|request)$/)
    const { code_verifier } = form
    // The challenge itself is what a thief of the first request has.
    const plain = createHash('sha256').update(code_verifier).digest('base64url')
    expect((await redeem({ ...form, code_verifier: plain })).body.error).toBe('invalid_grant')
    expect(chat.last('code')).toMatchObject({ outcome: 'refused', reason: 'pkce_failed' })
    expect((await redeem(form)).status).toBe(200)
  })

  it('needs the redirect address of its authorization request', async () => {
    const form = await chat.code(wiki)
    expect((await redeem({ ...form, redirect_uri: 'https://evil.example/callback' })).body.error).toBe('invalid_grant')
    expect(chat.last('code')).toMatchObject({ outcome: 'refused', reason: 'redirect_uri_mismatch' })
    expect((await redeem({ ...form, redirect_uri: undefined })).body).toMatchObject({ error: 'invalid_request' })
    expect(chat.last('code')).toMatchObject({ outcome: 'refused', reason: 'missing_parameter' })
    expect((await redeem(form)).status).toBe(200)
  })

  it('is not spent by a request that asks for too much, or fails to prove who sends it', async () => {
    const form = await chat.code(wiki)
    expect((await redeem({ ...form, resource: 'https://other.example/' })).body.error).toBe('invalid_target')
    expect((await redeem({ ...form, scope: 'chat.write' })).body.error).toBe('invalid_scope')
    expect((await redeem(form, { ...wiki, secret: 'wrong' })).status).toBe(401)
    expect(chat.last('code')).toMatchObject({ outcome: 'refused', reason: 'client_unauthenticated' })
    const bare = await chat.post('/token', { ...form, client_id: 'wiki' })
    expect(bare).toMatchObject({ status: 401, body: { error: 'invalid_client' } })
    expect((await redeem(form)).status).toBe(200)
  })

  it('of nobody is refused, and so is what cannot be read', async () => {
    expect((await redeem({ ...(await chat.code(wiki)), code: 'nobody' })).body.error).toBe('invalid_grant')
    expect((await redeem({ grant_type: 'authorization_code' })).body.error).toBe('invalid_request')
    const twice = new URLSearchParams([
      ['grant_type', 'authorization_code'],
      ['code', 'a'],
      ['code', 'b'],
    ])
    expect((await chat.post('/token', twice, { as: wiki })).body.error).toBe('invalid_request')
    expect((await chat.post('/token', { grant_type: 'refresh_token' }, { as: wiki })).body.error).toBe(
      'invalid_request',
    )
    expect((await chat.refresh(wiki, 'nobody')).body.error).toBe('invalid_grant')
    expect(chat.last('refresh')).toMatchObject({ outcome: 'refused', reason: 'refresh_token_invalid' })
  })
})

describe('the audit', () => {
  it('comes first: without it there is no token, and a refresh token that was replaced is good again', async () => {
    const form = await chat.code(wiki)
    const { refresh_token: token } = (await chat.token(editor)).body
    chat.broken.audit = new Error('the disk is full')
    const answers = [await chat.post('/token', form, { as: wiki }), await chat.refresh(editor, token)]
    delete chat.broken.audit
    for (const answer of answers)
      expect(answer).toMatchObject({ status: 503, body: { error: 'temporarily_unavailable' } })
    expect((await chat.refresh(editor, token)).status).toBe(200)
  })
})
