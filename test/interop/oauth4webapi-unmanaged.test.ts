/** oauth4webapi, unmodified, from the address of the MCP server to its answer: discovery, registration, code and PKCE, refresh, the call. */

import { exportJWK } from 'jose'
import * as oauth from 'oauth4webapi'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { walkConsent } from '../../src/testing/headless-sign-in.ts'
import { startWorld, type World } from '../../src/testing/world.ts'
import { onLoopback } from './oauth4webapi-application.ts'
import { runsIn } from './rows.ts'
import { type DocumentHost, documentHost } from './unmanaged/document-host.ts'
import { enterClient } from './unmanaged/operator.ts'

runsIn(import.meta.url, 'oauth4webapi')

const callback = 'http://127.0.0.1:9/callback'
const listTools = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' })
const mcpHeaders = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }

let world: World
let documents: DocumentHost
let found: Awaited<ReturnType<typeof discover>>
beforeAll(async () => {
  world = await startWorld({ registration: true })
  documents = await documentHost()
  found = await discover(world.resources.mcp)
})
afterAll(async () => {
  await documents.close()
  await world.close()
})

/** All that is known is the address. */
async function discover(address: string) {
  const url = new URL(address)
  const challenged = await fetch(url, { method: 'POST', headers: mcpHeaders, body: listTools })
  expect(challenged.status).toBe(401)
  const resource = await oauth.processResourceDiscoveryResponse(
    url,
    await oauth.resourceDiscoveryRequest(url, onLoopback),
  )
  expect(challenged.headers.get('www-authenticate')).toContain(
    `resource_metadata="${url.origin}/.well-known/oauth-protected-resource${url.pathname}"`,
  )
  const issuer = new URL(resource.authorization_servers?.[0] ?? '')
  const as = await oauth.processDiscoveryResponse(
    issuer,
    await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...onLoopback }),
  )
  return { resource, as }
}

async function register(): Promise<oauth.Client> {
  const asked = { client_name: 'Magpie', redirect_uris: [callback], token_endpoint_auth_method: 'none' }
  return await oauth.processDynamicClientRegistrationResponse(
    await oauth.dynamicClientRegistrationRequest(found.as, asked, onLoopback),
  )
}

async function authorize(client: oauth.Client, scope = 'chat.read') {
  const { as, resource } = found
  const [verifier, state] = [oauth.generateRandomCodeVerifier(), oauth.generateRandomState()]
  const address = new URL(as.authorization_endpoint ?? '')
  address.search = new URLSearchParams({
    client_id: client.client_id,
    response_type: 'code',
    redirect_uri: callback,
    scope,
    resource: resource.resource,
    state,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  }).toString()
  return { address, verifier, state }
}

async function signIn(client: oauth.Client, authentication: oauth.ClientAuth) {
  const { as, resource } = found
  const { address, verifier, state } = await authorize(client)
  const { callback: back } = await walkConsent(address, { person: 'alice', decision: 'allow' })
  const parameters = oauth.validateAuthResponse(as, client, back, state)
  const answer = await oauth.authorizationCodeGrantRequest(as, client, authentication, parameters, callback, verifier, {
    additionalParameters: { resource: resource.resource },
    ...onLoopback,
  })
  return await oauth.processAuthorizationCodeResponse(as, client, answer)
}

async function refresh(client: oauth.Client, authentication: oauth.ClientAuth, token = '') {
  const answer = await oauth.refreshTokenGrantRequest(found.as, client, authentication, token, onLoopback)
  return await oauth.processRefreshTokenResponse(found.as, client, answer)
}

const call = async (token: string) =>
  await oauth.protectedResourceRequest(
    token,
    'POST',
    new URL(world.resources.mcp),
    new Headers(mcpHeaders),
    listTools,
    onLoopback,
  )

const generated = await oauth.generateKeyPair('ES256', { extractable: true })
const publicKey = { ...(await exportJWK(generated.publicKey)), kid: 'app-1', alg: 'ES256', use: 'sig' }
const byKey = oauth.PrivateKeyJwt({ key: generated.privateKey, kid: 'app-1' })
const secret = `a-secret-of-the-wiki-${crypto.randomUUID()}`

/** Every kind of client that the code grant knows, each with its way to authenticate. */
const kinds: [kind: string, make: () => Promise<oauth.Client>, authentication: oauth.ClientAuth][] = [
  ['registered itself and is public', register, oauth.None()],
  ...(['client_secret_basic', 'client_secret_post'] as const).map(
    (method): [string, () => Promise<oauth.Client>, oauth.ClientAuth] => [
      `was entered by the operator and uses ${method}`,
      () => entered({ authMethods: [method], secret }),
      method === 'client_secret_basic' ? oauth.ClientSecretBasic(secret) : oauth.ClientSecretPost(secret),
    ],
  ),
  [
    'was entered by the operator and uses private_key_jwt',
    () => entered({ authMethods: ['private_key_jwt'], jwks: { keys: [publicKey] } }),
    byKey,
  ],
  [
    'has a metadata document and is public',
    async () => documented('open', { token_endpoint_auth_method: 'none' }),
    oauth.None(),
  ],
  [
    'has a metadata document and uses private_key_jwt',
    async () => documented('signing', { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [publicKey] } }),
    byKey,
  ],
]

