/** A deployment for tests: both roles of a configuration, run by one or two servers on one store, and a foreign issuer for its people. */

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { setTimeout } from 'node:timers/promises'
import { importJWK, type JWK, SignJWT } from 'jose'
import { publicPartOf } from '../../src/protocol/keys.ts'
import { grantType, tokenType } from '../../src/protocol/names.ts'
import { readConfig } from '../../src/server/config.ts'
import { writeKeyFile } from '../../src/server/key-files.ts'
import { systemNow, systemPorts } from '../../src/server/ports.ts'
import { startServers } from '../../src/server/server.ts'
import { environment, example, exampleFolder, newKey } from './example.ts'

export const apiSecret = 'api-secret-0123456789-0123456789-01234'
export const adminToken = 'admin-token-0123456789-0123456789-0123'

interface AdminCall {
  body?: unknown
  headers?: { [name: string]: string }
  token?: string
}

interface Answer {
  status: number
  body: { [member: string]: unknown }
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** A foreign issuer with metadata, keys, and ID Tokens for the assistant. */
export async function openUpstream() {
  const key = await newKey()
  const { kid = '', alg = 'ES256' } = key
  let login = ''
  let fetches = 0
  const upstream = createServer((request, response) => {
    const documents: { [path: string]: object } = {
      '/.well-known/openid-configuration': { issuer: login, jwks_uri: `${login}/jwks` },
      '/jwks': { keys: [{ ...publicPartOf(key), kid, alg, use: 'sig' }] },
    }
    if (request.url === '/jwks') fetches += 1
    const document = documents[request.url ?? '']
    response.writeHead(document === undefined ? 404 : 200).end(JSON.stringify(document ?? {}))
  }).listen(0, '127.0.0.1')
  await once(upstream, 'listening')
  login = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`
  return {
    login,
    /** How often its keys were fetched. */
    fetches: () => fetches,
    async idToken(claims: object = {}): Promise<string> {
      const iat = Math.floor(Date.now() / 1000)
      const own = {
        iss: login,
        sub: 'alice',
        aud: 'assistant at login',
        iat,
        exp: iat + 300,
        auth_time: iat,
        ...claims,
      }
      return await new SignJWT(own).setProtectedHeader({ alg, kid }).sign(await importJWK(key, alg))
    },
    async close() {
      upstream.closeAllConnections()
      upstream.close()
      await once(upstream, 'close')
    },
  }
}

export type Deployment = Awaited<ReturnType<typeof deploy>>

type Members = { [name: string]: unknown }

/** What differs from the usual deployment. */
export interface DeploymentChange {
  /** What becomes of the part `idp` of the configuration. */
  idp?(idp: typeof example.idp & Members): Members
  /** What becomes of the part `resourceAs`. */
  resourceAs?(server: typeof example.resourceAs & Members): Members
  /** Private JWK Sets beside the configuration, by file name. */
  files?: { [name: string]: { keys: JWK[] } }
  /** Further parts of the configuration. */
  more?: Members
  /** How many seconds the clock of the first server is ahead. */
  ahead?(): number
}

/** Starts `replicas` servers, each with both roles, on one LMDB directory. The first listens at the issuers' own addresses. */
export async function deploy(replicas = 1, change: DeploymentChange = {}) {
  const { idp: changed = (same) => same, resourceAs: changedServer = (same) => same, ahead = () => 0 } = change
  const folder = await exampleFolder()
  const upstream = await openUpstream()
  const [idpPort, chatPort] = [await freePort(), await freePort()]
  const [idp, chat] = [`http://127.0.0.1:${idpPort}`, `http://127.0.0.1:${chatPort}`]
  const config = JSON.parse(
    JSON.stringify({
      ...example,
      idp: { ...changed(example.idp), listen: `127.0.0.1:${idpPort}` },
      resourceAs: {
        ...changedServer(example.resourceAs),
        listen: `127.0.0.1:${chatPort}`,
        protectedResources: [
          {
            id: 'chat-api',
            authMethods: ['client_secret_basic'],
            secret: { env: 'API_SECRET' },
            resources: ['https://api.chat.example/mcp'],
          },
        ],
      },
      store: 'lmdb',
      admin: { listen: '127.0.0.1:0', token: { env: 'ADMIN_TOKEN' } },
      shutdown: { delay: 0 },
      ...change.more,
    })
      .replaceAll('https://id.acme.example', idp)
      .replaceAll('https://auth.chat.example', chat)
      .replaceAll('https://login.example.com/tenant/v2.0', upstream.login)
      .replaceAll('"acr":["strong"],', ''),
  ) as { [part: string]: unknown }
  const variables = { ...environment, API_SECRET: apiSecret, ADMIN_TOKEN: adminToken }
  for (const [name, keys] of Object.entries(change.files ?? {}))
    await writeKeyFile(join(folder.path, name), keys, { onlyNew: true })
  const file = await folder.write(config)
  const log: string[] = []
  const audit: string[] = []
  const stdout = new PassThrough().on('data', (chunk) => audit.push(...String(chunk).trimEnd().split('\n')))
  const server = await startServers(await readConfig(file, variables), {
    stdout,
    log: (line) => log.push(line),
    // The server is as young as the test: what it fences off lies before both.
    portsOver: (audit, store, issuer) => ({
      ...systemPorts(audit, store, issuer),
      now: () => systemNow() + ahead(),
      fence: () => 0,
    }),
  })
  const children: ChildProcess[] = []
  // LMDB is meant to be opened once in a process.
  const colleague = async (...args: string[]) => {
    const child = fork(new URL('./replica.ts', import.meta.url), args, {
      execArgv: ['--import', 'tsx'],
      env: { ...process.env, ...variables, XAA_IDP_LISTEN: '127.0.0.1:0', XAA_RAS_LISTEN: '127.0.0.1:0' },
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    })
    children.push(child)
    const [message] = (await once(child, 'message')) as [unknown]
    return { child, message }
  }
  const addresses = [{ idp, chat, admin: server.administration ?? '' }]
  for (let replica = 1; replica < replicas; replica++) {
    const [itsIdp = '', itsChat = '', itsAdmin = ''] = (await colleague(file)).message as string[]
    addresses.push({ idp: itsIdp, chat: itsChat, admin: itsAdmin })
  }
  const { child: admin } = await colleague(file, join(folder.path, 'state'))
  const send = async (url: string, form: { [name: string]: string }, headers = {}): Promise<Answer> => {
    // A machine that is busy with other tests may miss the deadline of a store or audit: come again, as every client does.
    for (let attempt = 0; ; attempt++) {
      const response = await fetch(url, { method: 'POST', body: new URLSearchParams(form), headers })
      const text = await response.text()
      if (response.status !== 503 || attempt === 20)
        return { status: response.status, body: text === '' ? {} : JSON.parse(text) }
      await setTimeout(250)
    }
  }
  const post = async (url: string, form: { [name: string]: string }, basic: [string, string]) =>
    await send(url, form, { authorization: `Basic ${btoa(basic.join(':'))}` })
  const client = { client_id: 'assistant-at-chat', client_secret: environment.CHAT_SECRET }
  const postAsClient = async (url: string, form: { [name: string]: string }) => await send(url, { ...form, ...client })
  return {
    ...upstream,
    /** An administrator at the same store, as `xaa block` is. */
    async administer(act: 'block' | 'unblock' | 'purgeIssuerKeys', what: unknown): Promise<void> {
      admin.send([act, what])
      const [outcome] = (await once(admin, 'message')) as [unknown]
      if (typeof outcome === 'string') throw new Error(outcome)
    },
    idp,
    chat,
    addresses,
    /** Where the first server's metrics are read, where the configuration has some. */
    metrics: `${server.metrics}/metrics`,
    /** The audit lines of the first server. */
    audit,
    log,
    /** Each at the replica with this number, the first being 0. */
    exchange: async (
      at: number,
      subjectToken: string,
      scope = 'chat.read',
      as: [string, string] = ['assistant', environment.ASSISTANT_SECRET],
    ) =>
      await post(
        `${addresses[at]?.idp}/token`,
        {
          grant_type: grantType.tokenExchange,
          requested_token_type: tokenType.idJag,
          audience: chat,
          subject_token: subjectToken,
          subject_token_type: tokenType.idToken,
          scope,
        },
        as,
      ),
    redeem: async (at: number, assertion: unknown, as?: [string, string]) => {
      const form = { grant_type: grantType.jwtBearer, assertion: String(assertion) }
      const url = `${addresses[at]?.chat}/token`
      return as === undefined ? await postAsClient(url, form) : await post(url, form, as)
    },
    /** An administrator's request to the server with this number. */
    async admin(at: number, method: string, path: string, { body, headers, token = adminToken }: AdminCall = {}) {
      const response = await fetch(`${addresses[at]?.admin}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      })
      return { status: response.status, headers: response.headers, body: await response.json() }
    },
    introspect: async (at: number, token: unknown) =>
      await post(`${addresses[at]?.chat}/introspect`, { token: String(token) }, ['chat-api', apiSecret]),
    revoke: async (at: number, token: unknown) =>
      await postAsClient(`${addresses[at]?.chat}/revoke`, { token: String(token) }),
    async close() {
      for (const child of children) child.disconnect()
      await server.close()
      await upstream.close()
      await folder.remove()
    },
  }
}
