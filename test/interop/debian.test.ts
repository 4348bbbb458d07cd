/** Debian's authlib and PyJWT, unmodified: both requests of an application, and verifiers of metadata and tokens. */

import { readFile } from 'node:fs/promises'
import type { JWK } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { grantType, tokenType } from '../../src/protocol/names.ts'
import type { Credentials } from '../../src/testing/clients.ts'
import { startWorld, type World } from '../../src/testing/world.ts'
import { claimsOf } from '../fixture/tokens.ts'
import { python, versionOnDebian12 } from './debian/programs.ts'
import { otherResource, type ServedVendor, servedVendor } from './debian/vendor.ts'
import { rows, runsIn } from './rows.ts'

runsIn(import.meta.url, 'python3-authlib', 'python3-jwt')

let world: World
let vendor: ServedVendor
beforeAll(async () => {
  world = await startWorld()
  vendor = await servedVendor()
})
afterAll(async () => {
  await vendor.close()
  await world.close()
})

type Method = 'client_secret_basic' | 'client_secret_post' | 'private_key_jwt'
type Answer = { [name: string]: string }

async function request(
  issuer: string,
  client: Credentials,
  method: Method,
  grant: string,
  parameters: { [name: string]: string },
): Promise<Answer> {
  const { keys } = JSON.parse(await readFile(client.jwkFile ?? '', 'utf8')) as { keys: [JWK] }
  const answer = await python('application', {
    clientId: client.id,
    clientSecret: method === 'private_key_jwt' ? keys[0] : client.secret,
    kid: keys[0].kid,
    audience: issuer,
    method,
    tokenEndpoint: `${issuer}/token`,
    grantType: grant,
    parameters,
  })
  return answer as Answer
}

async function exchange(method: Method, change: { [name: string]: string } = {}): Promise<Answer> {
  return await request(world.idp.issuer, world.clients.assistant.idp, method, grantType.tokenExchange, {
    requested_token_type: tokenType.idJag,
    audience: world.resourceAs.chat.issuer,
    resource: world.resources.mcp,
    scope: 'chat.read',
    subject_token: await world.mintIdToken({ user: 'alice', client: 'assistant' }),
    subject_token_type: tokenType.idToken,
    ...change,
  })
}

async function redeem(method: Method, assertion: string): Promise<Answer> {
  const { chat } = world.resourceAs
  return await request(chat.issuer, world.clients.assistant.resourceAs, method, grantType.jwtBearer, { assertion })
}

describe('authlib', () => {
  const documents: [string, 'oauth' | 'openid', () => string][] = [
    ['the authorization server metadata of the identity provider', 'oauth', () => world.idp.issuer],
    ['the OpenID metadata of the identity provider', 'openid', () => world.idp.issuer],
    ['the metadata of the authorization server of the resource', 'oauth', () => world.resourceAs.chat.issuer],
    ['the metadata of one that offers introspection and revocation', 'oauth', () => vendor.issuer],
  ]
  it.each(documents)('finds no fault in %s', async (_name, kind, issuer) => {
    const path = kind === 'oauth' ? 'oauth-authorization-server' : 'openid-configuration'
    const document = (await (await fetch(`${issuer()}/.well-known/${path}`)).json()) as { [name: string]: unknown }
    expect(await python('metadata', { kind, document })).toBeNull()
    const { token_endpoint: _, ...broken } = document
    expect(await python('metadata', { kind, document: broken })).toContain('token_endpoint')
  })

  it.each(['client_secret_basic', 'client_secret_post', 'private_key_jwt'] as const)(
    'exchanges and redeems with %s',
    async (method) => {
      const exchanged = await exchange(method)
      expect(exchanged).toMatchObject({ issued_token_type: tokenType.idJag, token_type: 'N_A', scope: 'chat.read' })
      const redeemed = await redeem(method, exchanged.access_token ?? '')
      expect(redeemed).toMatchObject({ token_type: 'Bearer', scope: 'chat.read' })
      expect(claimsOf(redeemed.access_token ?? '')).toMatchObject({ aud: world.resources.mcp })
      expect(await redeem(method, exchanged.access_token ?? '')).toEqual({
        refused: 'invalid_grant',
        description: 'assertion: was redeemed before',
      })
    },
  )

  it('is told of a refusal with code and sentence', async () => {
    expect(await exchange('client_secret_basic', { audience: 'https://nobody.example' })).toEqual({
      refused: 'invalid_target',
      description: 'audience: unknown, or not connected for this client',
    })
  })

  it.each(['client_secret_basic', 'client_secret_post'] as const)(
    '[IN-01] asks about a token with %s: it is active until its client revokes it',
    async (method) => {
      const token = await vendor.token()
      const { id, secret } = vendor.api
      const asked = { endpoint: `${vendor.issuer}/introspect`, id, secret, method, token }
      expect(await python('introspection', asked)).toMatchObject({
        status: 200,
        body: { active: true, sub: 'u-alice', aud: vendor.resource, scope: 'chat.read' },
      })
      await vendor.revoke(token)
      expect(await python('introspection', asked)).toEqual({ status: 200, body: { active: false } })
      expect(await python('introspection', { ...asked, secret: 'not-the-secret' })).toMatchObject({ status: 401 })
    },
  )
})

describe('PyJWT', () => {
  const verify = (token: string, change: { [name: string]: string } = {}) =>
    python('verifier', {
      token,
      keys: `${vendor.issuer}/jwks`,
      issuer: vendor.issuer,
      audience: vendor.resource,
      ...change,
    })

  it('verifies an access token by the published keys, and every claim of RFC 9068 is there', async () => {
    expect(await verify(await vendor.token())).toMatchObject({
      type: 'at+jwt',
      claims: { iss: vendor.issuer, aud: vendor.resource, sub: 'u-alice', scope: 'chat.read' },
    })
  })

  it('refuses one for another resource, of another issuer, too old, or changed', async () => {
    const token = await vendor.token()
    const elsewhere = await vendor.token({ resource: otherResource })
    expect(await verify(elsewhere)).toEqual({ refused: 'InvalidAudienceError' })
    expect(await verify(elsewhere, { audience: otherResource })).toMatchObject({ type: 'at+jwt' })
    expect(await verify(token, { issuer: 'https://as.files.example' })).toEqual({ refused: 'InvalidIssuerError' })
    expect(await verify(await vendor.token({ secondsAgo: 700 }))).toEqual({ refused: 'ExpiredSignatureError' })
    const [header, , signature] = token.split('.')
    const payload = Buffer.from(JSON.stringify({ ...claimsOf(token), sub: 'u-bob' })).toString('base64url')
    expect(await verify(`${header}.${payload}.${signature}`)).toEqual({ refused: 'InvalidSignatureError' })
    expect(await verify(token)).toMatchObject({ type: 'at+jwt' })
  })

  it('verifies an ID-JAG by the keys of the identity provider', async () => {
    const { access_token: idJag = '' } = await exchange('client_secret_basic')
    const { issuer } = world.idp
    const audience = world.resourceAs.chat.issuer
    expect(await verify(idJag, { keys: `${issuer}/jwks`, issuer, audience })).toMatchObject({
      type: 'oauth-id-jag+jwt',
      claims: { iss: issuer, aud: audience, resource: world.resources.mcp },
    })
  })
})

it.each(['python3-authlib', 'python3-jwt'])('the version of %s in the table is that of Debian 12', async (name) => {
  const { version } = rows.find(({ software }) => software === name) ?? {}
  // Another release of Debian has another version, of which the table says nothing.
  expect((await versionOnDebian12(name)) ?? version).toBe(version)
})
