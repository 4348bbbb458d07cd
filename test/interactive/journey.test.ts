/** The code grant from a browser's first step to a refreshed token. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Application, claimsOf, type Deployment, deploy, files, mcp, wiki } from './deployment.ts'

const editor: Application = { clientId: 'editor', redirectUri: 'http://127.0.0.1:5123/callback' }
let chat: Deployment
beforeAll(async () => {
  chat = await deploy({
    interactive: {
      registration: { scopes: ['chat.read', 'files.read'], resources: [mcp, files], perAddress: 1000, perMinute: 1000 },
    },
  })
  const { body } = await chat.register({ client_name: 'Editor', redirect_uris: ['http://127.0.0.1/callback'] })
  editor.clientId = String(body.client_id)
})
afterAll(async () => await chat.close())

describe('the code grant', () => {
  it('sends the browser back with the state and the issuer [O2-14]', async () => {
    const { back } = await chat.consent(wiki)
    expect(back.get('iss')).toBe(chat.issuer)
    expect(back.get('state')).toBe('a-state')
    expect(back.get('code')).toMatch(/^[\w-]{40,}$/)
  })

  it('gives a confidential client an access token of this server, with what the sign-in said, and a refresh token', async () => {
    const { status, body, headers } = await chat.token(wiki)
    expect(status).toBe(200)
    expect(headers.get('cache-control')).toBe('no-store')
    expect(headers.get('x-correlation-id')).toBe(chat.last('code')?.correlationId)
    expect(body).toMatchObject({ token_type: 'Bearer', expires_in: 600, scope: 'chat.read', resource: mcp })
    expect(claimsOf(body.access_token)).toMatchObject({
      iss: chat.issuer,
      sub: 'a-alice',
      aud: mcp,
      client_id: 'wiki',
      scope: 'chat.read',
      acr: 'urn:example:two-factors',
      amr: ['pwd', 'otp'],
      auth_time: expect.any(Number),
      status: { status_list: { idx: expect.any(Number) } },
    })
    expect(await chat.isAlive(body.access_token)).toBe(true)
  })

  it('gives a public client the same, at any port of a loopback address [SB-01]', async () => {
    const { status, body } = await chat.token(editor)
    expect(status).toBe(200)
    expect(claimsOf(body.access_token)).toMatchObject({ client_id: editor.clientId, aud: mcp, scope: 'chat.read' })
  })

  it('replaces the refresh token of a public client at each use, and not the one of a confidential client [SB-02]', async () => {
    const open = (await chat.token(editor)).body.refresh_token
    const replaced = await chat.refresh(editor, open)
    expect(replaced.status).toBe(200)
    expect(replaced.body.refresh_token).not.toBe(open)
    expect((await chat.refresh(editor, replaced.body.refresh_token)).status).toBe(200)
    const kept = (await chat.token(wiki)).body.refresh_token
    for (let use = 0; use < 2; use++) expect((await chat.refresh(wiki, kept)).body.refresh_token).toBe(kept)
  })

  it('takes one that was replaced again for a moment, only where the operator says so', async () => {
    const patient = await deploy({
      interactive: { registration: { scopes: ['chat.read'], resources: [mcp] }, refreshTokenReuse: 2 },
    })
    try {
      const { body } = await patient.register({ redirect_uris: ['http://127.0.0.1/callback'] })
      const parallel: Application = { clientId: String(body.client_id), redirectUri: 'http://127.0.0.1:5124/callback' }
      const first = (await patient.token(parallel)).body
      const answers = await Promise.all(Array.from({ length: 8 }, () => patient.refresh(parallel, first.refresh_token)))
      expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(200))
      const tokens = answers.map((one) => one.body)
      expect(new Set(tokens.map(({ refresh_token }) => refresh_token)).size).toBe(8)
      expect(await patient.isAlive(tokens[7]?.access_token)).toBe(true)
      // Its moment begins with the first use, and is not prolonged by others.
      await expect
        .poll(async () => (await patient.refresh(parallel, first.refresh_token)).status, { interval: 500 })
        .toBe(400)
      expect(await patient.isAlive(tokens[7]?.access_token)).toBe(false)
      expect((await patient.refresh(parallel, tokens[7]?.refresh_token)).status).toBe(400)
    } finally {
      await patient.close()
    }
  })

  it('ends a whole family of refresh tokens, and its access tokens, when one is used twice', async () => {
    const { body } = await chat.token(editor)
    const next = await chat.refresh(editor, body.refresh_token)
    expect(await chat.isAlive(next.body.access_token)).toBe(true)
    const again = await chat.refresh(editor, body.refresh_token)
    expect(again).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
    expect(chat.last('refresh')).toMatchObject({ outcome: 'refused', reason: 'refresh_token_invalid' })
    expect((await chat.refresh(editor, next.body.refresh_token)).body.error).toBe('invalid_grant')
    expect(await chat.isAlive(next.body.access_token)).toBe(false)
  })

  it('narrows a token to the scope and resource of the token request, and never widens it', async () => {
    const { body } = await chat.token(wiki, { scope: 'chat.read chat.write' })
    const narrowed = await chat.refresh(wiki, body.refresh_token, { scope: 'chat.write', resource: mcp })
    expect(narrowed.body).toMatchObject({ scope: 'chat.write', resource: mcp })
    const wider = (await chat.token(wiki)).body.refresh_token
    expect((await chat.refresh(wiki, wider, { scope: 'chat.write' })).body.error).toBe('invalid_scope')
    expect((await chat.refresh(wiki, wider, { resource: files })).body.error).toBe('invalid_target')
    // A refused request spends nothing.
    expect((await chat.refresh(wiki, wider)).status).toBe(200)
    const unsaid = { resource: undefined, scope: 'chat.read files.read' }
    expect((await chat.browser(editor).open(chat.authorize(editor, unsaid))).url.searchParams.get('error')).toBe(
      'invalid_target',
    )
  })

  it('issues for one of several resources that a person agreed to', async () => {
    const { status, body } = await chat.token(editor, { resource: files, scope: 'files.read' })
    expect(status).toBe(200)
    expect(body).toMatchObject({ scope: 'files.read', resource: files })
  })

  it('takes a client that names no scope to ask for all that it may have', async () => {
    expect((await chat.token(wiki, { scope: undefined })).body.scope).toBe('chat.read chat.write')
    expect((await chat.token(wiki, { scope: 'openid offline_access chat.write' })).body.scope).toBe('chat.write')
  })

  it('takes the only resource of a client that names none', async () => {
    expect((await chat.token(wiki, { resource: undefined })).body).toMatchObject({ resource: mcp })
  })

  it('remembers a consent for a client with an https address, and asks a client on a computer each time', async () => {
    const { browser, page } = await chat.consent(wiki)
    expect(page.text).toContain('Wiki')
    const second = await browser.open(chat.authorize(wiki))
    expect(second.url.searchParams.get('code')).toBeTruthy()
    const program = await chat.consent(editor)
    expect((await program.browser.open(chat.authorize(editor))).status).toBe(200)
  })

  it('writes down the consent, the code and each refresh, and no token', async () => {
    const { body } = await chat.token(wiki)
    await chat.refresh(wiki, body.refresh_token)
    const facts = { outcome: 'granted', client: 'wiki', account: 'a-alice', subject: 'alice-at-work', resource: mcp }
    for (const action of ['consent', 'code', 'refresh'] as const) expect(chat.last(action)).toMatchObject(facts)
    expect(chat.last('code')?.issuedTokenId).toMatch(/^[\w-]{22}$/)
    expect(JSON.stringify(chat.audit)).not.toContain(String(body.refresh_token))
  })

  it('ends a refresh token that is revoked, with its access tokens, also for a public client', async () => {
    for (const client of [wiki, editor]) {
      const { body } = await chat.token(client)
      const other = client === wiki ? editor : wiki
      const token = { token: String(body.refresh_token) }
      expect((await chat.post('/revoke', token, { as: other })).body.error).toBe('invalid_grant')
      expect(await chat.isAlive(body.access_token)).toBe(true)
      expect((await chat.post('/revoke', token, { as: client })).status).toBe(200)
      expect(chat.last('revoke')).toMatchObject({ outcome: 'granted', client: client.clientId })
      expect((await chat.refresh(client, body.refresh_token)).body.error).toBe('invalid_grant')
      expect(await chat.isAlive(body.access_token)).toBe(false)
      expect((await chat.post('/revoke', { token: 'never-issued' }, { as: client })).status).toBe(200)
    }
  })

  it('sends a person who denies back with access_denied, and writes it down', async () => {
    const browser = chat.browser(wiki)
    const back = await browser.submit(await browser.open(chat.authorize(wiki)), 'decision', 'deny')
    expect(back.url.searchParams.get('error')).toBe('access_denied')
    expect(chat.last('consent')).toMatchObject({ outcome: 'refused', reason: 'consent_denied', client: 'wiki' })
  })
})
