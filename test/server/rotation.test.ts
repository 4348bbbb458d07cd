/** Forty rotations of the identity provider's key and of the access tokens' key, while tokens are issued and checked all the time. */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Fastify, { type FastifyInstance } from 'fastify'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { run as xaaKeys } from '../../src/cli/keys.ts'
import { idpPlugin } from '../../src/http/idp-plugin.ts'
import { principalOf, resourcePlugin } from '../../src/http/resource-plugin.ts'
import { type FetchDocument, issuerKeys } from '../../src/protocol/issuer-keys.ts'
import { defaultAlgorithms } from '../../src/protocol/keys.ts'
import { grantType, tokenType } from '../../src/protocol/names.ts'
import { dangerouslyLocalOnly } from '../../src/resource/revocation.ts'
import { jwtAccessTokens } from '../../src/resource-as/issue.ts'
import { readSigningKeyFile } from '../../src/server/key-files.ts'
import { type FollowedKeys, followSigningKeys } from '../../src/server/signing-keys.ts'
import { printed } from '../cli/printed.ts'
import { acme, chat, mcp } from '../fixture/addresses.ts'
import { chatVendor } from '../fixture/chat-vendor.ts'
import { basic, clientsOf } from '../fixture/clients.ts'
import { identityProvider } from '../fixture/identity-provider.ts'
import { testPorts } from '../fixture/ports.ts'
import { type Answer, send } from '../fixture/requests.ts'
import { signed } from '../fixture/tokens.ts'

let folder: string
const world = testPorts()
const { clock, ports } = world
const warnings: string[] = []
const followed: { name: string; file: string; keys: FollowedKeys }[] = []
/** Every `kid` that signed something. */
const signers = { idp: new Set<string>(), chat: new Set<string>() }

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'xaa-rotation-'))
})
afterAll(async () => {
  for (const { keys } of followed) keys.close()
  await rm(folder, { recursive: true })
})

async function keysCommand(...args: string[]): Promise<{ code: number; said: string }> {
  const io = printed()
  return { code: await xaaKeys(args, io, () => clock.now), said: io.stdout + io.stderr }
}

async function newKeys(name: string): Promise<FollowedKeys> {
  const file = join(folder, `${name}.json`)
  await keysCommand('make', file)
  const keys = followSigningKeys(await readSigningKeyFile(file), {
    now: ports.now,
    warn: (message) => warnings.push(message),
  })
  followed.push({ name, file, keys })
  return keys
}

/** The published keys of an issuer as another server has them: fetched, and kept for as long as our verifiers keep them. */
function cachedKeys(issuer: string, app: () => FastifyInstance) {
  const fetchDocument: FetchDocument = async (url) => {
    const { statusCode, rawPayload } = await app().inject(new URL(url).pathname)
    return { status: statusCode, body: rawPayload }
  }
  return issuerKeys({ issuer, fetchDocument, now: ports.now, warn: (message) => warnings.push(message) })
}

/** The servers of both companies, each of which checks the other's tokens with keys it fetched. */
async function companies() {
  const idpKeys = await newKeys('idp')
  const chatKeys = await newKeys('chat')
  const there = await clientsOf('chat')
  const acmeSide = await identityProvider(world, there)
  for (const entry of acmeSide.issuers.values()) entry.keys = idpKeys.source
  const idp = Fastify()
  await idp.register(idpPlugin, {
    identityProvider: { ...acmeSide.provider, signingKeys: idpKeys },
    findClient: async (id) => acmeSide.clients.entries.get(id),
    ports,
  })
  const vendor = await chatVendor(world, there, {
    issue: jwtAccessTokens({ issuer: chat, signingKeys: chatKeys, lifetime: 3600 }),
    plugin: { signingKeys: chatKeys },
  })
  for (const entry of vendor.trusted.values()) entry.keys = cachedKeys(acme, () => idp)
  const api = Fastify()
  await api.register(resourcePlugin, {
    resource: mcp,
    authorizationServer: chat,
    keys: cachedKeys(chat, () => vendor.app),
    algorithms: defaultAlgorithms,
    scopes: ['chat.read', 'chat.write'],
    skew: 30,
    maxLifetime: 3600,
    // The keys alone decide here: a status list would fetch at every step.
    revocation: dangerouslyLocalOnly,
    ports,
    requiredScopes: () => ['chat.read'],
    routes: (scope) => {
      scope.get('/mcp', async (request) => principalOf(request))
    },
  })

  return {
    idToken(): string {
      const { now } = clock
      const claims = { iss: acme, sub: 'alice', aud: acmeSide.clients.basic.id, iat: now, exp: now + 3600 }
      return signed({}, claims, idpKeys.current())
    },
    async exchange(subjectToken: string) {
      signers.idp.add(idpKeys.current().kid)
      const proof = basic(acmeSide.clients.basic)
      const form = {
        grant_type: grantType.tokenExchange,
        requested_token_type: tokenType.idJag,
        audience: chat,
        resource: mcp,
        scope: 'chat.read',
        subject_token: subjectToken,
        subject_token_type: tokenType.idToken,
      }
      return await send(idp, { headers: proof.headers ?? {}, form: { ...form, ...proof.form } })
    },
    async redeem(assertion: string) {
      signers.chat.add(chatKeys.current().kid)
      const proof = basic(vendor.clients.basic)
      const form = { grant_type: grantType.jwtBearer, assertion }
      return await send(vendor.app, { headers: proof.headers ?? {}, form: { ...form, ...proof.form } })
    },
    call: (token: string) => api.inject({ url: '/mcp', headers: { authorization: `Bearer ${token}` } }),
  }
}

