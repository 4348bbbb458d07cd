/** The enterprise of `xaa testbed` under attack: its servers over HTTP, a right request of each kind, and the contract of a refusal. */

import { createPrivateKey, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { JWK } from 'jose'
import { expect } from 'vitest'
import type { SigningKey } from '../../src/protocol/keys.ts'
import { grantType, jwtType, tokenType } from '../../src/protocol/names.ts'
import type { Credentials } from '../../src/testing/clients.ts'
import { startWorld, type World, type WorldOptions } from '../../src/testing/world.ts'
import { type Authentication, basic, type Credentials as Shown } from '../fixture/clients.ts'
import { expectContract, type Refusal, secretsOf } from '../fixture/contract.ts'
import { type Answer, encode, type FormChange, sendTo, type TokenCall } from '../fixture/requests.ts'
import { signed } from '../fixture/tokens.ts'

export type { Refusal } from '../fixture/contract.ts'

export const now = 1_800_000_000

type Members = Record<string, unknown>
export type Place = 'idp' | 'chat' | 'files'

/** What differs from the right request. */
export interface Change {
  claims?: Members
  header?: Members
  signer?: SigningKey
  /** Replaces the token, or makes another of it. */
  token?: string | ((good: string) => string | Promise<string>)
  form?: FormChange
  headers?: Record<string, string | undefined>
  /** How the client proves who it is; Basic unless given. */
  as?: Authentication
  method?: TokenCall['method']
  query?: string
  body?: string | Buffer
  /** The address of this machine that the request comes from. */
  from?: string
}

export interface UnderAttack {
  world: World
  /** The key of the identity provider, which signs ID Tokens and ID-JAGs. */
  signer: SigningKey
  /** The client of the right requests, at both sides, with its keys. */
  idpClient: Shown
  chatClient: Shown
  idJagClaims(at?: Place): Members
  idTokenClaims(): Members
  ask(at: Place, change?: Change): Promise<Answer>
  /** The request with this change is refused; after it the same one made right, with the same `jti`, is granted. */
  refused(at: Place, change: Change, refusal: Refusal): Promise<void>
  /** The same without that other request: for what is refused to everybody now. */
  refusedNow(at: Place, change: Change, refusal: Refusal): Promise<void>
  granted(at: Place, change?: Change): Promise<Answer>
  /** A request to the administrator's interface, with the right token. */
  administer(method: string, path: string, body?: unknown): Promise<{ status: number; body: Members }>
  /** Which of the secrets, tokens and proofs that were sent here the audit has, or the servers told their operator. */
  leaks(): string[]
  /** Stops it. Throws when anything leaked. */
  close(): Promise<void>
}

/** The first key of a private JWK Set, as a test signs with it. */
export async function signerOfFile(file: string, at = 0): Promise<SigningKey> {
  const { keys } = JSON.parse(readFileSync(file, 'utf8')) as { keys: (JWK & { kid: string; alg: SigningKey['alg'] })[] }
  const jwk = keys[at]
  if (jwk === undefined) throw new TypeError('no such key')
  return { alg: jwk.alg, kid: jwk.kid, key: createPrivateKey({ key: jwk, format: 'jwk' }) }
}

async function shown({ id, secret, jwkFile }: Credentials): Promise<Shown> {
  return { id, secret, signer: await signerOfFile(jwkFile ?? '') }
}

/** Starts it, at {@link now} unless the options have a clock of their own. */
export async function underAttack(options: WorldOptions = {}): Promise<UnderAttack> {
  const told: string[] = []
  const world = await startWorld({ now: () => now, report: (message) => told.push(message), ...options })
  const { idp, resourceAs, resources, clients, users } = world
  const signer = await signerOfFile(idp.signingKeyFile)
  const [idpClient, chatClient] = [await shown(clients.assistant.idp), await shown(clients.assistant.resourceAs)]
  const alice = users.find(({ name }) => name === 'alice')?.sub
  const strangers = [
    world.upstream.issuer,
    resourceAs.files.issuer,
    clients.notebook.idp.id,
    clients.notebook.resourceAs.id,
    ...users.map(({ email }) => email),
  ]
  const endpoints = {
    idp: idp.tokenEndpoint,
    chat: resourceAs.chat.tokenEndpoint,
    files: resourceAs.files.tokenEndpoint,
  }

  const idTokenClaims = () => ({ iss: idp.issuer, sub: alice, aud: idpClient.id, iat: now, exp: now + 3600 })
  const idJagClaims = (at: Place = 'chat') => ({
    iss: idp.issuer,
    sub: alice,
    aud: at === 'files' ? resourceAs.files.issuer : resourceAs.chat.issuer,
    client_id: chatClient.id,
    jti: randomBytes(16).toString('hex'),
    iat: now,
    exp: now + 60,
    scope: at === 'files' ? 'files.read' : 'chat.read',
    resource: at === 'files' ? resources.files : resources.mcp,
  })
  const formOf = (at: Place, token: string): FormChange =>
    at === 'idp'
      ? {
          grant_type: grantType.tokenExchange,
          requested_token_type: tokenType.idJag,
          audience: resourceAs.chat.issuer,
          resource: resources.mcp,
          scope: 'chat.read',
          subject_token: token,
          subject_token_type: tokenType.idToken,
        }
      : { grant_type: grantType.jwtBearer, assertion: token }

  async function callOf(at: Place, change: Change): Promise<TokenCall> {
    const base = at === 'idp' ? idTokenClaims() : idJagClaims(at)
    const header = at === 'idp' ? {} : { typ: jwtType.idJag }
    const right = signed({ ...header, ...change.header }, { ...base, ...change.claims }, change.signer ?? signer)
    const token = typeof change.token === 'function' ? await change.token(right) : (change.token ?? right)
    const as = change.as ?? basic(at === 'idp' ? idpClient : chatClient)
    return {
      form: { ...formOf(at, token), ...as.form, ...change.form },
      headers: { ...as.headers, ...change.headers },
      method: change.method ?? 'POST',
      ...(change.body === undefined ? {} : { body: change.body }),
    }
  }

  const secrets = new Set<string>()
  /** Words that long are tokens, parts of them, or secrets. */
  const leaks = () => {
    const words = JSON.stringify([world.audit, told]).match(/[\w.~+/=-]{24,}/g) ?? []
    return words.flatMap((word) => [word, ...word.split('.')]).filter((word) => secrets.has(word))
  }

  async function send(at: Place, call: TokenCall, { query = '', from }: Change = {}): Promise<Answer> {
    for (const secret of secretsOf(call.form, call.headers)) secrets.add(secret)
    const all = { 'content-type': 'application/x-www-form-urlencoded', ...call.headers }
    const headers = Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined)
    const { method = 'POST', body = encode(call.form) } = call
    return await sendTo(`${endpoints[at]}${query}`, { method, headers: Object.fromEntries(headers), body, from })
  }

  const ask = async (at: Place, change: Change = {}) => await send(at, await callOf(at, change), change)
  const granted = async (at: Place, change: Change = {}) => {
    const answer = await ask(at, change)
    expect([answer.statusCode, answer.payload]).toEqual([200, expect.stringContaining('"access_token"')])
    return answer
  }
  const refusedNow = async (at: Place, change: Change, refusal: Refusal) => {
    const call = await callOf(at, change)
    const before = world.audit.length
    const answer = await send(at, call, change)
    expectContract({ call, answer, events: world.audit.slice(before), strangers }, refusal)
  }
  return {
    world,
    signer,
    idpClient,
    chatClient,
    idJagClaims,
    idTokenClaims,
    ask,
    granted,
    async refused(at, change, refusal) {
      const jti = randomBytes(16).toString('hex')
      const own = at === 'idp' ? {} : { jti }
      await refusedNow(at, { ...change, claims: { ...own, ...change.claims } }, refusal)
      await granted(at, { claims: own })
    },
    refusedNow,
    async administer(method, path, body) {
      const headers = { authorization: `Bearer ${world.admin.token}`, 'content-type': 'application/json' }
      const sent = body === undefined ? {} : { body: JSON.stringify(body) }
      const answer = await fetch(world.admin.url + path, { method, headers, ...sent })
      return { status: answer.status, body: (await answer.json()) as Members }
    },
    leaks,
    async close() {
      await world.close()
      expect(leaks()).toEqual([])
    },
  }
}
