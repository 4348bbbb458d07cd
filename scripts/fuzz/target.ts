/** The target: a server process with both roles on a store in memory, a foreign issuer, and every key that signs for them. */

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stringify } from 'yaml'
import { publicPartOf, type SigningKey } from '../../src/protocol/keys.ts'
import { signingKeysOf } from '../../src/protocol/own-keys.ts'
import { writeKeyFile } from '../../src/server/key-files.ts'
import { atExit } from '../../test/faults/rig/leftovers.ts'
import { freePort } from '../../test/server/deployment.ts'
import { newKey } from '../../test/server/example.ts'

/** What the server process needs when everything that nobody uses any more is collected, in bytes. */
export interface Collected {
  /** What its objects take, and what they hold outside of the heap. */
  kept: number
  /** Resident memory of the whole process. */
  taken: number
}

/** What the server process says of itself. */
export interface Measures {
  /** Resident memory as it is, garbage included; bytes. */
  rss: number
  /** How late the event loop was, in milliseconds, since the last reset. */
  delayP99: number
  delayMax: number
  auditLines: number
  /** Log lines about failures of the server itself, since the last question. */
  failures: string[]
}

/** Credentials at one role; the key is for `private_key_jwt`. */
export interface Credentials {
  id: string
  secret: string
  signer: SigningKey
}

/** One role as its callers see it. */
export interface Place {
  issuer: string
  port: number
  client: Credentials
}

export interface Target {
  idp: Place
  chat: Place
  /** The foreign issuer of ID Tokens, and the client's id there. */
  upstream: { issuer: string; signer: SigningKey; clientId: string }
  /** Signs ID-JAGs, as the identity provider does. */
  idJagSigner: SigningKey
  /** Signs DPoP proofs; of nobody in particular. */
  proofKey: { signer: SigningKey; jwk: object }
  resource: string
  /** Who may introspect. */
  api: { id: string; secret: string }
  /** Asks the server process; with `reset`, the event loop delay is counted anew. */
  measure(reset?: boolean): Promise<Measures>
  /** Makes it collect its garbage. To be called while no request is under way: none would be answered. */
  collect(): Promise<Collected>
  /** Rejects when the server process ends before {@link close}. */
  ended: Promise<never>
  close(): Promise<void>
}

export const resource = 'https://api.chat.example/mcp'
const secretOf = (name: string) => `${name}-secret-0123456789-0123456789-0123456789`

