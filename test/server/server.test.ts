import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { PassThrough } from 'node:stream'
import { importJWK, type JWK, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { publicPartOf } from '../../src/protocol/keys.ts'
import { grantType, tokenType } from '../../src/protocol/names.ts'
import { readConfig } from '../../src/server/config.ts'
import { systemNow, systemPorts } from '../../src/server/ports.ts'
import { type RunningServers, startServers } from '../../src/server/server.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { environment, example, exampleFolder, type Folder, newKey } from './example.ts'

let folder: Folder
let upstream: Server
let upstreamKey: JWK
let login: string
let running: RunningServers
let config: object
const stdout = new PassThrough()
const log: string[] = []

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

beforeAll(async () => {
  folder = await exampleFolder()
  upstreamKey = await newKey()
  upstream = createServer((request, response) => {
    const { kid, alg } = upstreamKey
    const documents: { [path: string]: object } = {
      '/.well-known/openid-configuration': { issuer: login, jwks_uri: `${login}/jwks` },
      '/jwks': { keys: [{ ...publicPartOf(upstreamKey), kid, alg, use: 'sig' }] },
    }
    const document = documents[request.url ?? '']
    response.writeHead(document === undefined ? 404 : 200).end(JSON.stringify(document ?? {}))
  }).listen(0, '127.0.0.1')
  await once(upstream, 'listening')
  login = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`

  const [idpPort, chatPort] = [await freePort(), await freePort()]
  const [idp, chat] = [`http://127.0.0.1:${idpPort}`, `http://127.0.0.1:${chatPort}`]
  config = JSON.parse(
    JSON.stringify({
      ...example,
      idp: { ...example.idp, listen: `127.0.0.1:${idpPort}` },
      resourceAs: { ...example.resourceAs, listen: `127.0.0.1:${chatPort}` },
    })
      .replaceAll('https://id.acme.example', idp)
      .replaceAll('https://auth.chat.example', chat)
      .replaceAll('https://login.example.com/tenant/v2.0', login)
      .replaceAll('"acr":["strong"],', ''),
  )
  running = await startServers(await readConfig(await folder.write(config), environment), {
    stdout,
    log: (line) => log.push(line),
    // The servers are as young as the test: what they fence off lies before both.
    portsOver: (audit, store, issuer) => ({ ...systemPorts(audit, store, issuer), fence: () => 0 }),
  })
})
afterAll(async () => {
  await running.close()
  upstream.closeAllConnections()
  upstream.close()
  await folder.remove()
})

async function idToken(claims: object = {}): Promise<string> {
  const now = Math.floor(Date.now() / 1000)
  const all = {
    iss: login,
    sub: 'alice',
    aud: 'assistant at login',
    iat: now,
    exp: now + 300,
    auth_time: now,
    ...claims,
  }
  const { kid, alg = 'ES256' } = upstreamKey
  return await new SignJWT(all)
    .setProtectedHeader({ alg, ...(kid === undefined ? {} : { kid }) })
    .sign(await importJWK(upstreamKey, alg))
}

async function post(role: 'idp' | 'resourceAs', form: Record<string, string>, headers: Record<string, string> = {}) {
  const issuer = running.roles.find((one) => one.role === role)?.issuer
  const response = await fetch(`${issuer}/token`, { method: 'POST', body: new URLSearchParams(form), headers })
  return { status: response.status, body: (await response.json()) as { [member: string]: string } }
}

async function exchange(subjectToken: string, scope = 'chat.read') {
  const authorization = `Basic ${btoa(`assistant:${environment.ASSISTANT_SECRET}`)}`
  const form = {
    grant_type: grantType.tokenExchange,
    requested_token_type: tokenType.idJag,
    audience: running.roles[1]?.issuer ?? '',
    subject_token: subjectToken,
    subject_token_type: tokenType.idToken,
    scope,
  }
  return await post('idp', form, { authorization })
}

const redeem = (assertion: string, secret = environment.CHAT_SECRET) =>
  post('resourceAs', {
    grant_type: grantType.jwtBearer,
    assertion,
    client_id: 'assistant-at-chat',
    client_secret: secret,
  })

describe('a server with both roles', () => {
  it('says where each of them answers, and its metadata is there', async () => {
    for (const { issuer, metadata, listens } of running.roles) {
      expect(listens).toBe(issuer)
      expect(await (await fetch(metadata)).json()).toMatchObject({ issuer, token_endpoint: `${issuer}/token` })
    }
  })

  it('turns an ID Token of a foreign issuer into an ID-JAG, and that into an access token, once', async () => {
    const { status, body } = await exchange(await idToken())
    expect(body).toMatchObject({ token_type: 'N_A', scope: 'chat.read', expires_in: 300 })
    expect(status).toBe(200)
    const jag = body.access_token ?? ''
    expect(await redeem(jag, 'wrong')).toMatchObject({ status: 401 })
    expect(await redeem(jag)).toMatchObject({
      status: 200,
      body: { token_type: 'Bearer', scope: 'chat.read', expires_in: 600 },
    })
    expect(await redeem(jag)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
  })

  it('gives a scope that is for a group to people of the group alone', async () => {
    const asked = 'chat.read chat.write'
    expect((await exchange(await idToken(), asked)).body.scope).toBe('chat.read')
    expect((await exchange(await idToken({ groups: ['writers'] }), asked)).body.scope).toBe(asked)
  })

  it('refuses who is not known: another issuer, another audience, an account that is not there', async () => {
    expect(await exchange(await idToken({ iss: 'https://other.example' }))).toMatchObject({
      body: { error: 'invalid_grant' },
    })
    expect(await exchange(await idToken({ aud: 'assistant' }))).toMatchObject({ body: { error: 'invalid_grant' } })
    const stranger = (await exchange(await idToken({ sub: 'stranger' }))).body.access_token ?? ''
    expect(await redeem(stranger)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
  })

  it('writes one audit line for each request, on standard output, without a token or secret', async () => {
    stdout.read()
    const token = await idToken()
    const { body } = await exchange(token)
    await redeem(body.access_token ?? '')
    const text = String(stdout.read())
    const lines = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines).toMatchObject([
      { role: 'idp', outcome: 'granted', client: 'assistant', clientThere: 'assistant-at-chat' },
      { role: 'resource-as', outcome: 'granted', client: 'assistant-at-chat', account: 'a-1' },
    ])
    expect(lines[0].issuedTokenId).toBe(lines[1].tokenId)
    for (const secret of [token, body.access_token ?? '', environment.ASSISTANT_SECRET, environment.CHAT_SECRET])
      expect(text).not.toContain(secret)
    expect(log).toEqual([])
  })

  it('refuses to start a second time on the same address, and names the setting', async () => {
    const again = await readConfig(await folder.write(config), environment)
    await expect(startServers(again, { stdout: new PassThrough(), log: () => {} })).rejects.toThrow(
      /^idp\.listen: cannot listen on 127\.0\.0\.1:\d+: another process listens there\. Change idp\.listen, or set XAA_IDP_LISTEN\.$/,
    )
  })

  it('refuses to start when its store cannot be used, and says what to do', async () => {
    const start = async (store: unknown) => {
      const file = await readConfig(await folder.write({ ...config, store }), environment)
      return await startServers(file, { stdout: new PassThrough(), log: () => {} })
    }
    const address = `redis://127.0.0.1:${await freePort()}`
    await expect(start(address)).rejects.toThrow(
      `store: ${address} cannot be used: ECONNREFUSED. Check the address and the server.`,
    )
    await expect(start({ lmdb: 'xaa.yaml' })).rejects.toThrow(/^store: the directory .*xaa\.yaml cannot be used/)
  })

  it('refuses to start when its audit cannot be written', async () => {
    const file = await readConfig(await folder.write({ ...config, audit: { file: 'none/audit.log' } }), environment)
    await expect(startServers(file, { stdout: new PassThrough(), log: () => {} })).rejects.toThrow(
      /^audit\.file: .* \(ENOENT\)/,
    )
  })
})

describe('the ports of a process', () => {
  it('fence off what was issued before it started, and give ids that nobody can guess', async () => {
    const before = Date.now() / 1000
    const store = memoryStore({ now: systemNow })
    const ports = systemPorts({ record: async () => {} }, store, 'https://auth.chat.example')
    expect(ports.fence()).toBeGreaterThanOrEqual(before)
    expect(ports.newId()).toMatch(/^[A-Za-z0-9_-]{32}$/)
    expect(ports.newId()).not.toBe(ports.newId())
    expect(await ports.once('key', ports.now() + 10)).toBe(true)
    expect(await ports.once('key', ports.now() + 10)).toBe(false)
    const elsewhere = systemPorts({ record: async () => {} }, store, 'https://auth.files.example')
    expect(await elsewhere.once('key', ports.now() + 10)).toBe(true)
  })
})
