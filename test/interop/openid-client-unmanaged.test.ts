/** openid-client, unmodified, from the address of the MCP server to its answer: registration, code and PKCE, refresh, the call. */

import { exportJWK, generateKeyPair } from 'jose'
import * as openid from 'openid-client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { walkConsent } from '../../src/testing/headless-sign-in.ts'
import { startWorld, type World } from '../../src/testing/world.ts'
import { runsIn } from './rows.ts'
import { type DocumentHost, documentHost } from './unmanaged/document-host.ts'
import { enterClient } from './unmanaged/operator.ts'

runsIn(import.meta.url, 'openid-client')

const callback = 'http://127.0.0.1:9/callback'
const oauth2: openid.DiscoveryRequestOptions = { algorithm: 'oauth2', execute: [openid.allowInsecureRequests] }

let world: World
let documents: DocumentHost
let issuer: URL
let resource: string
beforeAll(async () => {
  world = await startWorld({ registration: true })
  documents = await documentHost()
  // The library has no word for RFC 9728: an application reads the challenge and the document itself.
  const challenge = (await fetch(world.resources.mcp, { method: 'POST' })).headers.get('www-authenticate') ?? ''
  const metadata = await fetch(/resource_metadata="([^"]+)"/.exec(challenge)?.[1] ?? '')
  const read = (await metadata.json()) as { resource: string; authorization_servers: [string] }
  issuer = new URL(read.authorization_servers[0])
  resource = read.resource
})
afterAll(async () => {
  await documents.close()
  await world.close()
})

const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
const jwk = { ...(await exportJWK(publicKey)), kid: 'app-1', alg: 'ES256', use: 'sig' }
const secret = `a-secret-of-the-wiki-${crypto.randomUUID()}`
const byKey = openid.PrivateKeyJwt({ key: privateKey, kid: 'app-1' })

const register = async () => {
  const asked = { client_name: 'Magpie', redirect_uris: [callback], token_endpoint_auth_method: 'none' }
  return await openid.dynamicClientRegistration(issuer, asked, openid.None(), oauth2)
}
const entered = async (authentication: openid.ClientAuth) => {
  const id = `wiki-${crypto.randomUUID()}`
  const reach = { scopes: ['chat.read'], resources: [resource], redirectUris: [callback] }
  const authMethods = ['client_secret_basic', 'client_secret_post']
  await enterClient(world, 'chat', id, { authMethods, secret, ...reach })
  return await openid.discovery(issuer, id, undefined, authentication, oauth2)
}
const documented = async (name: string, members: object, authentication: openid.ClientAuth) => {
  const shared = { redirect_uris: [callback], grant_types: ['authorization_code', 'refresh_token'] }
  const id = documents.publish(name, { ...shared, ...members })
  return await openid.discovery(issuer, id, undefined, authentication, oauth2)
}

async function begin(config: openid.Configuration) {
  const pkceCodeVerifier = openid.randomPKCECodeVerifier()
  const expectedState = openid.randomState()
  const address = openid.buildAuthorizationUrl(config, {
    redirect_uri: callback,
    scope: 'chat.read',
    resource,
    state: expectedState,
    code_challenge: await openid.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
  })
  return { address, checks: { pkceCodeVerifier, expectedState } }
}

const call = async (config: openid.Configuration, token: string) =>
  await openid.fetchProtectedResource(
    config,
    token,
    new URL(world.resources.mcp),
    'POST',
    JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' }),
    new Headers({ 'content-type': 'application/json', accept: 'application/json, text/event-stream' }),
  )

const kinds: [kind: string, make: () => Promise<openid.Configuration>][] = [
  ['registered itself', register],
  ['was entered by the operator and uses client_secret_post', () => entered(openid.ClientSecretPost(secret))],
  ['was entered by the operator and uses client_secret_basic', () => entered(openid.ClientSecretBasic(secret))],
  [
    'has a metadata document and is public',
    () => documented('open', { token_endpoint_auth_method: 'none' }, openid.None()),
  ],
  [
    'has a metadata document and uses private_key_jwt',
    () => documented('signing', { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [jwk] } }, byKey),
  ],
]

describe.each(kinds)('a client that %s', (_kind, make) => {
  it('signs a person in, calls the MCP server, refreshes, calls again, and gives its tokens back', async () => {
    const config = await make()
    const { address, checks } = await begin(config)
    const { callback: back } = await walkConsent(address, { person: 'alice', decision: 'allow' })
    const tokens = await openid.authorizationCodeGrant(config, back, checks, { resource })
    expect(tokens).toMatchObject({ token_type: 'bearer', scope: 'chat.read' })
    expect((await call(config, tokens.access_token)).status).toBe(200)
    const again = await openid.refreshTokenGrant(config, tokens.refresh_token ?? '')
    expect((await call(config, again.access_token)).status).toBe(200)
    await openid.tokenRevocation(config, again.access_token)
    world.pass(10)
    await expect(call(config, again.access_token)).rejects.toMatchObject({ status: 401 })
  })
})

it('is told when the person says no', async () => {
  const config = await register()
  const { address, checks } = await begin(config)
  const { callback: back } = await walkConsent(address, { person: 'alice', decision: 'deny' })
  const redeemed = openid.authorizationCodeGrant(config, back, checks)
  await expect(redeemed).rejects.toMatchObject({ error: 'access_denied' })
})

it('takes no answer of another issuer', async () => {
  const config = await register()
  const { address, checks } = await begin(config)
  const { callback: back } = await walkConsent(address, { person: 'alice', decision: 'allow' })
  const mixedUp = new URL(back)
  mixedUp.searchParams.set('iss', world.resourceAs.files.issuer)
  await expect(openid.authorizationCodeGrant(config, mixedUp, checks)).rejects.toThrow()
  expect(await openid.authorizationCodeGrant(config, back, checks)).toMatchObject({ scope: 'chat.read' })
})
