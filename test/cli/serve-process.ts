/** `xaa serve` as a process of its own, with a resource authorization server that takes ID-JAGs of an issuer the test plays. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { type Agent, createServer, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { importJWK, type JWK, SignJWT } from 'jose'
import { publicPartOf } from '../../src/protocol/keys.ts'
import { grantType, jwtType } from '../../src/protocol/names.ts'
import { lmdbStore } from '../../src/store/lmdb.ts'
import { xaa } from '../fixture/shipped.ts'
import { environment, example, type Folder, newKey } from '../server/example.ts'

export interface Serve {
  child: ChildProcess
  output: { stdout: string; stderr: string }
  /** Resolves when standard error holds this. Rejects when the process ends before. */
  said(what: RegExp): Promise<RegExpExecArray>
  /** Exit code and signal. */
  ended: Promise<[number | null, NodeJS.Signals | null]>
}

/** Runs the real command. */
export function serve(args: readonly string[], variables: NodeJS.ProcessEnv = {}): Serve {
  const child = spawn(process.execPath, [xaa, 'serve', ...args], {
    env: { ...process.env, ...environment, ...variables },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const output = { stdout: '', stderr: '' }
  const waiting = new Set<() => void>()
  const hear = (stream: 'stdout' | 'stderr') => (chunk: Buffer) => {
    output[stream] += chunk
    for (const look of waiting) look()
  }
  child.stdout?.on('data', hear('stdout'))
  child.stderr?.on('data', hear('stderr'))
  const ended = once(child, 'close') as Serve['ended']
  return {
    child,
    output,
    ended,
    said: (what) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const found = what.exec(output.stderr)
          if (found === null) return
          waiting.delete(look)
          resolve(found)
        }
        waiting.add(look)
        look()
        void ended.then(() => reject(new Error(`the process ended and never said ${what}: ${output.stderr}`)))
      }),
  }
}

export interface Issuer {
  /** The configuration of a resource authorization server that trusts the issuer, on a store that was made long ago. */
  config: { [key: string]: unknown }
  /** A new ID-JAG of this id. */
  jag(id: string): Promise<string>
  close(): Promise<void>
}

/** An identity provider that only publishes its keys, and signs what the test wants. */
export async function issuer(folder: Folder): Promise<Issuer> {
  const jwk: JWK = await newKey()
  const { kid = '', alg = 'ES256' } = jwk
  const server: Server = createServer((incoming, response) => {
    const documents: { [path: string]: object } = {
      '/.well-known/oauth-authorization-server': { issuer: name, jwks_uri: `${name}/jwks` },
      '/jwks': { keys: [{ ...publicPartOf(jwk), kid, alg, use: 'sig' }] },
    }
    const document = documents[incoming.url ?? '']
    response.writeHead(document === undefined ? 404 : 200).end(JSON.stringify(document ?? {}))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const name = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const key = await importJWK(jwk, alg)
  // A store that is new refuses for half a minute what may have been issued before it.
  const directory = join(folder.path, `state-${(server.address() as AddressInfo).port}`)
  const store = await lmdbStore({ directory, now: () => Date.now() / 1000 - 600, skew: 30 })
  await store.close()
  const { accounts, ...resourceAs } = example.resourceAs
  return {
    config: {
      store: { lmdb: directory },
      shutdown: { delay: 1 },
      resourceAs: {
        ...resourceAs,
        issuer: audience,
        listen: '127.0.0.1:0',
        trustedIssuers: [{ issuer: name, clients: ['assistant-at-chat'] }],
        accounts: accounts.map((account) => ({ ...account, links: [{ issuer: name, sub: 'alice' }] })),
      },
    },
    async jag(id) {
      const now = Math.floor(Date.now() / 1000)
      const claims = {
        iss: name,
        sub: 'alice',
        aud: audience,
        client_id: 'assistant-at-chat',
        jti: id,
        scope: 'chat.read',
      }
      const jwt = new SignJWT({ ...claims, iat: now, exp: now + 300 })
      return await jwt.setProtectedHeader({ alg, kid, typ: jwtType.idJag }).sign(key)
    },
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

const audience = 'http://127.0.0.1:4001'

/** The status of one redemption; `lost` when the connection ended without an answer, `refused` when nobody listens. */
export type Outcome = number | 'lost' | 'refused'

/** Presents an ID-JAG. */
export function redeem(agent: Agent, address: string, assertion: string): Promise<Outcome> {
  const body = new URLSearchParams({
    grant_type: grantType.jwtBearer,
    assertion,
    client_id: 'assistant-at-chat',
    client_secret: environment.CHAT_SECRET,
  }).toString()
  const headers = { 'content-type': 'application/x-www-form-urlencoded', 'content-length': body.length }
  return new Promise((resolve) => {
    const sent = request(`${address}/token`, { method: 'POST', agent, headers }, (response) => {
      response.once('error', () => resolve('lost'))
      response.resume().once('end', () => resolve(response.statusCode ?? 0))
    })
    sent.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED' ? 'refused' : 'lost'))
    sent.end(body)
  })
}