/** Starts it; resolves when it listens. */
export async function openTarget(): Promise<Target> {
  const folder = await mkdtemp(join(tmpdir(), 'xaa-fuzz-'))
  const removed = async () => await rm(folder, { recursive: true, force: true })
  const signerWith = async (file?: string): Promise<SigningKey> => {
    const jwk = await newKey()
    if (file !== undefined) await writeKeyFile(join(folder, file), { keys: [jwk] }, { onlyNew: true })
    return (await signingKeysOf({ keys: [jwk] })).current()
  }
  const clientWith = async (id: string): Promise<Credentials> => {
    const jwk = await newKey()
    await writeFile(join(folder, `${id}.json`), JSON.stringify({ keys: [{ ...publicPartOf(jwk), kid: jwk.kid }] }))
    await writeFile(join(folder, `${id}.secret`), secretOf(id))
    return { id, secret: secretOf(id), signer: (await signingKeysOf({ keys: [jwk] })).current() }
  }
  const api = { id: 'chat-api', secret: secretOf('chat-api') }
  await writeFile(join(folder, 'api.secret'), api.secret)
  const upstream = await openUpstream()
  const [idpPort, chatPort] = [await freePort(), await freePort()]
  const idJagSigner = await signerWith('idp.json')
  await signerWith('chat.json')
  const idp = { issuer: `http://127.0.0.1:${idpPort}`, port: idpPort, client: await clientWith('assistant') }
  const chat = { issuer: `http://127.0.0.1:${chatPort}`, port: chatPort, client: await clientWith('assistant-at-chat') }
  const proofJwk = await newKey()
  const file = join(folder, 'xaa.yaml')
  await writeFile(file, stringify(configuration(idp, chat, upstream.issuer), { aliasDuplicateObjects: false }))

  const child = fork(fileURLToPath(new URL('./target-process.ts', import.meta.url)), [file], {
    execArgv: ['--expose-gc', '--import', 'tsx'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const over = atExit(() => void child.kill('SIGKILL'))
  const ended = once(child, 'exit').then(([code, signal]): never => {
    over()
    throw new Error(`the server process ended (${code ?? signal})`)
  })
  ended.catch(() => {})
  await Promise.race([once(child, 'message'), ended])
  const ask = async <Answer>(question: 'measure' | 'reset' | 'collect'): Promise<Answer> => {
    const answer = once(child, 'message')
    child.send(question)
    return ((await Promise.race([answer, ended])) as [Answer])[0]
  }
  return {
    idp,
    chat,
    upstream,
    idJagSigner,
    proofKey: { signer: (await signingKeysOf({ keys: [proofJwk] })).current(), jwk: publicPartOf(proofJwk) },
    resource,
    api,
    measure: (reset = false) => ask(reset ? 'reset' : 'measure'),
    collect: () => ask('collect'),
    ended,
    async close() {
      if (child.connected) child.disconnect()
      await ended.catch(() => {})
      upstream.close()
      await removed()
    },
  }
}

/** Serves metadata and keys, and nothing else. */
async function openUpstream() {
  const jwk = await newKey()
  const signer = (await signingKeysOf({ keys: [jwk] })).current()
  const server = createServer((request, response) => {
    const body =
      request.url === '/jwks'
        ? { keys: [{ ...publicPartOf(jwk), kid: jwk.kid }] }
        : { issuer, jwks_uri: `${issuer}/jwks` }
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    issuer,
    signer,
    clientId: 'assistant at login',
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}

const authMethods = ['client_secret_basic', 'client_secret_post', 'private_key_jwt']

function configuration(idp: Place, chat: Place, login: string): object {
  const clientOf = ({ client: { id } }: Place) => ({
    id,
    authMethods,
    secret: { file: `${id}.secret` },
    jwks: { file: `${id}.json` },
  })
  const transport = ({ port }: Place) => ({
    listen: `127.0.0.1:${port}`,
    clientCertificates: { header: 'x-client-cert', encoding: 'der-base64', from: ['127.0.0.1/32'] },
    branches: { 'mtls-cnf-binding': true },
  })
  const scopes = ['chat.read', 'chat.write']
  return {
    idp: {
      issuer: idp.issuer,
      keys: 'idp.json',
      ...transport(idp),
      subjectIssuers: [{ issuer: login, users: 'token' }],
      clients: [{ ...clientOf(idp), clientIdAt: { [login]: 'assistant at login' } }],
      resourceServers: [{ issuer: chat.issuer, resources: [resource] }],
      connections: [
        {
          client: idp.client.id,
          audience: chat.issuer,
          clientId: chat.client.id,
          scopes,
          resources: [resource],
          everyone: true,
        },
      ],
    },
    resourceAs: {
      issuer: chat.issuer,
      keys: 'chat.json',
      ...transport(chat),
      resources: [{ resource, scopes }],
      clients: [{ ...clientOf(chat), scopes, resources: [resource] }],
      protectedResources: [
        { id: 'chat-api', authMethods: ['client_secret_basic'], secret: { file: 'api.secret' }, resources: [resource] },
      ],
      trustedIssuers: [{ issuer: idp.issuer, clients: [chat.client.id] }],
      accounts: [{ id: 'a-1', links: [{ issuer: idp.issuer, sub: 'alice' }] }],
      accessTokenLifetime: 60,
      discovery: true,
    },
    store: 'memory',
    audit: 'stdout',
    limits: 'off',
    shutdown: { delay: 0 },
  }
}
