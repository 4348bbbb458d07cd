/** Attacks by clients that register themselves: what they ask for, what they call themselves, and whose registration they touch. */

import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { grantType } from '../../../src/protocol/names.ts'
import { type Answer, type Application, type Deployment, deploy, files, mcp, wiki } from '../deployment.ts'

const redirect_uris = ['https://editor.example/callback']
const redirectUri = 'https://editor.example/callback'

let chat: Deployment
let inside: Server
let connections = 0
beforeAll(async () => {
  const reach = { scopes: ['chat.read'], resources: [mcp] }
  chat = await deploy({
    interactive: { registration: { ...reach, perAddress: 10_000, perMinute: 10_000 } },
    metadataDocuments: reach,
  })
  inside = createServer((_, response) => response.end('{}')).on('connection', () => connections++)
  inside.listen(0, '127.0.0.1')
  await once(inside, 'listening')
})
afterAll(async () => {
  inside.close()
  await chat.close()
})
const addressInside = () => `http://127.0.0.1:${(inside.address() as AddressInfo).port}`

describe('a client that registers itself', () => {
  it('chooses neither its id, nor a secret, nor anything else that is not its to choose', async () => {
    const asked = {
      redirect_uris,
      client_id: 'wiki',
      client_secret: 'chosen-by-the-client-0123456789-0123456789',
      client_id_issued_at: 1,
      client_secret_expires_at: 0,
      registration_access_token: 'mine',
      scope: 'chat.write files.read',
      resource: files,
      subject_type: 'pairwise',
      application_type: 'web',
      default_max_age: 1,
      require_auth_time: true,
      id_token_signed_response_alg: 'none',
      trusted: true,
      kind: 'registered',
      policy: { scopes: ['chat.write'] },
      constructor: { prototype: { admin: true } },
    }
    const { status, body } = await chat.register(asked)
    expect(status).toBe(201)
    expect(body).toMatchObject({
      client_id: expect.stringMatching(/^dcr-/),
      application_type: 'native',
      subject_type: 'public',
    })
    for (const name of ['client_secret', 'scope', 'resource', 'trusted', 'kind', 'policy', 'admin'])
      expect(Object.hasOwn(body, name)).toBe(false)
    expect(body.registration_access_token).not.toBe('mine')
    expect(({} as { admin?: unknown }).admin).toBeUndefined()
    const application = { clientId: String(body.client_id), redirectUri }
    expect((await chat.token(application, { scope: 'chat.read chat.write' })).body.scope).toBe('chat.read')
    expect((await chat.token(wiki)).status).toBe(200)
  })

  it('makes this server fetch nothing, wherever its metadata points', async () => {
    const at = addressInside()
    const pointing = {
      jwks_uri: `${at}/jwks`,
      sector_identifier_uri: `${at}/sector`,
      request_uris: [`${at}/request`],
      logo_uri: `${at}/logo`,
      client_uri: `${at}/`,
      policy_uri: `${at}/`,
      initiate_login_uri: `${at}/`,
      backchannel_logout_uri: `${at}/`,
      software_statement: 'e30.e30.',
    }
    const { status, body } = await chat.register({ redirect_uris, ...pointing })
    expect(status).toBe(201)
    for (const name of Object.keys(pointing)) expect(body).not.toHaveProperty(name)
    expect((await chat.token({ clientId: String(body.client_id), redirectUri })).status).toBe(200)
    expect(connections).toBe(0)
  })

  it.each([
    'javascript:alert(1)',
    'JaVaScRiPt:alert(1)',
    'data:text/html,x',
    'http://127.0.0.1.evil.example/callback',
    'http://localhost@evil.example/callback',
    'http://localhost:80@evil.example/callback',
    'http://localhost.evil.example/callback',
    'http://evil.example/callback',
    'http://0.0.0.0/callback',
    'http://[::ffff:127.0.0.1]/callback',
    'https://evil.example\\@editor.example/callback',
    'https://editor.example/callback\0',
    'https://editor.example/call\tback',
    'https://editor.example/\u202ecallback',
    'https://éditor.example/callback',
    'https://user:pw@editor.example/callback',
    'com.example.app:/callback',
    'urn:ietf:wg:oauth:2.0:oob',
    '/callback',
    '//editor.example/callback',
    '',
  ])('cannot have browsers sent to %j', async (wrong) => {
    const refused = await chat.register({ redirect_uris: [...redirect_uris, wrong] })
    expect([refused.status, refused.body.error]).toEqual([400, 'invalid_redirect_uri'])
    expect(JSON.stringify(refused.body)).not.toContain('editor.example')
    expect((await chat.register({ redirect_uris })).status).toBe(201)
  })

  it.each([
    ['<img src=x onerror=alert(1)>', '&lt;img'],
    ['"><script>alert(1)</script>', '&lt;script&gt;'],
    ['Wiki\u202etxet\u2066', 'Wikitxet'],
    ['\u0000\u001b[2JWiki', 'Wiki'],
    ['W\u0301\u0301\u0301\u0301\u0301\u0301\u0301iki', 'iki'],
    ['\ud83d\ude00'.repeat(50), '\ud83d\ude00'],
    ['\u200b\u200b', 'dcr-'],
    ['{{constructor.constructor("x")()}}', '{{constructor'],
  ])('and calls itself %j is shown as text, as nobody that anyone has checked', async (client_name, shown) => {
    const { body } = await chat.register({ client_name, redirect_uris })
    const application = { clientId: String(body.client_id), redirectUri }
    const page = await chat.browser(application).open(chat.authorize(application))
    expect(page.status).toBe(200)
    expect(page.text).toContain(shown)
    expect(page.text).toContain('Nobody has checked who this is')
    expect(page.text).not.toMatch(/<(script|img)|[\u0000-\u0008\u001b\u202a-\u202e\u2066-\u2069\u200b]/)
    expect(page.headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
  })

  it('gets no way to an ID-JAG, by no name of the grant and no way of authentication [T33]', async () => {
    const { body } = await chat.register({ redirect_uris })
    const client_id = String(body.client_id)
    const secret = String(body.registration_access_token)
    const form = { grant_type: grantType.jwtBearer, assertion: 'e30.e30.e30' }
    const answers = [
      await chat.post('/token', { ...form, client_id }),
      await chat.post('/token', { ...form, client_id, client_secret: secret }),
      await chat.post('/token', form, { as: { clientId: client_id, redirectUri, secret } }),
    ]
    for (const answer of answers) expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_client' } })
    for (const grant of ['client_credentials', 'password', 'urn:openid:params:grant-type:ciba'])
      expect((await chat.post('/token', { grant_type: grant, client_id })).body.error).toMatch(
        /^(unsupported_grant_type|invalid_client)$/,
      )
  })

  it('with a broken or endless description is refused, and no client is made', async () => {
    const before = chat.audit.filter(({ outcome, action }) => action === 'register' && outcome === 'granted').length
    const broken = [
      '{"redirect_uris":'.repeat(2000),
      '['.repeat(8000),
      `{"redirect_uris":["https://editor.example/${'x'.repeat(20_000)}"]}`,
      `{"redirect_uris":["https://editor.example/callback"],"client_name":"${'x'.repeat(20_000)}"}`,
      '\ufeff{"redirect_uris":["https://editor.example/callback"]}',
      '{"redirect_uris":["https://editor.example/callback"]} x',
      '{"redirect_uris":["https://editor.example/callback"],"client_name":"\\ud800"}',
      '{"redirect_uris":["https://editor.example/callback"],"__proto__":{"admin":true}}',
      'null',
      '"x"',
    ]
    for (const text of broken) {
      const { status } = await chat.register(text)
      expect([text.slice(0, 60), status]).toEqual([
        text.slice(0, 60),
        expect.toSatisfy((one: number) => one === 400 || one === 413),
      ])
    }
    expect(chat.audit.filter(({ outcome, action }) => action === 'register' && outcome === 'granted')).toHaveLength(
      before,
    )
    expect((await chat.register({ redirect_uris })).status).toBe(201)
  })

  it('leaves nothing behind for ever: every record of it has an end', async () => {
    const { body } = await chat.register({ redirect_uris })
    await chat.token({ clientId: String(body.client_id), redirectUri })
    for (const kind of ['client', 'registration-access-token', 'grant', 'refresh-token', 'session', 'sign-in']) {
      const records = await chat.store.records.list(`interactive-${kind}`)
      expect([kind, records.length > 0, records.filter(({ until }) => until === undefined)]).toEqual([kind, true, []])
    }
  })
})

describe('a registration access token', () => {
  let own: Answer['body']
  let other: Answer['body']
  beforeAll(async () => {
    other = (await chat.register({ redirect_uris })).body
  })
  const manage = async (method: string, id: string, token: unknown, change?: object) => {
    const answer = await fetch(`${chat.issuer}/register/${id}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(change === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(change === undefined ? {} : { body: JSON.stringify(change) }),
    })
    return { status: answer.status, text: await answer.text() }
  }

  it.each<[string, () => string]>([
    ['of another client', () => String(other.client_id)],
    ['of a client that the operator entered', () => 'wiki'],
    ['of a client whose document is inside', () => encodeURIComponent('https://10.0.0.1/client.json')],
    ['of a client whose document would have to be fetched', () => encodeURIComponent(`${addressInside()}/client.json`)],
    ['that is empty', () => ''],
    ['of nobody', () => 'dcr-nobody'],
    ['that is a path', () => 'dcr-%2f..%2f..'],
    ['with a NUL', () => 'dcr-%00'],
  ])('opens nothing at an id %s, by no method', async (_, id) => {
    for (const method of ['GET', 'PUT', 'DELETE']) {
      own = (await chat.register({ redirect_uris })).body
      const before = connections
      const change = method === 'PUT' ? { redirect_uris: ['https://evil.example/callback'] } : undefined
      const answer = await manage(method, id(), own.registration_access_token, change)
      expect([method, answer.status]).toEqual([method, 401])
      expect(JSON.parse(answer.text).error).toBe('invalid_token')
      expect(connections).toBe(before)
    }
    const { text } = await manage('GET', String(other.client_id), other.registration_access_token)
    expect(JSON.parse(text).redirect_uris).toEqual(redirect_uris)
    expect((await chat.token(wiki)).status).toBe(200)
    expect(chat.log).toEqual([])
  })

  it('is neither an access token nor a refresh token, nor the other way round', async () => {
    const application: Application = { clientId: String(other.client_id), redirectUri }
    const { body } = await chat.token(application)
    expect(await chat.isAlive(other.registration_access_token)).toBe(false)
    expect((await chat.refresh(application, other.registration_access_token)).body.error).toBe('invalid_grant')
    for (const token of [body.access_token, body.refresh_token])
      expect((await manage('GET', String(other.client_id), token)).status).toBe(401)
    expect((await manage('GET', String(other.client_id), other.registration_access_token)).status).toBe(200)
  })

  it('cannot change what was not open at the registration', async () => {
    const id = String(other.client_id)
    const change = async (members: object) =>
      await manage('PUT', id, other.registration_access_token, { redirect_uris, ...members })
    expect((await change({ grant_types: [grantType.jwtBearer] })).status).toBe(400)
    expect((await change({ redirect_uris: ['javascript:alert(1)'] })).status).toBe(400)
    const taken = JSON.parse((await change({ client_id: 'wiki', client_secret: 'x', application_type: 'web' })).text)
    expect(taken).toMatchObject({ client_id: id, application_type: 'native' })
    expect(taken).not.toHaveProperty('client_secret')
  })
})
