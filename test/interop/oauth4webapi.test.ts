/** oauth4webapi, unmodified, as the client of all three servers, and as a verifier of what they sign. */

import { readFile } from 'node:fs/promises'
import { importJWK, type JWK } from 'jose'
import * as oauth from 'oauth4webapi'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { grantType, tokenType } from '../../src/protocol/names.ts'
import type { Credentials } from '../../src/testing/clients.ts'
import { startWorld, type World } from '../../src/testing/world.ts'
import { type Application, applicationOf, discover, onLoopback } from './oauth4webapi-application.ts'
import { runsIn } from './rows.ts'

runsIn(import.meta.url, 'oauth4webapi')

let world: World
let application: Application
beforeAll(async () => {
  world = await startWorld()
  application = await applicationOf(world)
})
afterAll(() => world.close())

const authentications: { [method: string]: (client: Credentials) => Promise<oauth.ClientAuth> } = {
  client_secret_basic: async ({ secret }) => oauth.ClientSecretBasic(secret),
  client_secret_post: async ({ secret }) => oauth.ClientSecretPost(secret),
  private_key_jwt: async ({ jwkFile = '' }) => {
    const { keys } = JSON.parse(await readFile(jwkFile, 'utf8')) as { keys: [JWK] }
    const key = await importJWK(keys[0], 'ES256')
    return oauth.PrivateKeyJwt({ key: key as oauth.CryptoKey, kid: keys[0].kid ?? '' })
  },
}

describe('discovery', () => {
  it.each(['oauth2', 'oidc'] as const)('finds the identity provider by the algorithm %s', async (algorithm) => {
    expect(await discover(world.idp.issuer, algorithm)).toMatchObject({
      issuer: world.idp.issuer,
      grant_types_supported: expect.arrayContaining(['authorization_code', grantType.tokenExchange]),
      identity_chaining_requested_token_types_supported: [tokenType.idJag],
    })
  })

  it('finds the authorization server by RFC 8414, and the resource by RFC 9728', async () => {
    expect(application.chat).toMatchObject({
      issuer: world.resourceAs.chat.issuer,
      grant_types_supported: [grantType.jwtBearer, grantType.jwtDpop, 'authorization_code', 'refresh_token'],
      authorization_grant_profiles_supported: ['urn:ietf:params:oauth:grant-profile:id-jag'],
    })
    const url = new URL(world.resources.mcp)
    const answer = await oauth.resourceDiscoveryRequest(url, onLoopback)
    expect(await oauth.processResourceDiscoveryResponse(url, answer)).toMatchObject({
      resource: world.resources.mcp,
      authorization_servers: [world.resourceAs.chat.issuer],
    })
  })
})

describe('the flow', () => {
  it.each(Object.entries(authentications))('succeeds with %s at both servers', async (_method, authentication) => {
    const { idp: here, resourceAs: there } = world.clients.assistant
    const exchanged = await application.exchange(here, await authentication(here))
    expect(exchanged).toEqual({
      access_token: expect.any(String),
      issued_token_type: tokenType.idJag,
      token_type: 'n_a',
      expires_in: 300,
      scope: 'chat.read',
      resource: world.resources.mcp,
    })
    const redeemed = await application.redeem(there, await authentication(there), exchanged.access_token)
    expect(redeemed).toMatchObject({ token_type: 'bearer', expires_in: 600, scope: 'chat.read' })
    expect(redeemed).not.toHaveProperty('refresh_token')
  })

  it('its access token passes validateJwtAccessToken at the resource it names, and at no other', async () => {
    const { idp: here, resourceAs: there } = world.clients.assistant
    const { access_token: idJag } = await application.exchange(here, oauth.ClientSecretBasic(here.secret))
    const { access_token: token } = await application.redeem(there, oauth.ClientSecretBasic(there.secret), idJag)
    const call = (bearer: string) =>
      new Request(world.resources.mcp, { headers: { authorization: `Bearer ${bearer}` } })
    const validate = (bearer: string, audience: string) =>
      oauth.validateJwtAccessToken(application.chat, call(bearer), audience, onLoopback)
    expect(await validate(token, world.resources.mcp)).toMatchObject({
      iss: world.resourceAs.chat.issuer,
      client_id: there.id,
      scope: 'chat.read',
      aud: world.resources.mcp,
    })
    await expect(validate(token, 'https://elsewhere.example/mcp')).rejects.toMatchObject({
      code: oauth.JWT_CLAIM_COMPARISON,
    })
    await expect(validate(idJag, world.resources.mcp)).rejects.toMatchObject({ code: oauth.INVALID_RESPONSE })
  })

  it('an exchange is answered with a token_type that oauth4webapi must be told of', async () => {
    const { idp: here } = world.clients.assistant
    const untold = application.exchange(here, oauth.ClientSecretPost(here.secret), {}, {})
    await expect(untold).rejects.toThrow('unsupported `token_type` value')
    expect(await application.exchange(here, oauth.ClientSecretPost(here.secret))).toMatchObject({ token_type: 'n_a' })
  })
})

