/** What the servers publish: metadata, keys, and the page in place of a sign-in. */

import Fastify from 'fastify'
import { beforeEach, describe, expect, it } from 'vitest'
import { idpPlugin } from '../../src/http/idp-plugin.ts'
import { resourceAsPlugin } from '../../src/http/resource-as-plugin.ts'
import { metadataAddresses } from '../../src/protocol/issuer-keys.ts'
import {
  identityProviderMetadata,
  protectedResourceMetadata,
  resourceAuthorizationServerMetadata,
} from '../../src/protocol/metadata.ts'
import { grantType, idJagGrantProfile, tokenType } from '../../src/protocol/names.ts'
import { acme, beta, chat, files } from '../fixture/addresses.ts'
import { basic } from '../fixture/clients.ts'
import { type Enterprise, enterprise } from '../fixture/enterprise.ts'
import { listening, rawRequest } from '../fixture/raw-request.ts'
import { send } from '../fixture/requests.ts'

let world: Enterprise
beforeEach(async () => {
  world = await enterprise()
})

const wellKnown = '/.well-known/oauth-authorization-server'
const document = async (which: 'idp' | 'chat', url = wellKnown) => (await world[which].app.inject(url)).json()

describe('metadata', () => {
  it.each([
    ['idp', acme, 'code'],
    ['chat', chat, 'none'],
  ] as const)(
    '[META-10] [T-17] of %s is what clients need, at the address they try first',
    async (which, issuer, type) => {
      const answer = await world[which].app.inject(wellKnown)
      expect(answer.statusCode).toBe(200)
      expect(answer.headers['content-type']).toMatch(/^application\/json\b/)
      expect(answer.headers['access-control-allow-origin']).toBe('*')
      expect(answer.json()).toMatchObject({
        issuer,
        token_endpoint: `${issuer}/token`,
        jwks_uri: `${issuer}/jwks`,
        authorization_endpoint: `${issuer}/authorize`,
        response_types_supported: [type],
        code_challenge_methods_supported: ['S256'],
        token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'private_key_jwt'],
        token_endpoint_auth_signing_alg_values_supported: expect.arrayContaining(['ES256', 'RS256']),
        dpop_signing_alg_values_supported: ['ES256', 'RS256', 'PS256', 'EdDSA'],
      })
      const { response_types_supported: _, ...rest } = answer.json()
      expect(JSON.stringify(rest)).not.toMatch(/none|HS256/)
    },
  )

  it('[META-01] [VER-10] of the identity provider names the exchange and what it makes', async () => {
    expect(await document('idp')).toMatchObject({
      grant_types_supported: [grantType.tokenExchange],
      identity_chaining_requested_token_types_supported: [tokenType.idJag],
    })
  })

  it('[T86] [META-02] [META-03] [META-04] [EMA-06] of the resource authorization server names the profile and its grant', async () => {
    expect(await document('chat')).toMatchObject({
      grant_types_supported: [grantType.jwtBearer, grantType.jwtDpop],
      authorization_grant_profiles_supported: [idJagGrantProfile],
      scopes_supported: ['chat.read', 'chat.write', 'search.read'],
    })
  })

  it('of a host that takes no proofs promises none', () => {
    const addresses = {
      issuer: acme,
      tokenEndpoint: `${acme}/t`,
      jwksUri: `${acme}/j`,
      authorizationEndpoint: `${acme}/a`,
    }
    for (const metadata of [
      identityProviderMetadata(addresses),
      resourceAuthorizationServerMetadata(addresses, []),
      protectedResourceMetadata({ resource: chat, authorizationServer: acme, scopes: [] }),
    ])
      expect(JSON.stringify(metadata)).not.toContain('dpop')
  })

  it('[T86] [META-05] says nothing of whom a server trusts or knows', async () => {
    const text = JSON.stringify([await document('idp'), await document('chat')])
    for (const name of [beta, files, 'wiki', 'alice']) expect(text).not.toContain(name)
    expect(JSON.stringify(await document('chat'))).not.toContain(acme)
    expect(JSON.stringify(await document('idp'))).not.toContain(chat)
  })

  it('may be asked for by a page in a browser', async () => {
    const headers = { origin: 'https://x.example', 'access-control-request-method': 'GET' }
    const answer = await world.idp.app.inject({ method: 'OPTIONS', url: wellKnown, headers })
    expect(answer.statusCode).toBe(204)
    expect(answer.headers['access-control-allow-headers']).toContain('mcp-protocol-version')
    const typed = { ...headers, 'content-type': 'application/x-www-form-urlencoded' }
    const withBody = { method: 'OPTIONS', url: '/jwks', headers: typed, body: '' } as const
    expect((await world.idp.app.inject(withBody)).statusCode).toBe(204)
  })

  it('is nowhere else: an address that is not served is 404', async () => {
    for (const url of [
      `${wellKnown}/other`,
      '/.well-known/openid-configuration',
      '/.well-known/oauth-protected-resource',
    ])
      expect((await world.chat.app.inject(url)).statusCode).toBe(404)
  })

  it.each([
    'https://multi.example/tenant1',
    'https://multi.example/tenant1/',
    'https://multi.example/',
    'https://multi.example',
  ])('of %s stands where that issuer is looked for, and its endpoints are where it says', async (issuer) => {
    const app = Fastify()
    await app.register(resourceAsPlugin, {
      resourceAuthorizationServer: { ...world.chat.server, issuer },
      signingKeys: world.chat.keys,
      findClient: async () => undefined,
      ports: world.ports,
    })
    const [first] = metadataAddresses(issuer)
    const answer = await app.inject(first ?? '')
    expect(answer.json()).toMatchObject({ issuer })
    const { token_endpoint, jwks_uri, authorization_endpoint } = answer.json() as Record<string, string>
    expect(new URL(token_endpoint ?? '').pathname).not.toContain('//')
    expect((await app.inject(jwks_uri ?? '')).statusCode).toBe(200)
    expect((await app.inject(authorization_endpoint ?? '')).statusCode).toBe(400)
    const post = { method: 'POST', url: token_endpoint ?? '', headers: { 'content-type': 'text/plain' } } as const
    expect((await app.inject(post)).statusCode).toBe(415)
  })
})

