/** Clients that nobody entered: registered by themselves, or known by their metadata document. */

import type { FastifyInstance } from 'fastify'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { clientAssertionType, grantType, idJagGrantProfile } from '../../src/protocol/names.ts'
import { bindOrigin, serveAt } from '../../src/testing/origin.ts'
import { type Application, type Deployment, deploy, files, mcp, wiki } from './deployment.ts'

const rules = { scopes: ['chat.read'], resources: [mcp] }
const redirect_uris = ['https://editor.example/callback']

describe('dynamic registration', () => {
  let chat: Deployment
  beforeAll(async () => {
    chat = await deploy({ interactive: { registration: { ...rules, perAddress: 1000, perMinute: 1000 } } })
  })
  afterAll(async () => await chat.close())

  it('gives a client an id of its own, says what was registered, and no secret [CR-01] [CR-02]', async () => {
    const { status, body, headers } = await chat.register({ client_name: 'Editor', redirect_uris, scope: 'chat.write' })
    expect(status).toBe(201)
    expect(headers.get('cache-control')).toBe('no-store')
    expect(headers.get('x-correlation-id')).toBe(chat.last('register')?.correlationId)
    expect(body).toMatchObject({
      client_id: expect.stringMatching(/^dcr-[\w-]{32}$/),
      client_name: 'Editor',
      redirect_uris,
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
      registration_access_token: expect.any(String),
      registration_client_uri: `${chat.issuer}/register/${body.client_id}`,
    })
    expect(body).not.toHaveProperty('client_secret')
    expect(chat.last('register')).toMatchObject({ outcome: 'granted', client: body.client_id })
  })

  it('serves a client that asks for a secret as a public one', async () => {
    for (const token_endpoint_auth_method of ['client_secret_basic', 'client_secret_post', undefined])
      expect((await chat.register({ redirect_uris, token_endpoint_auth_method })).body.token_endpoint_auth_method).toBe(
        'none',
      )
  })

  it('refuses what it does not offer, and addresses that anybody could claim [CR-03]', async () => {
    const metadata = [
      { grant_types: ['client_credentials'] },
      { grant_types: 'authorization_code' },
      { response_types: ['token'] },
      { token_endpoint_auth_method: 'private_key_jwt' },
      { client_name: 'x'.repeat(101) },
      { client_name: 7 },
    ]
    for (const change of metadata) {
      const { status, body } = await chat.register({ redirect_uris, ...change })
      expect({ status, error: body.error }).toEqual({ status: 400, error: 'invalid_client_metadata' })
      expect(chat.last('register')).toMatchObject({ outcome: 'refused', reason: 'registration_refused' })
    }
    const addresses = [
      [],
      ['http://editor.example/callback'],
      ['editor:/callback'],
      ['javascript:alert(1)'],
      ['https://editor.example/callback#here'],
      ['https://user@editor.example/callback'],
      ['https://localhost/callback'],
      [7],
      Array.from({ length: 11 }, (_, at) => `https://editor.example/${at}`),
    ]
    for (const wrong of addresses)
      expect((await chat.register({ redirect_uris: wrong })).body.error).toBe('invalid_redirect_uri')
    for (const text of ['', '[]', '{', '{"redirect_uris":[],"redirect_uris":[]}'])
      expect((await chat.register(text)).body.error).toBe('invalid_client_metadata')
    expect((await chat.register({ redirect_uris })).status).toBe(201)
  })

  it('never leads to an ID-JAG: neither by what is asked for, nor by what is shown [T33] [CR-04]', async () => {
    const asked = [
      { grant_types: ['authorization_code', grantType.jwtBearer] },
      { grant_types: [grantType.tokenExchange] },
      { authorization_grant_profiles_supported: [idJagGrantProfile] },
    ]
    for (const change of asked)
      expect((await chat.register({ redirect_uris, ...change })).body.error).toBe('invalid_client_metadata')
    const { body } = await chat.register({ redirect_uris })
    const as = { clientId: String(body.client_id), redirectUri: '' }
    for (const assertion of ['x', 'e30.e30.e30'])
      expect((await chat.post('/token', { grant_type: grantType.jwtBearer, assertion }, { as })).body.error).toBe(
        'invalid_client',
      )
  })

  it('lets a client read, change and remove its registration with its own token alone', async () => {
    const { body } = await chat.register({ redirect_uris })
    const other = (await chat.register({ redirect_uris })).body
    const own = async (method: string, token: unknown, change?: object) =>
      await fetch(String(body.registration_client_uri), {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...(change === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(change === undefined ? {} : { body: JSON.stringify(change) }),
      })
    expect((await own('GET', body.registration_access_token)).status).toBe(200)
    expect((await own('GET', 'nobody')).status).toBe(401)
    const moved = { redirect_uris: ['https://moved.example/callback'] }
    expect((await own('PUT', body.registration_access_token, moved)).status).toBe(200)
    expect((await own('PUT', body.registration_access_token, { redirect_uris: ['http://evil.example/'] })).status).toBe(
      400,
    )
    const read = await (await own('GET', body.registration_access_token)).json()
    expect(read).toMatchObject(moved)
    expect((await own('DELETE', other.registration_access_token)).status).toBe(401)
    expect((await own('DELETE', body.registration_access_token)).status).toBe(204)
    const gone = { clientId: String(body.client_id), redirectUri: moved.redirect_uris[0] ?? '' }
    expect((await chat.browser().open(chat.authorize(gone))).status).toBe(400)
  })

  it('gives a client no more than the operator wrote for such clients', async () => {
    const { body } = await chat.register({ redirect_uris })
    const editor = { clientId: String(body.client_id), redirectUri: redirect_uris[0] ?? '' }
    const asked = async (change: object) =>
      (await chat.browser(editor).open(chat.authorize(editor, { ...change }))).text
    expect(await asked({ scope: 'chat.write' })).toContain('(invalid_scope)')
    expect(await asked({ resource: files, scope: 'files.read' })).toContain('(invalid_target)')
    expect((await chat.token(editor, { scope: 'chat.read chat.write' })).body.scope).toBe('chat.read')
  })
})

describe('dynamic registration in numbers', () => {
  it('is not there unless it is configured, and the metadata does not name it', async () => {
    const chat = await deploy()
    const answer = await fetch(`${chat.issuer}/register`, { method: 'POST', body: '{}' })
    expect(answer.status).toBe(404)
    const metadata = await (await fetch(`${chat.issuer}/.well-known/oauth-authorization-server`)).json()
    expect(metadata).not.toHaveProperty('registration_endpoint')
    await chat.close()
  })

  it('is limited for one address, at all workers together, with the time to come again', async () => {
    const chat = await deploy({ interactive: { registration: { ...rules, perAddress: 3, perMinute: 100 } } }, 2)
    const answers = []
    for (let at = 0; at < 5; at++) answers.push(await chat.register({ redirect_uris }, at % 2))
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 429, 429])
    expect(Number(answers[4]?.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(chat.last('register')).toMatchObject({ outcome: 'refused', reason: 'registration_limited' })
    await chat.close()
  })

  it('is limited for all addresses together', async () => {
    const chat = await deploy({ interactive: { registration: { ...rules, perAddress: 100, perMinute: 2 } } })
    const answers = []
    for (let at = 0; at < 3; at++) answers.push((await chat.register({ redirect_uris })).status)
    expect(answers).toEqual([201, 201, 429])
    await chat.close()
  })
})

describe('a client with a metadata document', () => {
  let chat: Deployment
  let app: FastifyInstance
  const [open, signing]: [Application, Application] = [
    { clientId: '', redirectUri: 'https://app.example/callback' },
    { clientId: '', redirectUri: 'https://app.example/callback' },
  ]
  let sign: (claims: object) => Promise<string>
  beforeAll(async () => {
    const origin = await bindOrigin(0)
    const { publicKey, privateKey } = await generateKeyPair('ES256')
    const jwk = { ...(await exportJWK(publicKey)), kid: 'app', alg: 'ES256', use: 'sig' }
    sign = async (claims) =>
      await new SignJWT({ ...claims }).setProtectedHeader({ alg: 'ES256', kid: 'app' }).sign(privateKey)
    open.clientId = `${origin.url}/open.json`
    signing.clientId = `${origin.url}/signing.json`
    app = await serveAt(origin, (server) => {
      server.get('/open.json', async () => ({
        client_id: open.clientId,
        client_name: 'An App',
        redirect_uris: [open.redirectUri],
        token_endpoint_auth_method: 'none',
        grant_types: ['authorization_code', 'refresh_token'],
      }))
      server.get('/signing.json', async () => ({
        client_id: signing.clientId,
        redirect_uris: [signing.redirectUri],
        token_endpoint_auth_method: 'private_key_jwt',
        jwks: { keys: [jwk] },
      }))
      server.get('/wrong.json', async () => ({
        client_id: 'https://other.example/x',
        redirect_uris: [open.redirectUri],
      }))
    })
    chat = await deploy({ metadataDocuments: rules })
  })
  afterAll(async () => {
    await chat.close()
    await app.close()
  })

  it('gets in by the code grant as a public client, and its consent page names its host [CL-10] [CI-01]', async () => {
    const { page } = await chat.consent(open)
    expect(page.text).toContain(new URL(open.clientId).host)
    const { status, body } = await chat.token(open)
    expect(status).toBe(200)
    expect((await chat.refresh(open, body.refresh_token)).status).toBe(200)
  })

  it('that can sign gets in by its signature, and not without', async () => {
    const form = await chat.code(signing)
    expect((await chat.post('/token', form, { as: signing })).body.error).toBe('invalid_client')
    const now = Math.floor(Date.now() / 1000)
    const claims = { iss: signing.clientId, sub: signing.clientId, aud: chat.issuer, iat: now, exp: now + 60 }
    const proof = async (jti: string) => ({
      client_assertion_type: clientAssertionType,
      client_assertion: await sign({ ...claims, jti }),
    })
    const once = await proof('one')
    expect((await chat.post('/token', { ...form, ...once, code_verifier: 'w'.repeat(43) })).body.error).toBe(
      'invalid_grant',
    )
    // A refused request spends neither the code nor the assertion.
    expect((await chat.post('/token', { ...form, ...once })).status).toBe(200)
    expect((await chat.post('/token', { ...(await chat.code(signing)), ...once })).body.error).toBe('invalid_client')
  })

  it('is refused with a page when its document is not in order, and the audit says why', async () => {
    for (const name of ['wrong.json', 'missing.json']) {
      const clientId = new URL(name, open.clientId).href
      const page = await chat.browser().open(chat.authorize({ ...open, clientId }))
      expect(page.status).toBe(400)
      expect(chat.last('consent')).toMatchObject({ outcome: 'refused', client: clientId })
    }
    expect((await chat.browser(open).open(chat.authorize(open))).status).toBe(200)
  })

  it('is nobody at a server that was not told to let such clients in', async () => {
    const strict = await deploy()
    expect((await strict.browser().open(strict.authorize(open))).status).toBe(400)
    expect((await strict.token(wiki)).status).toBe(200)
    await strict.close()
  })
})
