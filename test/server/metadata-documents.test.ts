/** Clients with a metadata document over HTTP, at both roles of a server: listed, unlisted, and those that are not let in. */

import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { PassThrough } from 'node:stream'
import { decodeJwt, importJWK, type JWK, SignJWT } from 'jose'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createCrossAppClient, privateKeyJwt } from '../../src/client/client.ts'
import { publicPartOf } from '../../src/protocol/keys.ts'
import { clientAssertionType, grantType, tokenType } from '../../src/protocol/names.ts'
import { readConfig } from '../../src/server/config.ts'
import { systemPorts } from '../../src/server/ports.ts'
import { startServers } from '../../src/server/server.ts'
import { documentOf } from '../fixture/client-documents.ts'
import { adminToken, freePort } from './deployment.ts'
import { environment, example, exampleFolder, newKey } from './example.ts'

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** A web server of others: what it serves by path, and what it was asked for. */
async function openWeb() {
  const pages = new Map<string, RequestListener>()
  const asked: string[] = []
  const server = createServer((request, response) => {
    const { url = '' } = request
    asked.push(url)
    const page = pages.get(url)
    if (page === undefined) response.writeHead(404).end()
    else page(request, response)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const serve = (path: string, document: unknown) => {
    pages.set(path, (_, response) => response.end(JSON.stringify(document)))
    return `${origin}${path}`
  }
  closing.push(async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })
  return { origin, pages, asked, serve }
}

/** The protected API: of the same web server, to keep it short. */
const api = () => `${web.origin}/mcp`

let web: Awaited<ReturnType<typeof openWeb>>
let upstreamKey: JWK
let appKey: JWK
beforeEach(async () => {
  web = await openWeb()
  upstreamKey = await newKey()
  appKey = await newKey()
  web.serve('/.well-known/openid-configuration', { issuer: web.origin, jwks_uri: `${web.origin}/jwks` })
  web.serve('/jwks', { keys: [publicOf(upstreamKey)] })
})

const publicOf = (jwk: JWK) => ({ ...publicPartOf(jwk), kid: jwk.kid, alg: jwk.alg, use: 'sig' })

/** Serves the document of a client that signs with {@link appKey}, and gives its id. */
async function publish(path: string, changes: { [member: string]: unknown } = {}): Promise<string> {
  const id = `${web.origin}${path}`
  return web.serve(path, await documentOf(id, { jwks: { keys: [publicOf(appKey)] }, ...changes }))
}

interface Setting {
  /** At the identity provider, each with a connection to the chat. */
  atIdp?: readonly string[]
  /** At the chat, with every scope. */
  atChat?: readonly string[]
  metadataDocuments?: object | undefined
  /** Whether the issuer may speak for clients that are listed nowhere. */
  spokenFor?: boolean
  /** Where the servers say they are; where they really listen unless given. */
  issuers?: { idp: string; chat: string }
  disabled?: boolean
  /** What the operator opened beyond the public addresses. */
  allowAddresses?: readonly string[]
}

async function start(setting: Setting) {
  const {
    atIdp = [],
    atChat = [],
    metadataDocuments,
    spokenFor,
    issuers,
    disabled = false,
    allowAddresses = [],
  } = setting
  const folder = await exampleFolder()
  const [idpPort, chatPort] = [await freePort(), await freePort()]
  const at = { idp: `http://127.0.0.1:${idpPort}`, chat: `http://127.0.0.1:${chatPort}` }
  const { idp, chat } = issuers ?? at
  const { scopes, ...connection } = { ...example.idp.connections[0], signIn: {}, audience: chat, clientId: undefined }
  const config = {
    idp: {
      ...example.idp,
      issuer: idp,
      listen: `127.0.0.1:${idpPort}`,
      subjectIssuers: [{ issuer: issuers === undefined ? web.origin : 'https://login.example.com', users: 'token' }],
      clients: atIdp.map((id) => ({ id, metadataDocument: true, disabled })),
      resourceServers: [{ issuer: chat, resources: [api()] }],
      connections: atIdp.map((client) => ({ ...connection, scopes: ['chat.read', 'chat.write'], client })),
    },
    resourceAs: {
      ...example.resourceAs,
      issuer: chat,
      listen: `127.0.0.1:${chatPort}`,
      resources: [{ resource: api(), scopes: ['chat.read', 'chat.write'] }],
      clients: atChat.map((id) => ({
        id,
        metadataDocument: true,
        disabled,
        scopes: ['chat.read', 'chat.write'],
        resources: [api()],
      })),
      trustedIssuers: [{ issuer: idp, clients: [...atChat], ...(spokenFor ? { metadataDocuments: true } : {}) }],
      accounts: [{ id: 'a-1', links: [{ issuer: idp, sub: 'alice' }] }],
      ...(metadataDocuments === undefined ? {} : { metadataDocuments }),
    },
    outbound: { allowAddresses },
    store: 'lmdb',
    admin: { listen: '127.0.0.1:0', token: { env: 'ADMIN_TOKEN' } },
    shutdown: { delay: 0 },
  }
  const file = await folder.write(JSON.parse(JSON.stringify(config)))
  const audit: { [member: string]: unknown }[] = []
  const log: string[] = []
  const stdout = new PassThrough().on('data', (chunk) => {
    const lines = String(chunk).trimEnd().split('\n')
    audit.push(...lines.map((line) => JSON.parse(line)).filter(({ action }) => action !== undefined))
  })
  const server = await startServers(await readConfig(file, { ...environment, ADMIN_TOKEN: adminToken }), {
    stdout,
    log: (line) => log.push(line),
    portsOver: (audit, store, issuer) => ({ ...systemPorts(audit, store, issuer), fence: () => 0 }),
  })
  closing.push(async () => {
    await server.close()
    await folder.remove()
  })
  const post = async (url: string, form: { [name: string]: string }) => {
    const response = await fetch(url, { method: 'POST', body: new URLSearchParams(form) })
    const body = (await response.json()) as { [member: string]: unknown }
    return { status: response.status, body, reason: audit.at(-1)?.reason }
  }
  return {
    idp,
    chat,
    audit,
    log,
    exchange: async (credentials: { [name: string]: string }, client: string) =>
      await post(`${at.idp}/token`, {
        grant_type: grantType.tokenExchange,
        requested_token_type: tokenType.idJag,
        audience: chat,
        subject_token: await idToken(client),
        subject_token_type: tokenType.idToken,
        ...credentials,
      }),
    redeem: async (credentials: { [name: string]: string }, assertion: unknown) =>
      await post(`${at.chat}/token`, { grant_type: grantType.jwtBearer, assertion: String(assertion), ...credentials }),
    metadataOf: async (role: 'idp' | 'chat') => {
      const response = await fetch(`${at[role]}/.well-known/oauth-authorization-server`)
      return (await response.json()) as { [member: string]: unknown }
    },
    admin: async (method: string, path: string, body?: object) => {
      const response = await fetch(`${server.administration}${path}`, {
        method,
        headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json', 'if-none-match': '*' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      return response.status
    },
  }
}

const seconds = () => Math.floor(Date.now() / 1000)

async function idToken(client: string): Promise<string> {
  const claims = {
    iss: web.origin,
    sub: 'alice',
    aud: client,
    iat: seconds(),
    exp: seconds() + 300,
    auth_time: seconds(),
  }
  const { kid = '', alg = '' } = upstreamKey
  return await new SignJWT(claims).setProtectedHeader({ alg, kid }).sign(await importJWK(upstreamKey, alg))
}

let assertions = 0
/** The credentials of a client at a server, signed with {@link appKey}. */
async function credentials(client: string, issuer: string) {
  const claims = {
    iss: client,
    sub: client,
    aud: issuer,
    jti: `a-${++assertions}`,
    iat: seconds(),
    exp: seconds() + 60,
  }
  const { kid = '', alg = '' } = appKey
  const client_assertion = await new SignJWT(claims).setProtectedHeader({ alg, kid }).sign(await importJWK(appKey, alg))
  return { client_id: client, client_assertion_type: clientAssertionType, client_assertion }
}

const refused = (reason: string) => ({
  status: 401,
  body: { error: 'invalid_client', error_description: 'client authentication failed' },
  reason,
})

describe('a client that is listed with a metadata document', () => {
  it('has one id at both sides, without a mapping [MAP-02] [EMA-05] [CI-01] [CI-02]', async () => {
    const app = await publish('/app.json')
    const world = await start({ atIdp: [app], atChat: [app] })
    const exchanged = await world.exchange(await credentials(app, world.idp), app)
    expect(exchanged).toMatchObject({ status: 200, body: { scope: 'chat.read chat.write' } })
    const idJag = String(exchanged.body.access_token)
    expect(decodeJwt(idJag)).toMatchObject({ client_id: app, aud: world.chat })
    const redeemed = await world.redeem(await credentials(app, world.chat), idJag)
    expect(redeemed).toMatchObject({ status: 200, body: { scope: 'chat.read chat.write' } })
    expect(decodeJwt(String(redeemed.body.access_token))).toMatchObject({ client_id: app, sub: 'a-1' })
    // Each role has fetched it once, and neither again.
    await world.exchange(await credentials(app, world.idp), app)
    expect(web.asked.filter((path) => path === '/app.json')).toHaveLength(2)
  })

  it('needs nothing else of our own client than its key', async () => {
    const app = await publish('/app.json')
    const world = await start({ atIdp: [app], atChat: [app] })
    const client = privateKeyJwt(app, appKey)
    web.pages.set('/mcp', (request, response) => {
      const called = request.headers.authorization?.startsWith('Bearer ') === true
      const challenge = `Bearer resource_metadata="${web.origin}/resource"`
      if (called) response.end('hello')
      else response.writeHead(401, { 'www-authenticate': challenge }).end()
    })
    web.serve('/resource', { resource: api(), authorization_servers: [world.chat], scopes_supported: ['chat.read'] })
    const { fetch } = createCrossAppClient({
      identityProvider: { issuer: world.idp, client },
      resourceServers: { [world.chat]: { client } },
      subject: { idToken: () => idToken(app) },
    })
    expect(await (await fetch(api())).text()).toBe('hello')
    expect(world.audit).toMatchObject([
      { action: 'exchange', outcome: 'granted', client: app, clientThere: app },
      { action: 'redeem', outcome: 'granted', client: app },
    ])
  })

  it('is announced by the servers that take one, and by no other [CI-04]', async () => {
    const app = await publish('/app.json')
    const flag = 'client_id_metadata_document_supported'
    const both = await start({ atIdp: [app], atChat: [app] })
    expect([(await both.metadataOf('idp'))[flag], (await both.metadataOf('chat'))[flag]]).toEqual([true, true])
    const none = await start({})
    expect(await none.metadataOf('idp')).not.toHaveProperty(flag)
    expect(await none.metadataOf('chat')).not.toHaveProperty(flag)
  })
})

describe('a client that is listed nowhere', () => {
  const reach = () => ({ scopes: ['chat.read'], resources: [api()], idJag: true })
  const idJagFor = async (world: Awaited<ReturnType<typeof start>>, client: string) =>
    (await world.exchange(await credentials(client, world.idp), client)).body.access_token

  it('gets what clients with a document get, where its issuer may speak for it', async () => {
    const app = await publish('/app.json')
    const world = await start({ atIdp: [app], metadataDocuments: reach(), spokenFor: true })
    expect(await world.metadataOf('chat')).toMatchObject({ client_id_metadata_document_supported: true })
    const redeemed = await world.redeem(await credentials(app, world.chat), await idJagFor(world, app))
    expect(redeemed).toMatchObject({ status: 200, body: { scope: 'chat.read', resource: api() } })
  })

  it('gets nothing where its issuer may not', async () => {
    const app = await publish('/app.json')
    const world = await start({ atIdp: [app], metadataDocuments: reach() })
    const redeemed = await world.redeem(await credentials(app, world.chat), await idJagFor(world, app))
    expect(redeemed).toMatchObject({ status: 400, body: { error: 'access_denied' }, reason: 'policy_denied' })
  })

  it('is nobody where no such client is let in, and its document is not fetched', async () => {
    const app = await publish('/app.json')
    const closed = await start({})
    expect(await closed.redeem(await credentials(app, closed.chat), 'a.b.c')).toMatchObject(
      refused('client_unauthenticated'),
    )
    expect(await closed.exchange(await credentials(app, closed.idp), app)).toMatchObject(
      refused('client_unauthenticated'),
    )
    const elsewhere = { ...reach(), hosts: ['app.example'] }
    const open = await start({ metadataDocuments: elsewhere, spokenFor: true })
    expect(await open.redeem(await credentials(app, open.chat), 'a.b.c')).toMatchObject(
      refused('client_unauthenticated'),
    )
    expect(web.asked).toEqual([])
    const here = await start({ metadataDocuments: { ...reach(), hosts: [new URL(app).host] }, spokenFor: true })
    const let_in = await here.redeem(await credentials(app, here.chat), 'a.b.c')
    expect(let_in).toMatchObject({ body: { error: 'invalid_grant' } })
    expect(web.asked).toEqual(['/app.json'])
  })
})

describe('a client with a document, at both roles,', () => {
  /** Asks both servers as this client, which is listed at the IdP and not at the chat. */
  async function atBoth(ids: readonly string[], setting: Setting = {}) {
    const metadataDocuments = { scopes: ['chat.read'], resources: [api()], idJag: true }
    const world = await start({ atIdp: ids, metadataDocuments, spokenFor: true, ...setting })
    return {
      world,
      async ask(client: string, plain = false) {
        const form = async (issuer: string) => (plain ? { client_id: client } : await credentials(client, issuer))
        return [
          await world.exchange(await form(world.idp), client),
          await world.redeem(await form(world.chat), 'a.b.c'),
        ]
      },
    }
  }

  it('is refused when the document breaks a rule, and let in when it keeps to them [ATK-123] [CI-02]', async () => {
    const good = await publish('/good.json')
    const bad = [
      await publish('/other.json', { client_id: good }),
      await publish('/secret.json', { client_secret: 'x' }),
      await publish('/basic.json', { token_endpoint_auth_method: 'client_secret_basic' }),
      await publish('/symmetric.json', { token_endpoint_auth_method: 'client_secret_jwt' }),
      await publish('/private.json', { jwks: { keys: [appKey] } }),
      await publish('/half.json', { grant_types: ['authorization_code', grantType.jwtBearer] }),
    ]
    const { ask } = await atBoth([good, ...bad])
    for (const id of bad) for (const answer of await ask(id)) expect(answer).toMatchObject(refused('cimd_invalid'))
    expect(await ask(good)).toMatchObject([{ status: 200 }, { body: { error: 'invalid_grant' } }])
  })

  it('is refused by the form of its id alone, and nothing is fetched [ATK-123] [CI-01]', async () => {
    const good = await publish('/a/good.json')
    const { ask } = await atBoth([good])
    const { host } = new URL(good)
    const bad = [`${good}#a`, `${good}?a`, `http://me@${host}/a/good.json`, `http://${host}/a/%2e/good.json`]
    for (const id of [...bad, `http://${host}/b/../a/good.json`, 'http://app.example/good.json'])
      for (const answer of await ask(id)) expect(answer).toMatchObject(refused('client_unauthenticated'))
    expect(web.asked).toEqual([])
    expect(await ask(good)).toMatchObject([{ status: 200 }, { body: { error: 'invalid_grant' } }])
  })

  it('is refused when the document is behind a redirect, which nobody follows [ATK-116]', async () => {
    const moved = `${web.origin}/moved.json`
    web.serve('/target.json', await documentOf(moved, { jwks: { keys: [publicOf(appKey)] } }))
    const { ask } = await atBoth([moved])
    for (const status of [301, 302, 307, 308])
      web.pages.set('/moved.json', (_, response) => response.writeHead(status, { location: '/target.json' }).end())
    for (const answer of await ask(moved)) expect(answer).toMatchObject(refused('fetch_failed'))
    expect(web.asked).not.toContain('/target.json')
  })

  it('is refused when the document does not end [ATK-117]', async () => {
    const endless = `${web.origin}/endless.json`
    web.pages.set('/endless.json', (_, response) => {
      const more = () => {
        while (!response.destroyed && response.write(' '.repeat(1000)));
      }
      response.on('drain', more)
      more()
    })
    const { ask } = await atBoth([endless])
    for (const answer of await ask(endless)) expect(answer).toMatchObject(refused('fetch_failed'))
  })

  it('is refused when the document is inside [ATK-114]', async () => {
    const inside = [
      'https://127.0.0.1/c.json',
      'https://[::1]/c.json',
      'https://[::ffff:7f00:1]/c.json',
      'https://10.0.0.1/c.json',
      'https://169.254.169.254/c.json',
    ]
    const issuers = { idp: 'https://id.acme.example', chat: 'https://auth.chat.example' }
    const { ask, world } = await atBoth(inside, { issuers })
    for (const id of inside) for (const answer of await ask(id)) expect(answer).toMatchObject(refused('fetch_blocked'))
    // In production, http is nobody's address.
    const local = await publish('/app.json')
    const answer = await world.redeem(await credentials(local, world.chat), 'a.b.c')
    expect(answer).toMatchObject(refused('client_unauthenticated'))
    expect(web.asked).toEqual([])
  })

  it('that is a stranger reaches nothing that the operator opened for others [ATK-114]', async () => {
    const inside = `${web.origin.replace('http:', 'https:')}/c.json`
    const issuers = { idp: 'https://id.acme.example', chat: 'https://auth.chat.example' }
    const { ask } = await atBoth([inside], { issuers, allowAddresses: ['127.0.0.0/8'] })
    // The server speaks no TLS: that the handshake failed shows that it was connected to.
    expect(await ask(inside)).toMatchObject([refused('fetch_failed'), refused('fetch_blocked')])
  })

  it('that is public is told that it may not use these grants [D-08]', async () => {
    const open = await publish('/open.json', { token_endpoint_auth_method: 'none' })
    const { ask } = await atBoth([open])
    for (const answer of await ask(open, true))
      expect(answer).toMatchObject({ status: 400, body: { error: 'unauthorized_client' }, reason: 'public_client' })
    for (const answer of await ask(open)) expect(answer).toMatchObject(refused('auth_method_mismatch'))
  })

  it('is stopped by a block and by its entry, and nothing is fetched', async () => {
    const app = await publish('/app.json')
    const { ask, world } = await atBoth([app])
    expect(await world.admin('POST', '/blocks', { client: app })).toBeLessThan(300)
    await expect
      .poll(async () => (await ask(app)).map(({ reason }) => reason))
      .toEqual(['client_disabled', 'client_disabled'])
    const off = await atBoth([app], { atChat: [app], disabled: true })
    web.asked.length = 0
    for (const answer of await off.ask(app)) expect(answer).toMatchObject(refused('client_disabled'))
    expect(web.asked).toEqual([])
  })

  it('can be entered by an administrator at run time', async () => {
    const app = await publish('/app.json')
    const world = await start({})
    const segment = encodeURIComponent(app)
    const member = { metadataDocument: true }
    const reach = { scopes: ['chat.read'], resources: [api()] }
    expect(await world.admin('PUT', `/clients/idp/${segment}`, member)).toBe(201)
    expect(await world.admin('PUT', `/clients/resourceAs/${segment}`, { ...member, ...reach })).toBe(201)
    expect(await world.admin('PUT', `/clients/idp/other`, member)).toBe(400)
    await expect
      .poll(async () => (await world.redeem(await credentials(app, world.chat), 'a.b.c')).body.error)
      .toBe('invalid_grant')
    expect(await world.exchange(await credentials(app, world.idp), app)).toMatchObject({
      body: { error: 'invalid_target' },
    })
    expect(await world.metadataOf('idp')).toMatchObject({ client_id_metadata_document_supported: true })
  })

  it('leaves one line in the log when it is listed, and none when it is a stranger', async () => {
    const gone = `${web.origin}/gone.json`
    const { ask, world } = await atBoth([gone])
    await ask(gone)
    await ask(gone)
    expect(world.log.map((line) => JSON.parse(line))).toMatchObject([
      { server: world.idp, warning: `client metadata document: ${gone} answered 404` },
    ])
    expect(world.audit.at(-1)).toMatchObject({ reason: 'fetch_failed', detail: `${gone} answered 404` })
  })
})