describe('keys', () => {
  it.each(['idp', 'chat'] as const)('of %s have a kid, a use and an alg, and nothing private', async (which) => {
    const answer = await world[which].app.inject('/jwks')
    const { keys } = answer.json() as { keys: Record<string, unknown>[] }
    expect(keys.length).toBeGreaterThan(0)
    for (const key of keys) {
      expect(key).toMatchObject({ kid: expect.any(String), use: 'sig', alg: expect.any(String) })
      for (const member of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k']) expect(key).not.toHaveProperty(member)
    }
  })
})

describe('the authorization endpoint', () => {
  it.each(['idp', 'chat'] as const)(
    'of %s is a page that says there is no sign-in, and redirects nowhere',
    async (which) => {
      const answer = await world[which].app.inject('/authorize?redirect_uri=https://evil.example&client_id=x')
      expect(answer.statusCode).toBe(400)
      expect(answer.headers['content-type']).toBe('text/html; charset=utf-8')
      expect(answer.headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' })
      expect(answer.headers['content-security-policy']).toContain("default-src 'none'")
      expect(answer.headers).not.toHaveProperty('location')
      expect(answer.payload).toContain('unsupported_response_type')
      expect(answer.payload).not.toContain('evil')
    },
  )
})

describe('an identity provider with a sign-in of its own', () => {
  const openid = {
    metadata: {
      issuer: acme,
      authorization_endpoint: `${acme}/auth`,
      token_endpoint: `${acme}/elsewhere`,
      jwks_uri: `${acme}/elsewhere`,
      grant_types_supported: ['authorization_code'],
      subject_types_supported: ['public'],
    },
    otherGrants: async (_request: unknown, _reply: unknown, body: string) => ({ other: body }),
  }
  const app = async () => {
    const server = Fastify()
    const { provider, clients } = world.idp
    const findClient = async (id: string) => clients.entries.get(id)
    await server.register(idpPlugin, { identityProvider: provider, findClient, ports: world.ports, openid })
    return server
  }

  it('has one document for both, at both addresses', async () => {
    const server = await app()
    const oauth = (await server.inject(wellKnown)).json()
    expect((await server.inject('/.well-known/openid-configuration')).json()).toEqual(oauth)
    expect(oauth).toMatchObject({
      authorization_endpoint: `${acme}/auth`,
      token_endpoint: `${acme}/token`,
      jwks_uri: `${acme}/jwks`,
      grant_types_supported: ['authorization_code', grantType.tokenExchange],
      subject_types_supported: ['public'],
    })
    expect((await server.inject('/authorize')).statusCode).toBe(404)
  })

  it('answers the other grants at the same address, and the exchange itself', async () => {
    const server = await app()
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const ask = async (payload: string) => await server.inject({ method: 'POST', url: '/token', headers, payload })
    expect((await ask('grant_type=authorization_code&code=a')).json()).toEqual({
      other: 'grant_type=authorization_code&code=a',
    })
    const ours = encodeURIComponent(grantType.tokenExchange)
    expect((await ask(`grant_type=${ours}`)).json()).toMatchObject({ error: 'invalid_client' })
    expect((await ask(`grant_type=refresh_token&grant_type=${ours}`)).json()).toMatchObject({
      error: 'invalid_request',
    })
  })

  it('[ATK-006] refuses what neither of the two grants serves itself, and writes it down', async () => {
    const server = await app()
    const call = (grant_type: string | undefined) => ({ form: { grant_type }, ...basic(world.idp.clients.basic) })
    const errorOf = async (grant_type: string | undefined) => (await send(server, call(grant_type))).json().error
    expect(await errorOf(grantType.jwtBearer)).toBe('unsupported_grant_type')
    expect(await errorOf('__proto__')).toBe('unsupported_grant_type')
    expect(await errorOf('')).toBe('invalid_request')
    expect(await errorOf(undefined)).toBe('invalid_request')
    expect(world.audit.map(({ reason }) => reason)).toEqual([
      'grant_not_enabled',
      'grant_not_enabled',
      'missing_parameter',
      'missing_parameter',
    ])
    expect((await send(server, call('authorization_code'))).json()).toEqual({ other: 'grant_type=authorization_code' })
  })

  it('[ATK-070] hands nothing on that has two Authorization headers', async () => {
    const server = await app()
    const port = await listening(server)
    const body = 'grant_type=authorization_code'
    const ask = async (lines: readonly string[]) => {
      const form = ['Content-Type: application/x-www-form-urlencoded', `Content-Length: ${body.length}`]
      return await rawRequest(port, ['POST /token HTTP/1.1', 'Host: a', ...form, ...lines], body)
    }
    const refused = await ask(['Authorization: Basic YTpi', 'Authorization: Basic YTpi'])
    const handedOn = await ask(['Authorization: Basic YTpi'])
    await server.close()
    expect([refused.status, JSON.parse(refused.body).error]).toEqual([400, 'invalid_request'])
    expect(handedOn.status).toBe(200)
  })
})
