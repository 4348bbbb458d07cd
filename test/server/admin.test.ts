/** The administration of `xaa serve`: what is made, changed and removed over HTTP is durable, versioned, and in force at every server. */

import { exportJWK, generateKeyPair } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { adminToken, type Deployment, deploy } from './deployment.ts'
import { environment } from './example.ts'

let world: Deployment
beforeAll(async () => {
  world = await deploy(2)
})
afterAll(async () => await world.close())

const soon = { timeout: 20_000, interval: 50 }
const segment = encodeURIComponent
const secret = 'robot-secret-0123456789-0123456789-01234'
const make = { 'if-none-match': '*' }
const seen = (version: number) => ({ 'if-match': `"${version}"` })

const connectionPath = (client: string) => `/connections/${client}/${segment(world.chat)}`
const trustPath = () => `/trusted-issuers/resourceAs/${segment(world.idp)}`
const idpRobot = { authMethods: ['client_secret_basic'], secret }
const chatRobot = { ...idpRobot, scopes: ['chat.read'], resources: ['https://api.chat.example/mcp'] }
const robotConnection = { clientId: 'robot-at-chat', scopes: ['chat.read'], everyone: true }
const asRobot: [string, string] = ['robot', secret]

const versionOf = async (path: string): Promise<number> => {
  const { body } = await world.admin(0, 'GET', path)
  return (body as { version: number }).version
}