async function entered(credentials: object): Promise<oauth.Client> {
  const id = `wiki-${crypto.randomUUID()}`
  const reach = { scopes: ['chat.read'], resources: [world.resources.mcp], redirectUris: [callback] }
  await enterClient(world, 'chat', id, { ...credentials, ...reach })
  return { client_id: id }
}

function documented(name: string, members: object): oauth.Client {
  const grant_types = ['authorization_code', 'refresh_token']
  const shared = { client_name: 'Magpie', redirect_uris: [callback], grant_types }
  return { client_id: documents.publish(name, { ...shared, ...members }) }
}

describe.each(kinds)('a client that %s', (_kind, make, authentication) => {
  let client: oauth.Client
  beforeAll(async () => {
    client = await make()
  })

  it('signs a person in, calls the MCP server with a token that passes every check, and refreshes it', async () => {
    const tokens = await signIn(client, authentication)
    expect(tokens).toMatchObject({ token_type: 'bearer', expires_in: 600, scope: 'chat.read' })
    const request = new Request(world.resources.mcp, { headers: { authorization: `Bearer ${tokens.access_token}` } })
    const claims = await oauth.validateJwtAccessToken(found.as, request, world.resources.mcp, onLoopback)
    expect(claims).toMatchObject({ client_id: client.client_id, sub: 'chat-alice', scope: 'chat.read' })
    expect((await call(tokens.access_token)).status).toBe(200)
    const again = await refresh(client, authentication, tokens.refresh_token)
    expect(again.access_token).not.toBe(tokens.access_token)
    expect((await call(again.access_token)).status).toBe(200)
  })

  it('ends a token of its own, and none of another', async () => {
    const mine = await signIn(client, authentication)
    const stranger = await register()
    const theirs = await signIn(stranger, oauth.None())
    const revoke = async (token: string) =>
      await oauth.processRevocationResponse(
        await oauth.revocationRequest(found.as, client, authentication, token, onLoopback),
      )
    await expect(revoke(theirs.access_token)).rejects.toMatchObject({ error: 'invalid_grant' })
    await revoke(mine.access_token)
    world.pass(10)
    await expect(call(mine.access_token)).rejects.toMatchObject({ status: 401 })
    expect((await call(theirs.access_token)).status).toBe(200)
    await revoke(mine.refresh_token ?? '')
    await expect(refresh(client, authentication, mine.refresh_token)).rejects.toMatchObject({ error: 'invalid_grant' })
  })
})

describe('refusals', () => {
  it('the library finds no code in the answer of a person who says no, and reads why', async () => {
    const client = await register()
    const { address, state } = await authorize(client)
    const { callback: back } = await walkConsent(address, { person: 'alice', decision: 'deny' })
    expect(() => oauth.validateAuthResponse(found.as, client, back, state)).toThrow(oauth.AuthorizationResponseError)
    expect(back.searchParams.get('error')).toBe('access_denied')
  })

  it('the library takes no answer that names another issuer, or none', async () => {
    const client = await register()
    const { address, state } = await authorize(client)
    const { callback: back } = await walkConsent(address, { person: 'alice', decision: 'allow' })
    const [other, none] = [new URL(back), new URL(back)]
    other.searchParams.set('iss', world.resourceAs.files.issuer)
    none.searchParams.delete('iss')
    for (const wrong of [other, none])
      expect(() => oauth.validateAuthResponse(found.as, client, wrong, state)).toThrow(/"iss"/)
    expect(oauth.validateAuthResponse(found.as, client, back, state).get('code')).toBeTruthy()
  })

  it('a metadata document with a key gets nobody in who comes without it', async () => {
    const members = { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [publicKey] } }
    const client = documented('signing-only', members)
    await expect(signIn(client, oauth.None())).rejects.toThrow()
    expect(world.audit.findLast(({ action }) => action === 'code')).toMatchObject({ error: 'invalid_client' })
    expect(await signIn(client, byKey)).toMatchObject({ scope: 'chat.read' })
  })

  it('more than such clients may be given is not given', async () => {
    const client = await register()
    const { address } = await authorize(client, 'files.read')
    const { callback: back } = await walkConsent(address, { person: 'alice', decision: 'allow' })
    expect(back.searchParams.get('error')).toBe('invalid_scope')
  })
})
