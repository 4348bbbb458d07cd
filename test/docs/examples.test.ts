/** The three examples of docs/examples, each in an application of its own, together once through. */

import { randomBytes } from 'node:crypto'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { expect, it } from 'vitest'
import {
  type AuditEvent,
  accountsBySubject,
  type Client,
  type Connection,
  defaultAlgorithms,
  jwtAccessTokens,
  memoryStore,
  type Ports,
  type SigningKeys,
  secretDigestOf,
  signingKeysOf,
} from 'xaa-broker'
import { startIdp } from '../../docs/examples/idp.ts'
import { startApi } from '../../docs/examples/resource.ts'
import { startAuthorizationServer } from '../../docs/examples/resource-as.ts'

const now = 1_800_000_000
const idpIssuer = 'https://id.acme.example'
const asIssuer = 'https://auth.chat.example'
const mcp = 'https://chat.example/mcp'

const audit: AuditEvent[] = []
const ports: Ports = {
  now: () => now,
  newId: () => randomBytes(16).toString('base64url'),
  once: memoryStore({ now: () => now }).once,
  fence: () => 0,
  record: async (event) => void audit.push(event),
}
const client = (id: string): Client => ({
  id,
  enabled: true,
  authMethods: ['client_secret_basic'],
  secretDigest: secretDigestOf(`${id}-secret`),
})

async function newKeys(kid: string): Promise<{ keys: SigningKeys; sign(claims: object): Promise<string> }> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  const jwk = { ...(await exportJWK(privateKey)), kid, alg: 'ES256' }
  return {
    keys: await signingKeysOf({ keys: [jwk] }),
    sign: (claims) => new SignJWT({ ...claims }).setProtectedHeader({ alg: 'ES256', kid }).sign(privateKey),
  }
}

const connections: Connection[] = [
  {
    client: 'assistant',
    audience: asIssuer,
    clientThere: 'assistant-at-chat',
    enabled: true,
    who: { users: [], groups: ['staff'] },
    scopes: [{ name: 'chat.read' }],
    resources: [mcp],
    signIn: {},
    lifetime: 300,
    subject: { kind: 'same' },
    userClaims: ['email'],
  },
]

it('an identity provider, an authorization server and an API of somebody else take the plugins in a few lines', async () => {
  const idpKeys = await newKeys('idp-1')
  const asKeys = await newKeys('as-1')
  const idp = await startIdp({
    issuer: idpIssuer,
    signingKeys: idpKeys.keys,
    findClient: async (id) => (id === 'assistant' ? client(id) : undefined),
    findUser: async (sub) => ({ sub, enabled: true, groups: ['staff'], claims: { email: 'alice@acme.example' } }),
    findResourceServer: async (audience) =>
      audience === asIssuer ? { issuer: asIssuer, aliases: [], resources: [mcp], enabled: true } : undefined,
    findConnection: async (name, audience) =>
      connections.find((one) => one.client === name && one.audience === audience),
    ports,
  })
  const as = await startAuthorizationServer({
    issuer: asIssuer,
    signingKeys: asKeys.keys,
    findClient: async (id) => (id === 'assistant-at-chat' ? client(id) : undefined),
    findTrustedIssuer: async (issuer) =>
      issuer === idpIssuer
        ? {
            issuer,
            enabled: true,
            keys: idpKeys.keys.source,
            algorithms: defaultAlgorithms,
            clients: ['assistant-at-chat'],
            assertions: 'single-use',
            maxLifetime: 3600,
            accounts: { emailDomains: [], unknown: 'refuse' },
          }
        : undefined,
    resolveSubject: accountsBySubject({
      findLinked: async ({ sub }) => ({ id: `account-of-${sub}`, enabled: true, linked: true }),
      findByEmail: async () => undefined,
      linkFirst: async () => undefined,
      createLinked: async () => 'never',
    }),
    findClientPolicy: async () => ({ scopes: ['chat.read', 'chat.write'], resources: [mcp] }),
    issue: jwtAccessTokens({ issuer: asIssuer, signingKeys: asKeys.keys, lifetime: 600 }),
    ports,
  })
  const fromServer = async (url: string) => {
    const { statusCode: status, rawPayload: body } = await as.inject(new URL(url).pathname)
    return { status, body }
  }
  const api = await startApi(asKeys.keys.source, fromServer, ports)

  const post = (id: string, form: { [name: string]: string }) => ({
    method: 'POST' as const,
    url: '/token',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      authorization: `Basic ${Buffer.from(`${id}:${id}-secret`).toString('base64')}`,
    },
    payload: new URLSearchParams(form).toString(),
  })
  const exchanged = await idp.inject(
    post('assistant', {
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      requested_token_type: 'urn:ietf:params:oauth:token-type:id-jag',
      audience: asIssuer,
      subject_token: await idpKeys.sign({ iss: idpIssuer, sub: 'alice', aud: 'assistant', iat: now, exp: now + 3600 }),
      subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
    }),
  )
  expect(exchanged.json()).toMatchObject({ token_type: 'N_A', expires_in: 300, scope: 'chat.read' })
  const redeemed = await as.inject(
    post('assistant-at-chat', {
      grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
      assertion: exchanged.json<{ access_token: string }>().access_token,
    }),
  )
  expect(redeemed.json()).toMatchObject({ token_type: 'Bearer', scope: 'chat.read', resource: mcp })
  const authorization = `Bearer ${redeemed.json<{ access_token: string }>().access_token}`
  const answered = await api.inject({ url: '/mcp', headers: { authorization } })
  expect(answered.json()).toEqual({ you: 'account-of-alice', through: 'assistant-at-chat' })

  expect((await api.inject({ url: '/mcp' })).headers['www-authenticate']).toBe(
    'Bearer resource_metadata="https://chat.example/.well-known/oauth-protected-resource/mcp", ' +
      'DPoP algs="ES256 RS256 PS256 EdDSA", ' +
      'resource_metadata="https://chat.example/.well-known/oauth-protected-resource/mcp"',
  )
  expect(audit.map(({ role, outcome, reason }) => [role, outcome, reason])).toEqual([
    ['idp', 'granted', 'granted'],
    ['resource-as', 'granted', 'granted'],
    ['resource', 'granted', 'granted'],
    ['resource', 'refused', 'token_missing'],
  ])
})