describe('a refusal', () => {
  it('of the exchange is a ResponseBodyError with code and sentence', async () => {
    const { idp: here } = world.clients.assistant
    const unknown = application.exchange(here, oauth.ClientSecretPost(here.secret), {
      audience: 'https://nobody.example',
    })
    await expect(unknown).rejects.toMatchObject({
      code: oauth.RESPONSE_BODY_ERROR,
      status: 400,
      error: 'invalid_target',
      error_description: 'audience: unknown, or not connected for this client',
    })
  })

  it('of a second redemption is invalid_grant', async () => {
    const { idp: here, resourceAs: there } = world.clients.assistant
    const { access_token: idJag } = await application.exchange(here, oauth.ClientSecretBasic(here.secret))
    expect(await application.redeem(there, oauth.ClientSecretBasic(there.secret), idJag)).toMatchObject({
      token_type: 'bearer',
    })
    await expect(application.redeem(there, oauth.ClientSecretBasic(there.secret), idJag)).rejects.toMatchObject({
      code: oauth.RESPONSE_BODY_ERROR,
      status: 400,
      error: 'invalid_grant',
    })
  })

  it('of client authentication is a challenge after Basic, and a body after a secret in the form', async () => {
    const { idp: here } = world.clients.assistant
    const afterBasic = application.exchange(here, oauth.ClientSecretBasic('not-the-secret'))
    await expect(afterBasic).rejects.toMatchObject({
      code: oauth.WWW_AUTHENTICATE_CHALLENGE,
      status: 401,
      cause: [{ scheme: 'basic', parameters: { realm: 'token endpoint' } }],
    })
    const { response } = (await afterBasic.catch((error: unknown) => error)) as oauth.WWWAuthenticateChallengeError
    expect(await response.json()).toMatchObject({ error: 'invalid_client' })
    await expect(application.exchange(here, oauth.ClientSecretPost('not-the-secret'))).rejects.toMatchObject({
      code: oauth.RESPONSE_BODY_ERROR,
      status: 401,
      error: 'invalid_client',
    })
  })

  it('of a method the client was not registered for is invalid_client, and its own method works', async () => {
    const { idp: here } = world.clients.notebook
    const subject = { subject_token: await world.mintIdToken({ user: 'alice', client: 'notebook' }) }
    await expect(application.exchange(here, oauth.ClientSecretPost(here.secret), subject)).rejects.toMatchObject({
      error: 'invalid_client',
    })
    const granted = await application.exchange(here, oauth.ClientSecretBasic(here.secret), subject)
    expect(granted).toMatchObject({ scope: 'chat.read' })
  })
})

describe('a client authentication that neither grant takes', () => {
  // Confidential clients alone, and none that shares its key with the server (D-08).
  const unlisted: { [method: string]: (client: Credentials) => oauth.ClientAuth } = {
    none: () => oauth.None(),
    client_secret_jwt: ({ secret }) => oauth.ClientSecretJwt(secret),
    tls_client_auth: () => oauth.TlsClientAuth(),
  }
  it.each(Object.entries(unlisted))('is refused at both: %s', async (method, authentication) => {
    const { idp: here, resourceAs: there } = world.clients.assistant
    // The chat lists `none` for its other grants (RFC 8414 has one list for all of them).
    const managedOnly = await discover(world.resourceAs.files.issuer, 'oauth2')
    for (const { token_endpoint_auth_methods_supported: listed } of [application.idp, managedOnly])
      expect(listed).not.toContain(method)
    await expect(application.exchange(here, authentication(here))).rejects.toMatchObject({ error: 'invalid_client' })
    const { access_token: idJag } = await application.exchange(here, oauth.ClientSecretBasic(here.secret))
    const redeem = application.redeem(there, authentication(there), idJag)
    await expect(redeem).rejects.toMatchObject({ error: 'invalid_client' })
    expect(await application.redeem(there, oauth.ClientSecretBasic(there.secret), idJag)).toMatchObject({
      token_type: 'bearer',
    })
  })
})

describe('the challenge of the resource', () => {
  const call = (token: string, method: string, body?: string) =>
    oauth.protectedResourceRequest(
      token,
      method,
      new URL(world.resources.mcp),
      new Headers({ 'content-type': 'application/json', accept: 'application/json, text/event-stream' }),
      body,
      onLoopback,
    )

  it('is parsed: a bad token is told where to find a good one', async () => {
    await expect(call('not-a-token', 'GET')).rejects.toMatchObject({
      code: oauth.WWW_AUTHENTICATE_CHALLENGE,
      status: 401,
      cause: [
        {
          scheme: 'bearer',
          parameters: { error: 'invalid_token', resource_metadata: expect.stringContaining('/.well-known/') },
        },
        { scheme: 'dpop' },
      ],
    })
  })

  it('names the scope that a tool lacks', async () => {
    const { idp: here, resourceAs: there } = world.clients.assistant
    const post = JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name: 'post_message', arguments: { text: 'hello' } },
    })
    const tokenFor = async (scope: string) => {
      const { access_token: idJag } = await application.exchange(here, oauth.ClientSecretBasic(here.secret), { scope })
      return (await application.redeem(there, oauth.ClientSecretBasic(there.secret), idJag)).access_token
    }
    await expect(call(await tokenFor('chat.read'), 'POST', post)).rejects.toMatchObject({
      status: 403,
      cause: [{ scheme: 'bearer', parameters: { error: 'insufficient_scope', scope: 'chat.write' } }],
    })
    expect(await call(await tokenFor('chat.read chat.write'), 'POST', post)).toMatchObject({ status: 200 })
  })
})
