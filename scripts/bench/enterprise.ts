/** What is measured: the resource authorization server of `xaa serve` with its status lists, and an identity provider it trusts. */

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { grantType } from '../../src/protocol/names.ts'
import { writeKeyFile } from '../../src/server/key-files.ts'
import { systemNow } from '../../src/server/ports.ts'
import { identityProviderStub } from '../../test/faults/rig/identity-provider.ts'
import { newKey } from '../../test/server/example.ts'
import { type MeasuredServer, measuredServer } from './measured-server.ts'
import { patiently } from './patience.ts'

export interface BenchServer {
  /** Different for each server, and the name of its folder. */
  name: string
  /** `memory`, `lmdb` for a new directory of its own, or the address of a Redis. */
  store: string
  /** `on`: a file. `off`: nothing is recorded, which no configuration can say. */
  audit: 'on' | 'off'
}

export interface BenchEnterprise {
  /** Starts one more server, with a folder of its own. */
  open(server: BenchServer): Promise<MeasuredServer>
  /** New ID-JAGs in whole HTTP requests, for the people in turn. Any of the servers takes each of them, once. */
  requests(count: number): Promise<Buffer[]>
  /** Stops every server and removes every folder. */
  close(): Promise<void>
}

/** How many people there are. The first redemption of each writes where the status of their tokens stands. */
export const people = 50

/** No server listens here: each chooses a port of its own, and the name stands in tokens alone. */
export const issuer = 'http://localhost:4001'
export const resource = 'https://api.chat.example/mcp'
export const scope = 'chat.read'
/** Who may introspect tokens. */
export const protectedResource = { id: 'chat-api', secret: 'bench-resource-secret-0123456789-0123456789' }
const client = { id: 'assistant-at-chat', secret: 'bench-secret-0123456789-0123456789-0123' }
const subjects = Array.from({ length: people }, (_, at) => `person-${at}`)

/** Starts the identity provider; it signs with ES256, as the servers do. */
export async function benchEnterprise(): Promise<BenchEnterprise> {
  const folder = await mkdtemp(join(tmpdir(), 'xaa-bench-'))
  const idp = await identityProviderStub()
  const servers: MeasuredServer[] = []
  let minted = 0
  return {
    async open({ name, store, audit }) {
      const own = join(folder, name)
      await mkdir(own)
      await writeKeyFile(join(own, 'keys.json'), { keys: [await newKey()] }, { onlyNew: true })
      await writeFile(join(own, 'secret'), client.secret)
      await writeFile(join(own, 'resource-secret'), protectedResource.secret)
      const file = join(own, 'xaa.yaml')
      const roles = { resourceAs: resourceAs(idp) }
      await writeFile(file, stringify({ ...roles, store, audit: audit === 'on' ? { file: 'audit.jsonl' } : 'stdout' }))
      const server = await patiently(() => measuredServer(file, audit))
      servers.push(server)
      return server
    },
    async requests(count) {
      const claims = { audience: issuer, client: client.id, scope, resource, issuedAt: Math.floor(systemNow()) }
      const subject = () => subjects[minted++ % subjects.length] ?? ''
      const tokens = Array.from({ length: count }, () => idp.mint({ ...claims, subject: subject() }))
      return (await Promise.all(tokens)).map(({ token }) => httpRequest(token))
    },
    async close() {
      await Promise.all(servers.map((server) => server.close()))
      await idp.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function resourceAs(idp: { issuer: string; jwksUri: string }): object {
  return {
    issuer,
    listen: '127.0.0.1:0',
    keys: 'keys.json',
    resources: [{ resource, scopes: [scope] }],
    clients: [
      {
        id: client.id,
        authMethods: ['client_secret_basic'],
        secret: { file: 'secret' },
        scopes: [scope],
        resources: [resource],
      },
    ],
    protectedResources: [
      {
        id: protectedResource.id,
        authMethods: ['client_secret_basic'],
        secret: { file: 'resource-secret' },
        resources: [resource],
      },
    ],
    trustedIssuers: [{ issuer: idp.issuer, jwksUri: idp.jwksUri, clients: [client.id] }],
    accounts: subjects.map((sub) => ({ id: `account-of-${sub}`, links: [{ issuer: idp.issuer, sub }] })),
  }
}

function httpRequest(assertion: string): Buffer {
  const body = new URLSearchParams({ grant_type: grantType.jwtBearer, assertion }).toString()
  const head = [
    'POST /token HTTP/1.1',
    'host: localhost:4001',
    `authorization: Basic ${btoa(`${client.id}:${client.secret}`)}`,
    'content-type: application/x-www-form-urlencoded',
    `content-length: ${Buffer.byteLength(body)}`,
  ]
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`)
}