describe('what is made at run time works at every server within five seconds', () => {
  it('a client at both sides, the trust in it, and its connection: from the exchange to the access token', async () => {
    const idToken = await world.idToken({ aud: 'robot' })
    expect((await world.exchange(0, idToken, 'chat.read', asRobot)).body.error).toBe('invalid_client')

    expect(await world.admin(0, 'PUT', '/clients/idp/robot', { body: idpRobot, headers: make })).toMatchObject({
      status: 201,
      body: {
        id: 'robot',
        enabled: true,
        hasSecret: true,
        entry: { authMethods: ['client_secret_basic'], clientIdAt: {} },
      },
    })
    for (const at of [0, 1])
      await expect
        .poll(async () => (await world.exchange(at, idToken, 'chat.read', asRobot)).body.error, soon)
        .toBe('invalid_target')
    expect((await world.exchange(0, idToken, 'chat.read', ['robot', `${secret}x`])).body.error).toBe('invalid_client')

    expect(
      await world.admin(1, 'PUT', '/clients/resourceAs/robot-at-chat', { body: chatRobot, headers: make }),
    ).toMatchObject({ status: 201 })
    const trust = await world.admin(1, 'GET', trustPath())
    expect(trust).toMatchObject({ status: 200, body: { version: 0, entry: { clients: ['assistant-at-chat'] } } })
    expect(trust.headers.get('etag')).toBe('"0"')
    const { entry } = trust.body as { entry: { clients: string[] } }
    const wider = { ...entry, clients: [...entry.clients, 'robot-at-chat'] }
    expect(await world.admin(1, 'PUT', trustPath(), { body: wider, headers: seen(0) })).toMatchObject({ status: 200 })
    const connection = await world.admin(1, 'PUT', connectionPath('robot'), { body: robotConnection, headers: make })
    expect(connection).toMatchObject({
      status: 201,
      body: {
        clientThere: 'robot-at-chat',
        scopes: ['chat.read'],
        resources: ['https://api.chat.example/mcp'],
        enabled: true,
      },
    })
    expect(connection.headers.get('etag')).toBe(`"${(connection.body as { version: number }).version}"`)

    for (const at of [1, 0]) {
      await expect.poll(async () => (await world.exchange(at, idToken, 'chat.read', asRobot)).status, soon).toBe(200)
      const { access_token } = (await world.exchange(at, idToken, 'chat.read', asRobot)).body
      await expect
        .poll(async () => (await world.redeem(at, access_token, ['robot-at-chat', secret])).body.error ?? 'none', soon)
        .toBe('none')
    }

    const version = await versionOf(connectionPath('robot'))
    expect(await world.admin(0, 'DELETE', connectionPath('robot'), { headers: seen(version) })).toMatchObject({
      status: 200,
    })
    for (const at of [0, 1])
      await expect
        .poll(async () => (await world.exchange(at, idToken, 'chat.read', asRobot)).body.error, soon)
        .toBe('invalid_target')
    expect((await world.exchange(1, await world.idToken())).status).toBe(200)
  })

  it('an issuer that is trusted no longer, and again: its ID-JAGs are refused, and what was issued for them has ended', async () => {
    const jag = async () => (await world.exchange(0, await world.idToken())).body.access_token
    const access = (await world.redeem(0, await jag())).body.access_token
    expect((await world.introspect(1, access)).body.active).toBe(true)
    const { body } = await world.admin(0, 'GET', trustPath())
    const { version, entry } = body as { version: number; entry: object }
    expect((await world.admin(0, 'DELETE', trustPath(), { headers: seen(version) })).status).toBe(200)
    for (const at of [0, 1]) {
      await expect.poll(async () => (await world.redeem(at, await jag())).body.error, soon).toBe('invalid_grant')
      await expect.poll(async () => (await world.introspect(at, access)).body.active, soon).toBe(false)
    }
    expect((await world.admin(1, 'PUT', trustPath(), { body: entry, headers: make })).status).toBe(201)
    await expect.poll(async () => (await world.redeem(0, await jag())).status, soon).toBe(200)
    expect((await world.introspect(0, access)).body.active).toBe(false)
    expect((await world.introspect(1, access)).body.active).toBe(false)
  })

  it('an issuer that was never in the configuration: its keys are asked for, and those of others are kept', async () => {
    const stranger = `/trusted-issuers/resourceAs/${segment(world.login)}`
    const before = world.fetches()
    const body = { clients: ['assistant-at-chat'], algorithms: ['ES256'] }
    expect((await world.admin(0, 'PUT', stranger, { body, headers: make })).status).toBe(201)
    const jag = await world.idToken()
    // An ID Token is no ID-JAG, which its type says before any key is asked for; the issuer itself is known by now.
    expect((await world.redeem(0, jag)).body.error).toBe('invalid_grant')
    expect((await world.exchange(0, await world.idToken())).status).toBe(200)
    expect(world.fetches()).toBe(before)
    const version = await versionOf(stranger)
    expect((await world.admin(0, 'DELETE', stranger, { headers: seen(version) })).status).toBe(200)
    expect((await world.admin(0, 'GET', stranger)).status).toBe(404)
  })

  it('a client that keeps its secret when it is changed without one, and is switched off and on', async () => {
    const path = '/clients/idp/keeper'
    expect((await world.admin(0, 'PUT', path, { body: idpRobot, headers: make })).status).toBe(201)
    const idToken = await world.idToken({ aud: 'keeper' })
    const as: [string, string] = ['keeper', secret]
    const error = async () => (await world.exchange(0, idToken, 'chat.read', as)).body.error
    expect(await error()).toBe('invalid_target')
    const { body } = await world.admin(0, 'GET', path)
    const { entry, version } = body as { entry: object; version: number }
    expect(JSON.stringify(body)).not.toMatch(/robot-secret|secretDigest/)
    expect((await world.admin(0, 'PUT', path, { body: entry, headers: seen(version) })).status).toBe(200)
    expect(await error()).toBe('invalid_target')
    expect(await world.admin(0, 'PATCH', path, { body: { enabled: false } })).toMatchObject({
      status: 200,
      body: { enabled: false },
    })
    expect(await error()).toBe('invalid_client')
    expect(await world.admin(0, 'PATCH', path, { body: { enabled: true } })).toMatchObject({
      status: 200,
      body: { enabled: true },
    })
    expect(await error()).toBe('invalid_target')
  })

  it('a client of the file that is given another secret: the old one is good no more', async () => {
    const path = '/clients/resourceAs/assistant-at-chat'
    const { body } = await world.admin(0, 'GET', path)
    const { entry, version } = body as { entry: object; version: number }
    const rotated = { ...entry, authMethods: ['client_secret_basic', 'client_secret_post'], secret }
    const jag = async () => (await world.exchange(0, await world.idToken())).body.access_token
    expect((await world.admin(0, 'PUT', path, { body: rotated, headers: seen(version) })).status).toBe(200)
    expect((await world.redeem(0, await jag())).body.error).toBe('invalid_client')
    expect((await world.redeem(0, await jag(), ['assistant-at-chat', secret])).status).toBe(200)
    const back = { ...entry, secret: environment.CHAT_SECRET }
    expect((await world.admin(0, 'PUT', path, { body: back, headers: seen(await versionOf(path)) })).status).toBe(200)
    expect((await world.redeem(0, await jag())).status).toBe(200)
  })
})

