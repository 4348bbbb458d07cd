/** Attacks by clients that nobody entered and that a document of their own describes, each beside the honest client. */

import { gzipSync } from 'node:zlib'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { grantType, tokenType } from '../../../src/protocol/names.ts'
import { type Deployment, deploy, files, mcp, wiki } from '../deployment.ts'
import { type DocumentWeb, documentWeb, redirectUri } from './document-web.ts'

const reach = { scopes: ['chat.read'], resources: [mcp] }
let chat: Deployment
let web: DocumentWeb
beforeAll(async () => {
  chat = await deploy({ metadataDocuments: reach }, 2)
})
afterAll(async () => await chat.close())
beforeEach(async () => {
  web = await documentWeb()
})
afterEach(async () => await web.close())

/** Where the way of an authorization request ends, and what the audit says of it. */
const ask = async (clientId: string, change: { [name: string]: string | undefined } = {}, worker = 0) => {
  const before = chat.audit.length
  const address = chat.authorize({ clientId, redirectUri }, change)
  const page = await chat.browser({ clientId, redirectUri }).open(address.href.replace(chat.issuer, chat.at(worker)))
  return { page, audit: chat.audit.slice(before) }
}

describe('the id of a client', () => {
  it('has one spelling: no other leads to the document, or to what is kept of it [ATK-123]', async () => {
    const { clientId } = web.publish('/client.json')
    const { port } = new URL(web.origin)
    expect((await ask(clientId)).page.status).toBe(200)
    const kept = web.asked.length
    const others = [
      `HTTP://127.0.0.1:${port}/client.json`,
      `http://127.1:${port}/client.json`,
      `http://0x7f.1:${port}/client.json`,
      `http://2130706433:${port}/client.json`,
      `http://LOCALHOST:${port}/client.json`,
      `http://localhost.:${port}/client.json`,
      `http://me@127.0.0.1:${port}/client.json`,
      `http://127.0.0.1:${port}/a/../client.json`,
      `http://127.0.0.1:${port}/%2e/client.json`,
      `http://127.0.0.1:${port}\\client.json`,
      `http://127.0.0.1:${port}/client.json?`,
      `http://127.0.0.1:${port}/client.json#`,
      `http://127.0.0.1:${port}/client.json `,
      `http://127.0.0.1:${port}/cli\tent.json`,
      `http:127.0.0.1:${port}/client.json`,
      `//127.0.0.1:${port}/client.json`,
    ]
    for (const other of others) {
      const { page, audit } = await ask(other)
      expect([other, page.status, page.url.origin]).toEqual([other, 400, chat.issuer])
      expect(audit).toMatchObject([{ outcome: 'refused' }])
    }
    expect(web.asked).toHaveLength(kept)
  })

  it('that is spelled with an escape is another id, whose document must say so [ATK-123]', async () => {
    const { clientId } = web.publish('/client.json')
    const page = web.pages.get('/client.json')
    for (const path of ['/%63lient.json', '/client%2ejson', '//client.json', '/client.json/']) {
      if (page !== undefined) web.pages.set(path, page)
      const { page: shown, audit } = await ask(web.origin + path)
      expect([path, shown.status]).toEqual([path, 400])
      expect(audit).toMatchObject([{ outcome: 'refused', reason: 'cimd_invalid' }])
    }
    expect((await ask(clientId)).page.status).toBe(200)
  })

  it('cannot be taken from somebody else by a document that says so', async () => {
    web.publish('/mine.json', { client_id: 'wiki' })
    web.publish('/other.json', { client_id: `${web.origin}/client.json` })
    for (const path of ['/mine.json', '/other.json'])
      expect((await ask(web.origin + path)).audit).toMatchObject([{ reason: 'cimd_invalid' }])
    expect((await chat.browser(wiki).open(chat.authorize(wiki))).status).toBe(200)
  })

  it('that is an address of this very server leads nowhere', async () => {
    for (const path of ['/.well-known/oauth-authorization-server', '/jwks', '/sign-in/style.css', '/status-lists'])
      expect((await ask(chat.issuer + path)).audit).toMatchObject([{ outcome: 'refused', reason: 'cimd_invalid' }])
  })

  it('looks the same from outside whether nobody has it or its document is wrong', async () => {
    const unknown = await ask('nobody')
    const missing = await ask(`${web.origin}/missing.json`)
    for (const { page } of [unknown, missing]) {
      expect(page.status).toBe(400)
      expect(page.text).not.toContain(web.origin)
    }
    const redeem = async (client_id: string) =>
      await chat.post('/token', { grant_type: 'authorization_code', code: 'x', redirect_uri: redirectUri, client_id })
    const answers = [await redeem('nobody'), await redeem('wiki'), await redeem(`${web.origin}/missing.json`)]
    for (const { status, body } of answers)
      expect([status, body]).toEqual([
        401,
        { error: 'invalid_client', error_description: 'client authentication failed' },
      ])
  })
})