interface Held {
  token: string
  until: number
}

describe('forty rotations of each key under load', () => {
  it('fail no request: tokens of the whole time are issued, redeemed and taken to their last second [G-11]', async () => {
    const { idToken, exchange, redeem, call } = await companies()
    const step = 325
    const rotations = { idp: 0, chat: 0 }
    const failures: string[] = []
    let requests = 0
    const ask = async (what: string, request: Promise<Answer>): Promise<string> => {
      const { statusCode, body } = await request
      requests += 1
      if (statusCode !== 200) failures.push(`${clock.now} ${what}: ${statusCode} ${body}`)
      return String((JSON.parse(body) as { access_token?: unknown }).access_token)
    }
    const idTokens: Held[] = []
    const accessTokens: Held[] = []
    let assertions: string[] = []

    while (Math.min(rotations.idp, rotations.chat) < 40) {
      for (const { name, file, keys } of followed) {
        // As often as it goes: as soon as one rotation has taken effect, the next begins.
        const { code, said } = await keysCommand('rotate', file, '--lead', '650', '--keep', '3700')
        if (code === 0) rotations[name as 'idp' | 'chat'] += 1
        else expect(said).toContain('is being rotated')
        await keys.look()
      }
      idTokens.push({ token: idToken(), until: clock.now + 3629 })
      const subjects = [idTokens[0], idTokens.at(-1)].flatMap((held) => held?.token ?? [])
      const tried = [accessTokens[0], accessTokens[Math.floor(accessTokens.length / 2)], accessTokens.at(-1)]
      const [issued, redeemed] = await Promise.all([
        Promise.all(subjects.map((token) => ask('exchange', exchange(token)))),
        // Issued one step ago: their five minutes are over, and the difference between clocks is not.
        Promise.all(assertions.map((assertion) => ask('redeem', redeem(assertion)))),
        ...tried.flatMap((held) => (held === undefined ? [] : [ask('call', call(held.token))])),
      ])
      assertions = issued
      for (const token of redeemed) accessTokens.push({ token, until: clock.now + 3629 })
      clock.now += step
      for (const held of [idTokens, accessTokens]) while ((held[0]?.until ?? clock.now + 1) <= clock.now) held.shift()
    }

    expect(failures).toEqual([])
    expect(warnings).toEqual([])
    expect(rotations).toEqual({ idp: 40, chat: 40 })
    expect(Math.min(signers.idp.size, signers.chat.size)).toBeGreaterThanOrEqual(40)
    expect(requests).toBeGreaterThan(500)
  })

  it('end with a purge that stops the key at its own servers within one look, and no other key', async () => {
    const { idToken, exchange } = await companies()
    const [{ file, keys } = { file: '', keys: undefined }] = followed.slice(-2)
    const stolen = idToken()
    expect((await exchange(stolen)).statusCode).toBe(200)
    expect((await keysCommand('purge', file, keys?.current().kid ?? '')).code).toBe(0)
    await keys?.look()
    const { statusCode, body } = await exchange(stolen)
    expect([statusCode, (JSON.parse(body) as { error: string }).error]).toEqual([400, 'invalid_grant'])
    expect((await exchange(idToken())).statusCode).toBe(200)
  })
})
