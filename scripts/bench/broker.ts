/** Our servers as their users run them: `xaa serve` of the package as it is built, with configuration files, an audit file, metrics, and limits on. */

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { JWK } from 'jose'
import { stringify } from 'yaml'
import { writeKeyFile } from '../../src/server/key-files.ts'
import { type IdentityProviderStub, identityProviderStub } from '../../test/faults/rig/identity-provider.ts'
import shipped, { xaa } from '../../test/fixture/shipped.ts'
import { newKey } from '../../test/server/example.ts'
import { freePort } from '../../test/store/redis/redis-server.ts'
import { type PinnedOptions, type PinnedProcess, startPinned } from './pinned-process.ts'

export const client = { id: 'assistant', secret: 'bench-secret-0123456789-0123456789-0123' }
export const resource = 'https://api.chat.example/mcp'
export const scope = 'chat.read'
const usualPeople = 50

/** How much there is of everything in a configuration: one of each but for people, unless it says more. */
export interface Size {
  /** Clients, each with connections or links of its own. The one that asks is always among them, the last one. */
  clients: number
  /** Issuers whose tokens are taken. The one that issues is always among them, the last one. */
  issuers: number
}

export interface Broker {
  readonly folder: string
  /** The company's sign-in and every other issuer of tokens; its keys are served. */
  readonly issuer: IdentityProviderStub
  readonly issuerKey: JWK
  /** Signs the client's assertions. */
  readonly clientKey: JWK
  readonly people: number
  /** Starts `xaa serve` with one role; tokens from it and for it name the address it listens on. */
  serve(role: 'idp' | 'resourceAs', options?: ServeOptions): Promise<ServedRole>
  /** Ends what was started and removes every file. */
  close(): Promise<void>
}

export interface ServeOptions extends PinnedOptions {
  /** `memory` unless given. */
  store?: string
  size?: Size
  /** False: nothing is asked of it that the first moments refuse. */
  settle?: boolean
}

export interface ServedRole {
  readonly process: PinnedProcess
  readonly issuer: string
  /** The key that signs its tokens, private. */
  readonly key: JWK
}

/** Builds the package and makes whom the servers trust; no server runs yet. */
export async function newBroker(): Promise<Broker> {
  shipped()
  const folder = await mkdtemp(join(tmpdir(), 'xaa-bench-'))
  const issuer = await identityProviderStub()
  const [issuerKey] = issuer.privateKeys()
  const clientKey = await newKey()
  if (issuerKey === undefined) throw new Error('an issuer without a key')
  const started: PinnedProcess[] = []
  let roles = 0
  return {
    folder,
    issuer,
    issuerKey,
    clientKey,
    people: usualPeople,
    async serve(role, { store = 'memory', size = { clients: 1, issuers: 1 }, settle = true, ...options } = {}) {
      const own = join(folder, String(roles++))
      await mkdir(own)
      const key = await newKey()
      const { d: _private, ...publicKey } = clientKey
      await writeKeyFile(join(own, 'keys.json'), { keys: [key] }, { onlyNew: true })
      await writeFile(join(own, 'client.json'), JSON.stringify({ keys: [publicKey] }))
      await writeFile(join(own, 'secret'), client.secret, { mode: 0o600 })
      const name = `http://127.0.0.1:${await freePort()}`
      const said = role === 'idp' ? idpRole(name, issuer, size) : resourceAsRole(name, issuer, size)
      const limits = { wrongCredentials: 10, requestsPerSecond: 1_000_000, pagesPerMinute: 600 }
      const file = join(own, 'xaa.yaml')
      await writeFile(
        file,
        stringify(
          { [role]: said, store, limits, audit: { file: 'audit.jsonl' }, metrics: { listen: '127.0.0.1:0' } },
          { aliasDuplicateObjects: false },
        ),
      )
      const process = await startPinned([xaa, 'serve', '--config', file], options)
      started.push(process)
      // A new store refuses what was issued before now and 30 s; token-requests.ts is 29 s ahead.
      if (settle) await new Promise((resolve) => setTimeout(resolve, 1500))
      return { process, issuer: name, key }
    },
    async close() {
      await Promise.all(started.map((process) => process.close()))
      await issuer.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** The audience of every ID-JAG that the identity provider makes here. */
export const audience = 'https://auth.chat.example'

function idpRole(name: string, issuer: IdentityProviderStub, { clients, issuers }: Size): object {
  const others = (count: number) => Array.from({ length: count - 1 }, (_, at) => `other-${at}`)
  // With several issuers that bring their own people, sub could be two persons.
  const connection = { audience, scopes: [scope], everyone: true, subject: { claim: 'email' } }
  return {
    issuer: name,
    listen: new URL(name).host,
    keys: 'keys.json',
    subjectIssuers: [
      ...others(issuers).map((one) => ({ issuer: `https://${one}.example`, users: 'token' })),
      { issuer: issuer.issuer, jwksUri: issuer.jwksUri, users: 'token' },
    ],
    clients: [...others(clients).map((id) => ({ id, ...credentials })), { id: client.id, ...credentials }],
    resourceServers: [{ issuer: audience, resources: [resource] }],
    connections: [...others(clients), client.id].map((one) => ({ client: one, ...connection, clientId: one })),
  }
}

function resourceAsRole(name: string, issuer: IdentityProviderStub, { clients, issuers }: Size): object {
  const others = (count: number) => Array.from({ length: count - 1 }, (_, at) => `other-${at}`)
  const reach = { ...credentials, scopes: [scope], resources: [resource] }
  return {
    issuer: name,
    listen: new URL(name).host,
    keys: 'keys.json',
    resources: [{ resource, scopes: [scope] }],
    clients: [...others(clients), client.id].map((id) => ({ id, ...reach })),
    trustedIssuers: [
      ...others(issuers).map((one) => ({ issuer: `https://${one}.example`, clients: [client.id] })),
      { issuer: issuer.issuer, jwksUri: issuer.jwksUri, clients: [...others(clients), client.id] },
    ],
    accounts: Array.from({ length: usualPeople }, (_, at) => ({
      id: `account-of-person-${at}`,
      links: [{ issuer: issuer.issuer, sub: `person-${at}` }],
    })),
  }
}

const credentials = {
  authMethods: ['client_secret_basic', 'private_key_jwt'],
  secret: { file: 'secret' },
  jwks: { file: 'client.json' },
}