describe('two administrators at once', () => {
  it('lose no update: one of them gets 409 with the version there is', async () => {
    const path = '/clients/resourceAs/shared'
    expect(
      (await world.admin(0, 'PUT', path, { body: { ...chatRobot, scopes: ['chat.read'] }, headers: make })).status,
    ).toBe(201)
    const tries = await Promise.all(
      Array.from({ length: 12 }, async (_, number) => {
        const at = number % 2
        const { body } = await world.admin(at, 'GET', path)
        const { entry, version } = body as { entry: object; version: number }
        return await world.admin(at, 'PUT', path, {
          body: { ...entry, secret: `${secret}-${number}` },
          headers: seen(version),
        })
      }),
    )
    const late = tries.filter(({ status }) => status === 409)
    expect(tries.filter(({ status }) => status === 200).length + late.length).toBe(12)
    expect(late.length).toBeGreaterThan(0)
    const version = await versionOf(path)
    for (const { body } of late) {
      expect(body).toEqual({ error: expect.stringMatching(/read it again/), version: expect.any(Number) })
      expect((body as { version: number }).version).toBeLessThanOrEqual(version)
    }
    expect((await world.admin(1, 'PUT', path, { body: chatRobot, headers: make })).body).toMatchObject({ version })
  })
})

describe('blocks over HTTP', () => {
  it('are made, shown and lifted, and stop people at every server', async () => {
    const idToken = await world.idToken()
    const error = async (at: number) => (await world.exchange(at, idToken)).body.error ?? 'none'
    const made = await world.admin(0, 'POST', '/blocks', {
      body: { user: 'alice', client: 'assistant', note: 'laptop stolen' },
    })
    expect(made).toMatchObject({ status: 201, body: { user: 'alice', by: 'administrator', note: 'laptop stolen' } })
    expect(await error(0)).toBe('access_denied')
    await expect.poll(() => error(1), soon).toBe('access_denied')
    expect((await world.admin(1, 'POST', '/blocks', { body: { user: 'alice', client: 'assistant' } })).status).toBe(200)
    expect((await world.admin(1, 'GET', '/blocks')).body).toEqual([made.body])
    expect((await world.admin(1, 'DELETE', '/blocks?user=alice')).status).toBe(404)
    expect((await world.admin(1, 'DELETE', '/blocks?user=alice&client=assistant')).status).toBe(200)
    for (const at of [0, 1]) await expect.poll(() => error(at), soon).toBe('none')
    expect((await world.admin(0, 'GET', '/blocks')).body).toEqual([])
  })
})

describe('every change has a line in the audit', () => {
  it('with the policy before it, who it was, and no secret [ATK-134]', async () => {
    await world.admin(0, 'PUT', '/clients/idp/audited', { body: idpRobot, headers: make })
    const lines = world.audit.map((line) => JSON.parse(line) as { [member: string]: unknown })
    const line = lines.find(({ client }) => client === 'audited')
    expect(line).toMatchObject({
      action: 'admin',
      outcome: 'granted',
      reason: 'admin_changed',
      role: 'idp',
      server: world.idp,
      detail: 'client made, by administrator',
      policyVersion: expect.stringMatching(/^[\w-]{12}\.\d+$/),
    })
    const version = Number(String(line?.policyVersion).split('.').at(-1))
    expect(await versionOf('/clients/idp/audited')).toBeGreaterThan(version)
    const everything = [...world.audit, ...world.log].join('\n')
    for (const hidden of [secret, adminToken]) expect(everything).not.toContain(hidden)
  })
})

