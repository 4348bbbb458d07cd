/** A small enterprise on loopback: a real identity provider, authorization server and API, whose answers a test may bend. */

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import Fastify, { type FastifyPluginAsync } from 'fastify'
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'
import { clientSecretBasic, clientSecretPost } from '../../src/client/client-authentication.ts'
import type { CrossAppOptions } from '../../src/client/options.ts'
import type { Step } from '../../src/client/sending.ts'
import { idpPlugin } from '../../src/http/idp-plugin.ts'
import { resourceAsPlugin } from '../../src/http/resource-as-plugin.ts'
import { resourcePlugin } from '../../src/http/resource-plugin.ts'
import type { Connection } from '../../src/idp/connections.ts'
import type { RefreshTokenRecord } from '../../src/idp/subject.ts'
import type { Client } from '../../src/protocol/client-auth.ts'
import type { ProofNonces } from '../../src/protocol/dpop-nonces.ts'
import { keySetOf, publicPartOf, type SigningKeys } from '../../src/protocol/keys.ts'
import { clientAuthMethods } from '../../src/protocol/names.ts'
import { signingKeysOf } from '../../src/protocol/own-keys.ts'
import type { Ports } from '../../src/protocol/ports.ts'
import { secretDigestOf } from '../../src/protocol/secrets.ts'
import { dangerouslyLocalOnly } from '../../src/resource/revocation.ts'
import { jwtAccessTokens } from '../../src/resource-as/issue.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { detailTypes } from '../fixture/authorization-details.ts'

/** An answer on its way out. */
export interface BentAnswer {
  status: number
  headers: { [name: string]: string }
  body: string
}

/** Receives the real answer and gives the one that is sent; undefined sends the real one. */
export type Bend = (real: BentAnswer, request: { body: string; headers: { [name: string]: unknown } }) => unknown

/** One server: its origin, the requests it has had, and how its answers are bent, by path. */
export interface Server {
  origin: string
  seen: { method: string; path: string; body: string; headers: { [name: string]: unknown } }[]
  bend: Map<string, Bend>
  close(): Promise<void>
}

/** Listens first, so that the address is known, and mounts the plugin afterwards. */
export async function listen(mount: (origin: string) => FastifyPluginAsync): Promise<Server> {
  const app = Fastify()
  const seen: Server['seen'] = []
  const bend: Server['bend'] = new Map()
  const http = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', async () => {
      const body = Buffer.concat(chunks).toString('utf8')
      const { method = 'GET', url = '/', headers } = request
      const path = url.split('?')[0] ?? ''
      seen.push({ method, path, body, headers })
      const reply = await app.inject({ method: method as 'GET', url, headers, payload: body })
      const real = {
        status: reply.statusCode,
        headers: Object.fromEntries(Object.entries(reply.headers).map(([name, value]) => [name, String(value)])),
        body: reply.body,
      }
      const sent = ((await bend.get(path)?.(real, { body, headers })) as BentAnswer | undefined) ?? real
      delete sent.headers['content-length']
      delete sent.headers['transfer-encoding']
      response.writeHead(sent.status, sent.headers).end(sent.body)
    })
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
  await app.register(mount(origin))
  await app.ready()
  return {
    origin,
    seen,
    bend,
    async close() {
      http.closeAllConnections()
      await Promise.all([app.close(), new Promise((resolve) => http.close(resolve))])
    },
  }
}

/** Changes members of a JSON answer; undefined removes one. */
export function withMembers(members: { [name: string]: unknown }, status?: number): Bend {
  return (real) => ({
    ...real,
    status: status ?? real.status,
    body: JSON.stringify({ ...JSON.parse(real.body), ...members }),
  })
}

export function answerOf(status: number, body: unknown, headers: { [name: string]: string } = {}): Bend {
  return () => ({ status, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) })
}