describe('what is fetched for a stranger', () => {
  it.each([
    'http://10.0.0.1/client.json',
    'https://10.0.0.1/client.json',
    'https://169.254.169.254/latest/meta-data',
    'https://[fd00::1]/client.json',
    'https://[::ffff:10.0.0.1]/client.json',
    'https://[64:ff9b::a00:1]/client.json',
    'https://100.64.0.1/client.json',
    'file:///etc/passwd',
    'gopher://127.0.0.1/x',
  ])('is never %s [ATK-114]', async (address) => {
    const { page, audit } = await ask(address)
    expect(page.status).toBe(400)
    expect(audit).toMatchObject([{ outcome: 'refused' }])
  })

  it.each<[string, (response: import('node:http').ServerResponse, document: string) => void]>([
    ['is behind a redirect [ATK-116]', (response) => response.writeHead(302, { location: '/client.json' }).end()],
    [
      'is compressed [ATK-117]',
      (response, document) => response.setHeader('content-encoding', 'gzip').end(gzipSync(document)),
    ],
    ['is larger than the limit [ATK-117]', (response, document) => response.end(document + ' '.repeat(20_000))],
    [
      'says it is larger than the limit [ATK-117]',
      (response) => response.writeHead(200, { 'content-length': 1e12 }).write('{'),
    ],
    [
      'breaks off',
      (response) => response.writeHead(200, { 'content-length': 500 }).write('{', () => response.destroy()),
    ],
    ['is a page', (response) => response.setHeader('content-type', 'text/html').end('<html></html>')],
    ['is deep', (response) => response.end('{"a":'.repeat(1500))],
    ['says a member twice', (response, document) => response.end(document.replace('{', '{"client_id":"wiki",'))],
  ])('%s: nobody gets in by it', async (_, answer) => {
    const { clientId } = web.publish('/client.json')
    const odd = web.publish('/odd.json')
    const document = await (await fetch(odd.clientId)).text()
    web.pages.set('/odd.json', (_request, response) => answer(response, document))
    const { page, audit } = await ask(odd.clientId)
    expect(page.status).toBe(400)
    expect(audit).toMatchObject([{ outcome: 'refused', client: odd.clientId }])
    expect((await ask(clientId)).page.status).toBe(200)
  })

  it('carries no cookie, code or credential of anybody', async () => {
    const seen: unknown[] = []
    const application = web.publish('/client.json')
    const page = web.pages.get('/client.json')
    web.pages.set('/client.json', (request, response) => {
      seen.push(request.rawHeaders, request.url)
      page?.(request, response)
    })
    const { body } = await chat.token(application)
    expect(body.access_token).toEqual(expect.any(String))
    expect(JSON.stringify(seen)).not.toMatch(/cookie|authorization"|referer|code=/i)
  })
})

describe('a document', () => {
  it.each([
    'javascript:alert(1)',
    'data:text/html,<script>alert(1)</script>',
    'vbscript:x',
    'file:///etc/passwd',
    'http://app.example/callback',
    'http://127.0.0.1.evil.example/callback',
    'http://localhost@evil.example/callback',
    'http://localhost.evil.example/callback',
    'https://user@app.example/callback',
    'https://app.example/callback#x',
    'com.example.app:/callback',
  ])('that wants the browser at %s sends it nowhere', async (wanted) => {
    const name = `/${encodeURIComponent(wanted).replace(/\W/g, '')}.json`
    const { clientId } = web.publish(name, { redirect_uris: [wanted] })
    const { page } = await ask(clientId, { redirect_uri: wanted })
    expect([page.status, page.url.origin]).toEqual([400, chat.issuer])
    const { clientId: honest } = web.publish('/client.json')
    expect((await ask(honest)).page.status).toBe(200)
  })

  it('loses the addresses that are not taken, and keeps the others', async () => {
    const { clientId } = web.publish('/client.json', { redirect_uris: ['com.example.app:/callback', redirectUri] })
    expect((await ask(clientId, { redirect_uri: 'com.example.app:/callback' })).page.status).toBe(400)
    const { page } = await ask(clientId)
    expect([page.status, page.text]).toEqual([200, expect.stringContaining('wants to act for you')])
  })

  it('proves nothing of a program on this computer, which the consent page says', async () => {
    const { clientId } = web.publish('/client.json', { redirect_uris: [redirectUri, 'http://127.0.0.1/callback'] })
    const host = `<strong>${new URL(clientId).host}</strong>`
    const { page: program } = await ask(clientId, { redirect_uri: 'http://127.0.0.1:5000/callback' })
    expect(program.text).toContain(`It calls itself an application of ${host}`)
    expect(program.text).toContain('any program here can pass itself off as this one')
    expect((await ask(clientId)).page.text).toContain(`It is an application of ${host}: that is proven`)
  })

  it('gives a stranger no more than the operator wrote for strangers, whatever it asks for', async () => {
    const application = web.publish('/client.json', { scope: 'chat.write files.read', resource: files })
    const error = async (change: object) => (await ask(application.clientId, { ...change })).page.text
    expect(await error({ scope: 'chat.write' })).toContain('(invalid_scope)')
    expect(await error({ resource: files, scope: 'files.read' })).toContain('(invalid_target)')
    expect((await chat.token(application, { scope: 'chat.read chat.write files.read' })).body.scope).toBe('chat.read')
  })

  it('opens no way to an ID-JAG where the operator has not opened it [T33]', async () => {
    const key = await web.key('app')
    const profile = 'urn:ietf:params:oauth:grant-profile:id-jag'
    const { clientId } = web.publish('/client.json', {
      jwks: { keys: [key.jwk] },
      token_endpoint_auth_method: 'private_key_jwt',
      grant_types: ['authorization_code', grantType.tokenExchange, grantType.jwtBearer],
      authorization_grant_profiles_supported: [profile],
    })
    const proof = await key.assertion(clientId, chat.issuer)
    const redeemed = await chat.post('/token', { grant_type: grantType.jwtBearer, assertion: 'e30.e30.e30', ...proof })
    expect(redeemed.body.error).toMatch(/^(access_denied|invalid_grant)$/)
    const exchanged = await chat.post('/token', {
      grant_type: grantType.tokenExchange,
      subject_token: 'x',
      subject_token_type: tokenType.idToken,
      ...(await key.assertion(clientId, chat.issuer)),
    })
    expect(exchanged.body.error).toBe('unsupported_grant_type')
    const code = await chat.code({ clientId, redirectUri })
    expect((await chat.post('/token', { ...code, ...(await key.assertion(clientId, chat.issuer)) })).status).toBe(200)
  })

  it('whose keys are inside reaches nothing there, and proves nothing [ATK-114]', async () => {
    const key = await web.key('app')
    for (const jwks_uri of ['https://169.254.169.254/keys', 'https://10.0.0.1/keys', `${web.origin}/missing`]) {
      const path = `/${new URL(jwks_uri).hostname}.json`
      const application = web.publish(path, { jwks_uri, token_endpoint_auth_method: 'private_key_jwt' })
      const code = await chat.code(application)
      const proof = await key.assertion(application.clientId, chat.issuer)
      expect(await chat.post('/token', { ...code, ...proof })).toMatchObject({
        status: 401,
        body: { error: 'invalid_client', error_description: 'client authentication failed' },
      })
      expect(chat.last('code')?.reason).toMatch(/^(fetch_blocked|fetch_failed|jwks_unavailable)$/)
    }
    web.pages.set('/keys', (_, response) => response.end(JSON.stringify({ keys: [key.jwk] })))
    const application = web.publish('/client.json', {
      jwks_uri: `${web.origin}/keys`,
      token_endpoint_auth_method: 'private_key_jwt',
    })
    const proof = await key.assertion(application.clientId, chat.issuer)
    expect((await chat.post('/token', { ...(await chat.code(application)), ...proof })).status).toBe(200)
  })
})

describe('a document that changes between the consent and the token', () => {
  // Each worker keeps what it has fetched: the other one sees the change at once.
  const signing = async () => {
    const key = await web.key('app')
    return { key, change: { jwks: { keys: [key.jwk] }, token_endpoint_auth_method: 'private_key_jwt' } }
  }

  it('and asks for a signature from then on, gets no token without one', async () => {
    const application = web.publish('/client.json')
    const form = await chat.code(application)
    const { key, change } = await signing()
    web.publish('/client.json', change)
    expect((await chat.post('/token', form, { as: application, worker: 1 })).body.error).toBe('invalid_client')
    const proof = await key.assertion(application.clientId, chat.issuer)
    expect((await chat.post('/token', { ...form, ...proof }, { worker: 1 })).status).toBe(200)
  })

  it('and stops asking for one, is believed, as its key would be: the verifier still decides', async () => {
    const { change } = await signing()
    const application = web.publish('/client.json', change)
    const form = await chat.code(application)
    web.publish('/client.json')
    const stolen = { ...form, code_verifier: 'w'.repeat(43) }
    expect((await chat.post('/token', stolen, { as: application, worker: 1 })).body.error).toBe('invalid_grant')
    const { status, body } = await chat.post('/token', form, { as: application, worker: 1 })
    expect(status).toBe(200)
    const next = await chat.refresh(application, body.refresh_token, {}, 1)
    expect(next.body.refresh_token).not.toBe(body.refresh_token)
  })

  it('and names another key, is proven by that one and by no other', async () => {
    const before = await signing()
    const application = web.publish('/client.json', before.change)
    const form = await chat.code(application)
    const after = await signing()
    web.publish('/client.json', after.change)
    const redeem = async (key: typeof before.key) =>
      await chat.post('/token', { ...form, ...(await key.assertion(application.clientId, chat.issuer)) }, { worker: 1 })
    expect((await redeem(before.key)).body.error).toBe('invalid_client')
    expect((await redeem(after.key)).status).toBe(200)
  })

  it.each<[string, { [member: string]: unknown } | undefined]>([
    ['is withdrawn', undefined],
    ['is somebody else’s', { client_id: 'https://other.example/client.json' }],
    ['is no longer one for this grant', { grant_types: ['client_credentials'] }],
    ['has no redirect address left', { redirect_uris: [] }],
  ])('and %s, gets no token, and the code is unharmed', async (_, change) => {
    const application = web.publish('/client.json')
    const form = await chat.code(application)
    if (change === undefined) web.pages.delete('/client.json')
    else web.publish('/client.json', change)
    expect(await chat.post('/token', form, { as: application, worker: 1 })).toMatchObject({
      status: expect.toSatisfy((status: number) => status === 401 || status === 400),
      body: { error: expect.stringMatching(/^(invalid_client|unauthorized_client)$/) },
    })
    expect((await chat.post('/token', form, { as: application })).status).toBe(200)
  })

  it('does so on the way back from the sign-in, too: the person meets a page, not a failure', async () => {
    const application = web.publish('/client.json')
    const { page } = await ask(application.clientId)
    expect(page.status).toBe(200)
    web.pages.delete('/client.json')
    const { page: refused } = await ask(application.clientId, {}, 1)
    expect(refused.status).toBe(400)
  })
})

it('strangers with three hundred addresses are not all fetched, and neither a listed client nor one from before is kept out [ATK-124]', async () => {
  const busy = await deploy({ metadataDocuments: reach })
  const before = web.publish('/before.json')
  expect((await busy.token(before)).status).toBe(200)
  const asked = web.asked.length
  const statuses = await Promise.all(
    Array.from({ length: 300 }, async (_, at) => {
      const address = busy.authorize({ clientId: `${web.origin}/flood-${at}.json`, redirectUri })
      return (await fetch(address, { redirect: 'manual' })).status
    }),
  )
  expect(new Set(statuses)).toEqual(new Set([400, 503]))
  expect(web.asked.length - asked).toBeLessThanOrEqual(240)
  expect((await busy.token(before)).status).toBe(200)
  expect((await busy.token(wiki)).status).toBe(200)
  await busy.close()
})
