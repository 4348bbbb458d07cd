/** The examples of docs/examples for other frameworks, each in an application of its own: a whole exchange and redemption. */

import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { SignJWT } from 'jose'
import type { Configuration } from 'oidc-provider'
import { afterEach, describe, expect, it } from 'vitest'
import { type AuditEvent, memoryStore } from 'xaa-broker'
import {
  type Connection,
  defaultAlgorithms,
  jwtAccessTokens,
  type Ports,
  type SigningKeys,
  secretDigestOf,
  type TrustedIssuer,
} from 'xaa-broker/fetch'
import { authorizationServer } from '../../docs/examples/express.ts'
import { identityProvider } from '../../docs/examples/hono.ts'
import { companyProvider, vendorProvider } from '../../docs/examples/oidc-provider.ts'
import { privateJwk, signerOf, signingKeysNamed } from '../fixture/keys.ts'

const mcp = 'https://chat.example/mcp'
const exchangeGrant = 'urn:ietf:params:oauth:grant-type:token-exchange'
const bearerGrant = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
const now = () => Date.now() / 1000

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

/** Listens before the application is made, because its issuer is its address. */
async function listen(applicationAt: (issuer: string) => RequestListener): Promise<string> {
  const server = createServer()
  servers.push(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  server.on('request', applicationAt(issuer))
  return issuer
}

function newPorts(): { ports: Ports; audit: AuditEvent[] } {
  const audit: AuditEvent[] = []
  const ports: Ports = {
    now,
    newId: () => randomBytes(16).toString('base64url'),
    once: memoryStore({ now }).once,
    fence: () => 0,
    record: async (event) => void audit.push(event),
  }
  return { ports, audit }
}

const client = (id: string) => ({
  id,
  enabled: true,
  authMethods: ['client_secret_basic'] as const,
  secretDigest: secretDigestOf(`${id}-secret`),
})

const connectionTo = (audience: string): Connection => ({
  client: 'assistant',
  audience,
  clientThere: 'assistant-at-chat',
  enabled: true,
  who: { users: [], groups: ['staff'] },
  scopes: [{ name: 'chat.read' }],
  resources: [mcp],
  signIn: {},
  lifetime: 300,
  subject: { kind: 'same' },
  userClaims: [],
})

const trustIn = (issuer: string, keys: SigningKeys): TrustedIssuer => ({
  issuer,
  enabled: true,
  keys: keys.source,
  algorithms: defaultAlgorithms,
  clients: ['assistant-at-chat'],
  assertions: 'single-use',
  maxLifetime: 3600,
  accounts: { emailDomains: [], unknown: 'refuse' },
})

const policyAt = (audience: string) => ({
  findResourceServer: async (asked: string) =>
    asked === audience ? { issuer: audience, aliases: [], resources: [mcp], enabled: true } : undefined,
  findConnection: async () => connectionTo(audience),
})

const idTokenOf = async (issuer: string, kid: string) => {
  const { alg, key } = await signerOf(kid)
  const token = new SignJWT({ iss: issuer, sub: 'alice', aud: 'assistant' }).setProtectedHeader({ alg, kid })
  return await token.setIssuedAt().setExpirationTime('1h').sign(key)
}

async function ask(address: string, id: string, form: { [name: string]: string }) {
  const authorization = `Basic ${btoa(`${id}:${id}-secret`)}`
  const answer = await fetch(address, { method: 'POST', headers: { authorization }, body: new URLSearchParams(form) })
  return { status: answer.status, body: (await answer.json()) as { [member: string]: unknown } }
}

const exchangeForm = (audience: string, idToken: string) => ({
  grant_type: exchangeGrant,
  requested_token_type: 'urn:ietf:params:oauth:token-type:id-jag',
  audience,
  subject_token: idToken,
  subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
})

describe('an application of another framework', () => {
  it('issues ID-JAGs with Hono, and redeems them with Express', async () => {
    const { ports, audit } = newPorts()
    const issuer = 'https://id.acme.example'
    const keys = await signingKeysNamed(['hono-idp'])
    const chat = await listen((address) =>
      authorizationServer({
        issuer: address,
        findClient: async (id) => (id === 'assistant-at-chat' ? client(id) : undefined),
        findTrustedIssuer: async (asked) => (asked === issuer ? trustIn(issuer, keys) : undefined),
        findClientPolicy: async () => ({ scopes: ['chat.read'], resources: [mcp] }),
        resolveSubject: async ({ sub }) => `account-of-${sub}`,
        issue: async (granted) =>
          await jwtAccessTokens({
            issuer: address,
            signingKeys: await signingKeysNamed(['express-as']),
            lifetime: 600,
          })(granted),
        ports,
      }),
    )
    const idp = identityProvider({
      identityProvider: {
        issuer,
        signingKeys: keys,
        findIssuer: () => ({
          issuer,
          enabled: true,
          keys: keys.source,
          algorithms: defaultAlgorithms,
          clientIdOf: (id) => id,
          findUser: async ({ sub }) => ({ sub, enabled: true, groups: ['staff'], claims: {} }),
        }),
        ...policyAt(chat),
        skew: 30,
      },
      findClient: async (id) => (id === 'assistant' ? client(id) : undefined),
      ports,
    })
    const exchanged = await idp.request('/token', {
      method: 'POST',
      headers: { authorization: `Basic ${btoa('assistant:assistant-secret')}` },
      body: new URLSearchParams(exchangeForm(chat, await idTokenOf(issuer, 'hono-idp'))),
    })
    expect(exchanged.status).toBe(200)
    const { access_token: assertion } = (await exchanged.json()) as { access_token: string }
    const form = { grant_type: bearerGrant, assertion }
    expect(await ask(`${chat}/token`, 'assistant-at-chat', form)).toMatchObject({
      status: 200,
      body: { token_type: 'Bearer', scope: 'chat.read', resource: mcp },
    })
    expect((await ask(`${chat}/token`, 'assistant-at-chat', form)).body).toMatchObject({ error: 'invalid_grant' })
    expect([(await fetch(`${chat}/token`)).status, (await idp.request('/token')).status]).toEqual([405, 405])
    expect(await (await idp.request('/jwks')).json()).toMatchObject({ keys: [{ kid: 'hono-idp' }] })
    expect(audit.map(({ role, outcome }) => `${role} ${outcome}`)).toEqual([
      'idp granted',
      'resource-as granted',
      'resource-as refused',
      'resource-as refused',
      'idp refused',
    ])
  })

  it('does both with oidc-provider', async () => {
    const acmeKeys = await signingKeysNamed(['acme-op'])
    const yours = async (kid: string, id: string, grant: string): Promise<Configuration> => ({
      jwks: { keys: [await privateJwk(kid)] } as NonNullable<Configuration['jwks']>,
      cookies: { keys: ['a-key-for-cookies'] },
      clientDefaults: { id_token_signed_response_alg: 'ES256' },
      clients: [
        { client_id: id, client_secret: `${id}-secret`, grant_types: [grant], response_types: [], redirect_uris: [] },
      ],
      findAccount: async (_context, accountId) => ({
        accountId,
        claims: async () => ({ sub: accountId, groups: ['staff'] }),
      }),
      features: {
        devInteractions: { enabled: false },
        resourceIndicators: {
          enabled: true,
          getResourceServerInfo: async () => ({
            scope: 'chat.read',
            accessTokenFormat: 'jwt',
            jwt: { sign: { alg: 'ES256' } },
          }),
        },
      },
      ttl: { AccessToken: 600, Grant: 600 },
    })
    const vendor = await yours('chat-op', 'assistant-at-chat', bearerGrant)
    const company = await yours('acme-op', 'assistant', exchangeGrant)
    let acme = ''
    const chat = await listen((issuer) =>
      vendorProvider(issuer, vendor, {
        ports: newPorts().ports,
        resources: [{ resource: mcp, scopes: ['chat.read'] }],
        findTrustedIssuer: async (asked) => (asked === acme ? trustIn(acme, acmeKeys) : undefined),
        findClientPolicy: async () => ({ scopes: ['chat.read'], resources: [mcp] }),
        resolveSubject: async ({ sub }) => `account-of-${sub}`,
      }),
    )
    acme = await listen((issuer) =>
      companyProvider(issuer, company, { ports: newPorts().ports, signingKeys: acmeKeys, ...policyAt(chat) }),
    )
    const idToken = await idTokenOf(acme, 'acme-op')
    const { body } = await ask(`${acme}/token`, 'assistant', exchangeForm(chat, idToken))
    const assertion = String(body.access_token)
    expect(await ask(`${chat}/token`, 'assistant-at-chat', { grant_type: bearerGrant, assertion })).toMatchObject({
      status: 200,
      body: { token_type: 'Bearer', expires_in: 600, scope: 'chat.read', resource: mcp },
    })
    expect(await (await fetch(`${acme}/.well-known/oauth-authorization-server`)).json()).toMatchObject({
      identity_chaining_requested_token_types_supported: ['urn:ietf:params:oauth:token-type:id-jag'],
    })
  })
})