export interface Enterprise {
  idp: Server
  ras: Server
  api: Server
  /** The API's resource identifier, `…/mcp`. */
  resource: string
  clock: { now: number }
  connection: Connection
  refreshTokens: Map<string, RefreshTokenRecord>
  idpKeys: SigningKeys
  clientKey: JWK
  steps: Step[]
  /** A fresh ID Token of alice for the client. */
  idToken(lifetime?: number): Promise<string>
  /** The options of a client that has an ID Token. */
  options(more?: Partial<CrossAppOptions>): Promise<CrossAppOptions>
  /** How often a server was asked at a path. */
  count(server: Server, path: string): number
  close(): Promise<void>
}

export const secret = 'a-secret-of-at-least-thirty-two-characters'

async function keys(kid: string): Promise<{ jwk: JWK; signing: SigningKeys }> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  const jwk = { ...(await exportJWK(privateKey)), alg: 'ES256', kid }
  return { jwk, signing: await signingKeysOf({ keys: [jwk] }) }
}

/** Starts it at a moment of the test's choosing; the commands need the real one. With nonces, all three want them in proofs. */
export async function enterprise(start = 1_800_000_000, proofNonces?: ProofNonces): Promise<Enterprise> {
  const nonces = proofNonces === undefined ? {} : { proofNonces }
  const clock = { now: start }
  let ids = 0
  const store = memoryStore({ now: () => clock.now })
  const ports: Ports = {
    now: () => clock.now,
    newId: () => `id-${++ids}`,
    once: store.once,
    fence: () => 0,
    record: async () => {},
  }
  const [idpKeys, rasKeys, clientKeys] = await Promise.all([keys('idp-1'), keys('ras-1'), keys('client-1')])
  const clientKeySet = await keySetOf({ keys: [{ ...publicPartOf(clientKeys.jwk), kid: 'client-1', alg: 'ES256' }] })
  const clientOf = (id: string): Client => ({
    id,
    enabled: true,
    authMethods: clientAuthMethods,
    secretDigest: secretDigestOf(secret),
    keys: clientKeySet,
  })
  const refreshTokens = new Map<string, RefreshTokenRecord>()
  const alice = { sub: 'alice', enabled: true, groups: [], claims: {} }
  const skew = 5

  // The three know one another's addresses from the start, as their operators would have typed them.
  const place: { ras: string; api: string } = { ras: '', api: '' }
  const connection: Connection = {
    client: 'assistant',
    audience: '',
    clientThere: 'assistant-at-chat',
    enabled: true,
    who: { everyone: true, users: [], groups: [] },
    scopes: [{ name: 'chat.read' }, { name: 'chat.write' }],
    resources: [],
    signIn: {},
    refreshTokens: { maxAge: 8 * 3600 },
    lifetime: 300,
    subject: { kind: 'same' },
    userClaims: [],
  }
  const idp = await listen(
    (issuer) => async (app) =>
      app.register(idpPlugin, {
        ports,
        ...nonces,
        findClient: async (id) => (id === 'assistant' ? clientOf(id) : undefined),
        identityProvider: {
          issuer,
          signingKeys: idpKeys.signing,
          findIssuer: (asked) =>
            asked === issuer
              ? {
                  issuer,
                  enabled: true,
                  keys: idpKeys.signing.source,
                  algorithms: ['ES256'],
                  clientIdOf: (id) => id,
                  findUser: async () => alice,
                }
              : undefined,
          refreshTokens: { find: async (token) => refreshTokens.get(token), findUser: async () => alice },
          refreshTokenIssue: {
            sessionAge: 8 * 3600,
            audiences: () => [place.ras],
            keep: async (token, record) => void refreshTokens.set(token, record),
            end: async (token) => void refreshTokens.delete(token),
          },
          samlAssertions: {
            purposes: ['refresh-token'],
            read: async () => ({
              user: alice,
              issuer: 'https://saml.example',
              nameId: { value: 'alice' },
              authTime: clock.now,
              spend: async () => {},
            }),
          },
          findResourceServer: async (audience) =>
            audience === place.ras
              ? {
                  issuer: place.ras,
                  aliases: [],
                  resources: [`${place.api}/mcp`],
                  detailTypes: detailTypes(),
                  enabled: true,
                }
              : undefined,
          findConnection: async (client, audience) =>
            client === 'assistant' && audience === place.ras
              ? { ...connection, audience, resources: [`${place.api}/mcp`] }
              : undefined,
          actors: { ruleOf: () => ({ by: 'own-assertion', profile: 'ai_agent' }), findWorkloadIssuer: () => undefined },
          skew,
        },
      }),
  )
  const governed = { resource: '', scopes: ['chat.read', 'chat.write'], detailTypes: ['channel'] }
  const ras = await listen(
    (issuer) => async (app) =>
      app.register(resourceAsPlugin, {
        ports,
        ...nonces,
        signingKeys: rasKeys.signing,
        findClient: async (id) => (id === 'assistant-at-chat' ? clientOf(id) : undefined),
        resourceAuthorizationServer: {
          issuer,
          resources: [governed],
          detailTypes: detailTypes(),
          findTrustedIssuer: async (asked) =>
            asked === idp.origin
              ? {
                  issuer: idp.origin,
                  enabled: true,
                  keys: idpKeys.signing.source,
                  algorithms: ['ES256'],
                  clients: ['assistant-at-chat'],
                  assertions: 'single-use',
                  maxLifetime: 3600,
                  accounts: { emailDomains: [], unknown: 'refuse' },
                }
              : undefined,
          findClientPolicy: async () => ({
            scopes: governed.scopes,
            resources: [governed.resource],
            details: [{ type: 'channel', actions: ['read', 'write'] }],
          }),
          resolveSubject: async ({ sub }) => sub,
          issue: jwtAccessTokens({ issuer, signingKeys: rasKeys.signing, lifetime: 600 }),
          skew,
          clockAllowance: 0,
        },
      }),
  )
  const api = await listen(
    (origin) => async (app) =>
      app.register(resourcePlugin, {
        ports,
        ...nonces,
        resource: `${origin}/mcp`,
        authorizationServer: ras.origin,
        keys: rasKeys.signing.source,
        algorithms: ['ES256'],
        scopes: ['chat.read'],
        skew,
        maxLifetime: 3600,
        revocation: dangerouslyLocalOnly,
        requiredScopes: ({ method }) => (method === 'POST' ? ['chat.read', 'chat.write'] : ['chat.read']),
        routes(routes) {
          routes.get('/mcp', async (_request, reply) => reply.send({ messages: ['hello, alice'] }))
          routes.get('/mcp/*', async (_request, reply) => reply.send({ messages: ['hello from below'] }))
          routes.get('/elsewhere', async (_request, reply) => reply.send({ messages: ['outside'] }))
          routes.post('/mcp', async ({ body }, reply) => reply.send({ said: body }))
        },
      }),
  )
  Object.assign(place, { ras: ras.origin, api: api.origin })
  governed.resource = `${api.origin}/mcp`
  const steps: Step[] = []

  async function idToken(lifetime = 3600): Promise<string> {
    const claims = {
      iss: idp.origin,
      sub: 'alice',
      aud: 'assistant',
      iat: clock.now,
      exp: clock.now + lifetime,
      auth_time: clock.now,
    }
    const signer = idpKeys.signing.current()
    return await new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid: 'idp-1' }).sign(signer.key)
  }

  return {
    idp,
    ras,
    api,
    resource: governed.resource,
    clock,
    connection,
    refreshTokens,
    idpKeys: idpKeys.signing,
    clientKey: clientKeys.jwk,
    steps,
    idToken,
    async options(more = {}) {
      const kept = await idToken()
      return {
        identityProvider: { issuer: idp.origin, client: clientSecretPost('assistant', secret) },
        resourceServers: { [ras.origin]: { client: clientSecretBasic('assistant-at-chat', secret) } },
        subject: { idToken: () => kept },
        now: () => clock.now,
        newId: () => `client-id-${++ids}`,
        onStep: (step) => steps.push(step),
        ...more,
      }
    },
    count: (server, path) => server.seen.filter((one) => one.path === path).length,
    async close() {
      await Promise.all([idp.close(), ras.close(), api.close()])
    },
  }
}