describe('what is refused changes nothing', () => {
  const privateKey = async () => exportJWK((await generateKeyPair('ES256', { extractable: true })).privateKey)

  it.each<[string, () => unknown, number, unknown]>([
    ['no scopes', () => ({ ...robotConnection, scopes: [] }), 400, [{ path: 'scopes', message: 'must not be empty' }]],
    [
      'nobody it is for',
      () => ({ ...robotConnection, everyone: undefined }),
      400,
      [{ path: '', message: 'is for nobody' }],
    ],
    [
      'a resource of another audience',
      () => ({ ...robotConnection, resources: ['https://other.example'] }),
      400,
      [{ path: 'resources[0]', message: 'is not a resource of this audience' }],
    ],
    [
      'a claim of the protocol',
      () => ({ ...robotConnection, claims: ['sub'] }),
      400,
      [{ path: 'claims[0]', message: 'has a meaning of its own in an ID-JAG' }],
    ],
    [
      'an unknown member',
      () => ({ ...robotConnection, role: 'admin' }),
      400,
      [{ path: 'role', message: 'is not a known key' }],
    ],
    [
      'another client than its address',
      () => ({ ...robotConnection, client: 'robot' }),
      400,
      [{ path: 'client', message: 'is another than in the address' }],
    ],
    [
      'several problems',
      () => ({ scopes: 'chat.read', everyone: true, lifetime: 5 }),
      400,
      [{ path: 'clientId' }, { path: 'scopes' }, { path: 'lifetime' }],
    ],
    ['a list', () => [], 400, undefined],
    ['a member twice', () => '{"scopes":[],"scopes":[]}', 400, undefined],
    ['__proto__ [ATK-133]', () => '{"__proto__":{"everyone":true}}', 400, undefined],
  ])('a connection with %s', async (_what, body, status, problems) => {
    const path = connectionPath('assistant')
    const version = await versionOf(path)
    const refused = await world.admin(0, 'PUT', path, { body: body(), headers: seen(version) })
    expect(refused.status).toBe(status)
    expect(refused.body).toMatchObject({ error: expect.stringMatching(/\w \w/) })
    if (problems !== undefined) {
      const found = (refused.body as { problems: { path: string }[] }).problems
      const byPath = (list: { path: string }[]) => [...list].sort((one, other) => one.path.localeCompare(other.path))
      expect(byPath(found)).toMatchObject(byPath(problems as { path: string }[]))
    }
    expect(await versionOf(path)).toBe(version)
    const { entry } = (await world.admin(0, 'GET', path)).body as { entry: object }
    expect((await world.admin(0, 'PUT', path, { body: entry, headers: seen(version) })).status).toBe(200)
  })

  it.each<[string, () => unknown | Promise<unknown>, string]>([
    [
      'a short secret',
      () => ({ ...idpRobot, authMethods: ['client_secret_basic'], secret: '%' }),
      'secret may hold only',
    ],
    ['no secret', () => ({ authMethods: ['client_secret_basic'] }), 'secret is missing for the methods'],
    [
      'a secret of no use',
      async () => ({ authMethods: ['private_key_jwt'], secret, jwks: { keys: [] } }),
      'secret is of no use',
    ],
    [
      'a private key',
      async () => ({ authMethods: ['private_key_jwt'], jwks: { keys: [await privateKey()] } }),
      'jwks holds a private or symmetric key',
    ],
    [
      'an issuer nobody knows',
      () => ({ ...idpRobot, clientIdAt: { 'https://nowhere.example': 'x' } }),
      'names no subject issuer',
    ],
  ])('a client with %s', async (_what, body, sentence) => {
    const path = '/clients/idp/refused'
    const refused = await world.admin(0, 'PUT', path, { body: await body(), headers: make })
    expect([refused.status, refused.body]).toMatchObject([400, { error: expect.stringContaining(sentence) }])
    expect(JSON.stringify(refused.body)).not.toContain(secret)
    expect((await world.admin(0, 'GET', path)).status).toBe(404)
  })

  it.each<[string, string, { [name: string]: string }, number]>([
    ['without the version that was seen', 'PUT', {}, 428],
    ['removed without it', 'DELETE', {}, 428],
    ['removed as if it were new', 'DELETE', { 'if-none-match': '*' }, 428],
    ['made where it is', 'PUT', { 'if-none-match': '*' }, 409],
    ['with an old version', 'PUT', { 'if-match': '"999999"' }, 409],
    ['removed with an old version', 'DELETE', { 'if-match': '"999999"' }, 409],
    ['with any version', 'PUT', { 'if-match': '*' }, 400],
    ['with a weak tag', 'PUT', { 'if-match': 'W/"1"' }, 400],
    ['with both', 'PUT', { 'if-match': '"1"', 'if-none-match': '*' }, 400],
    ['without a content type', 'PUT', { 'if-match': '"0"', 'content-type': 'text/plain' }, 415],
  ])('an entry that is changed %s', async (_what, method, headers, status) => {
    const path = connectionPath('assistant')
    const before = (await world.admin(0, 'GET', path)).body as { entry: object; version: number }
    const body = method === 'PUT' ? before.entry : undefined
    const refused = await world.admin(0, method, path, { body, headers })
    expect([refused.status, refused.body]).toMatchObject([status, { error: expect.stringMatching(/\w \w/) }])
    if (status === 409) expect(refused.body).toMatchObject({ version: before.version })
    expect((await world.admin(0, 'GET', path)).body).toEqual(before)
  })

  it.each([
    ['a client that is not there', 'DELETE', '/clients/idp/nobody', 404],
    ['a server that is not there', 'GET', '/clients/nowhere/x', 404],
    ['the audit, which is kept elsewhere', 'GET', '/audit', 404],
    ['whose ID Tokens are taken', 'PUT', '/trusted-issuers/idp/https%3A%2F%2Fx.example', 405],
    ['a block on nobody', 'POST', '/blocks', 400],
    ['a block that is named twice', 'DELETE', '/blocks?user=a&user=b', 400],
  ])('%s', async (_what, method, path, status) => {
    const body = method === 'POST' || method === 'PUT' ? {} : undefined
    const refused = await world.admin(0, method, path, { body, headers: seen(1) })
    expect([refused.status, refused.body]).toEqual([status, { error: expect.stringMatching(/\w \w/) }])
  })

  it('a stranger, and every page of somebody else: no token, no cookie, no cross-origin access [ATK-130] [ATK-131]', async () => {
    for (const token of ['', 'x'.repeat(40), `${adminToken} `.slice(1)]) {
      const refused = await world.admin(0, 'POST', '/blocks', { body: { user: 'alice' }, token })
      expect([refused.status, refused.body]).toEqual([
        401,
        { error: "the administrator's bearer token is missing or wrong" },
      ])
    }
    const { headers } = await world.admin(0, 'GET', '/blocks', { headers: { origin: 'https://evil.example' } })
    expect([headers.get('access-control-allow-origin'), headers.get('set-cookie')]).toEqual([null, null])
    expect(headers.get('cache-control')).toBe('no-store')
    expect((await world.admin(0, 'GET', '/blocks')).body).toEqual([])
  })

  it('not the health of the process, which needs no token', async () => {
    const { admin } = world.addresses[0] ?? { admin: '' }
    expect(await (await fetch(`${admin}/health/ready`)).json()).toEqual({ ready: true })
  })
})
