/** The servers of the token path: our own, the floors beneath them, and oidc-provider with the same grants. */

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { decodeJwt } from 'jose'
import { jwtType } from '../../src/protocol/names.ts'
import { newKey } from '../../test/server/example.ts'
import { freePort } from '../../test/store/redis/redis-server.ts'
import { audience, type Broker, client, resource, type ServedRole, scope } from './broker.ts'
import { openConnection } from './generator.ts'
import type { Target } from './interleaved.ts'
import { type PinnedOptions, type PinnedProcess, programOf, startPinned } from './pinned-process.ts'
import type { ProviderSettings } from './provider-server.ts'
import {
  type Authentication,
  apiRequest,
  type Recipient,
  type RequestMaker,
  type Requests,
  requestMaker,
} from './token-requests.ts'
import { tokenSigner } from './token-signer.ts'

/** The floors, by what they do. */
export const floors = {
  sign: [0, 1],
  'verify + sign': [1, 1],
  '2 verify + sign': [2, 1],
  'bare Fastify': [0, 0],
} as const
export type Floor = keyof typeof floors

/** Starts one floor server. */
export async function startFloor(name: Floor, options: PinnedOptions = {}): Promise<PinnedProcess> {
  return await startPinned([...programOf('floor-server.ts'), ...floors[name].map(String)], options)
}

/** The maker of requests with the tokens of a broker's issuer. */
export function makerFor({ issuer, issuerKey, clientKey, people }: Broker): RequestMaker {
  return requestMaker(issuer.issuer, { issuer: issuerKey, client: clientKey }, people)
}

/** What oidc-provider is given, and where it answers. */
export async function startProvider({ folder, issuer, issuerKey }: Broker): Promise<PinnedProcess> {
  const { d: _private, ...publicKey } = issuerKey
  const settings: ProviderSettings = {
    issuer: `http://127.0.0.1:${await freePort()}`,
    key: await newKey(),
    client,
    trusted: { issuer: issuer.issuer, keys: [publicKey] },
    audience,
    resource,
    scope,
  }
  const file = join(folder, 'provider.json')
  await writeFile(file, JSON.stringify(settings))
  return await startPinned([...programOf('provider-server.ts'), file])
}

/** Access tokens: one of each person from the server itself, and any number more with the same claims. */
export interface AccessTokens {
  seen: string[]
  newOnes(count: number): string[]
}

/** How many answers 503 a busy machine may give before that is a failure. */
const mostUnavailable = 5

/**
 * Redeems an ID-JAG of each person, and signs more of the same with the server's key. Throws for an answer that is not 200. Where a busy
 * machine answered 503, another person's stands in.
 */
export async function accessTokens(server: ServedRole, maker: RequestMaker, people: number): Promise<AccessTokens> {
  const connection = await openConnection(server.process.port)
  const seen: string[] = []
  let unavailable = 0
  for (const request of maker.redemption(recipient(server), 'basic')(people + mostUnavailable)) {
    if (seen.length === people) break
    const { status, text } = await connection.ask(request)
    if (status === 503 && ++unavailable <= mostUnavailable) continue
    if (status !== 200) throw new Error(`the server answered ${status}: ${text}`)
    seen.push((JSON.parse(text) as { access_token: string }).access_token)
  }
  connection.close()
  const sign = tokenSigner(server.key)
  const claims = seen.map((token) => decodeJwt(token))
  const newOnes = (count: number) =>
    Array.from({ length: count }, (_, at) => sign(claims[at % claims.length] ?? {}, jwtType.accessToken))
  return { seen, newOnes }
}

/** Starts the API behind the guard, with an audit file or without an audit. */
export async function startGuard(server: ServedRole, auditFile = ''): Promise<PinnedProcess> {
  return await startPinned([...programOf('guard-server.ts'), server.issuer, resource, scope, auditFile])
}

export function recipient({ issuer }: ServedRole): Recipient {
  return { issuer, path: '/token' }
}

/** Every target of the table. What is started here ends with `close`. */
export async function tokenPathTargets(broker: Broker): Promise<{ targets: Target[]; close(): Promise<void> }> {
  const maker = makerFor(broker)
  const others: PinnedProcess[] = []
  const kept = async (starting: Promise<PinnedProcess>) => {
    const process = await starting
    others.push(process)
    return process
  }
  const close = async () => void (await Promise.all(others.map((process) => process.close())))
  const [idp, resourceAs, provider, sign, one, two, bare] = await Promise.all([
    broker.serve('idp'),
    broker.serve('resourceAs'),
    kept(startProvider(broker)),
    kept(startFloor('sign')),
    kept(startFloor('verify + sign')),
    kept(startFloor('2 verify + sign')),
    kept(startFloor('bare Fastify')),
  ])
  const [guard, unaudited] = await Promise.all([
    kept(startGuard(resourceAs, join(broker.folder, 'guard-audit.jsonl'))),
    kept(startGuard(resourceAs)),
  ])
  const tokens = await accessTokens(resourceAs, maker, broker.people)
  const [toIdp, toServer, toProvider] = [recipient(idp), recipient(resourceAs), { issuer: audience, path: '/token' }]
  const exchange = (to: Recipient, subject: 'seen' | 'new', authentication: Authentication = 'basic') =>
    maker.exchange(to, { subject, authentication })
  const redemption = (to: Recipient, authentication: Authentication = 'basic') => maker.redemption(to, authentication)
  const few = (requests: Requests): Requests => {
    const prepared = requests(broker.people)
    return () => prepared
  }
  const called = few(() => tokens.seen.map(apiRequest))
  const target = (name: string, { process }: { process: PinnedProcess }, requests: Requests): Target => {
    return { name, process, requests }
  }
  const targets = [
    target('floor: sign', { process: sign }, few(exchange(toIdp, 'seen'))),
    target('exchange, seen', idp, few(exchange(toIdp, 'seen'))),
    target('exchange, new', idp, exchange(toIdp, 'new')),
    target('exchange, private_key_jwt', idp, exchange(toIdp, 'seen', 'private_key_jwt')),
    target('floor: verify + sign', { process: one }, few(redemption(toServer))),
    target('jwt-bearer', resourceAs, redemption(toServer)),
    target('jwt-bearer, private_key_jwt', resourceAs, redemption(toServer, 'private_key_jwt')),
    target('floor: 2 verify + sign', { process: two }, few(redemption(toServer, 'private_key_jwt'))),
    target('oidc-provider: exchange, seen', { process: provider }, few(exchange(toProvider, 'seen'))),
    target('oidc-provider: exchange, new', { process: provider }, exchange(toProvider, 'new')),
    target('oidc-provider: jwt-bearer', { process: provider }, redemption(toProvider)),
    target('floor: bare Fastify', { process: bare }, called),
    target('guard, seen', { process: guard }, called),
    target('guard, seen, no audit', { process: unaudited }, called),
    target('guard, new', { process: guard }, (count) => tokens.newOnes(count).map(apiRequest)),
  ]
  return { targets, close }
}
