/** ID Tokens of other people's providers as subject tokens: those of a running oidc-provider, and the shapes of two others. */

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, type JWK, type JWTHeaderParameters, SignJWT } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { documentFetch } from '../../src/outbound/document.ts'
import { issuerKeys } from '../../src/protocol/issuer-keys.ts'
import { defaultAlgorithms } from '../../src/protocol/keys.ts'
import { type Enterprise, enterprise, exchange } from '../fixture/enterprise.ts'
import { claimsOf, headerOf } from '../fixture/tokens.ts'
import { type ForeignProvider, foreignProvider } from './foreign-provider.ts'
import { runsIn } from './rows.ts'

runsIn(import.meta.url, 'oidc-provider', 'openid-client')

const fetchDocument = documentFetch({ allowLoopback: true, allowAddresses: [] })
const warnings: string[] = []
let world: Enterprise

/** Lets the identity provider take ID Tokens of one more issuer, whose `sub` it knows as one of its own people. */
function trust(issuer: string, clientThere: string, people: { [foreignSub: string]: string }): void {
  world.idp.issuers.set(issuer, {
    issuer,
    enabled: true,
    keys: issuerKeys({
      issuer,
      fetchDocument,
      now: world.ports.now,
      warn: (message) => warnings.push(message),
    }),
    algorithms: defaultAlgorithms,
    clientIdOf: () => clientThere,
    findUser: async ({ sub }) => world.idp.users.get(people[sub] ?? ''),
  })
}

beforeEach(async () => {
  world = await enterprise()
  world.clock.now = Date.now() / 1000
  warnings.length = 0
})

describe('a running oidc-provider as the foreign issuer', () => {
  let foreign: ForeignProvider
  beforeAll(async () => {
    foreign = await foreignProvider()
  })
  afterAll(() => foreign.close())

  it.each(['ES256', 'RS256'] as const)('an ID Token of its sign-in, signed with %s, becomes an ID-JAG', async (alg) => {
    trust(foreign.issuer, foreign.clients[alg], { 'alice-at-the-foreign-provider': 'alice' })
    const token = await foreign.signIn(foreign.clients[alg])
    expect(headerOf(token)).toEqual({ alg, kid: expect.any(String) })
    const answer = await exchange(world, { token })
    expect(answer.json()).toMatchObject({ token_type: 'N_A', expires_in: 300, scope: 'chat.read' })
    const idJag = claimsOf(answer.json<{ access_token: string }>().access_token)
    expect(idJag).toMatchObject({ iss: 'https://idp.acme.example', sub: 'alice', email: 'alice@acme.example' })
    expect(idJag).not.toHaveProperty('nonce')
  })

  it('its keys are found by discovery once, and serve many exchanges', async () => {
    trust(foreign.issuer, foreign.clients.ES256, { 'alice-at-the-foreign-provider': 'alice' })
    const token = await foreign.signIn(foreign.clients.ES256)
    foreign.asked.length = 0
    const answers = await Promise.all([1, 2, 3].map(() => exchange(world, { token })))
    answers.push(await exchange(world, { token }))
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 200, 200, 200])
    expect(foreign.asked).toEqual(['/.well-known/oauth-authorization-server', '/jwks'])
  })

  it('an ID Token for another of its clients is refused, and so is one of a person nobody knows', async () => {
    trust(foreign.issuer, foreign.clients.ES256, { 'alice-at-the-foreign-provider': 'alice' })
    const forAnother = await exchange(world, { token: await foreign.signIn(foreign.clients.RS256) })
    expect([forAnother.statusCode, forAnother.json()]).toEqual([
      400,
      {
        error: 'invalid_grant',
        error_description: "subject_token: unexpected 'aud' claim value: it was issued to another client",
      },
    ])
    trust(foreign.issuer, foreign.clients.ES256, {})
    const ofNobody = await exchange(world, { token: await foreign.signIn(foreign.clients.ES256) })
    expect([ofNobody.statusCode, ofNobody.json()]).toEqual([
      400,
      { error: 'invalid_grant', error_description: 'subject_token: its user is not known' },
    ])
    expect(warnings).toEqual([])
  })

  it('the same ID Token is refused while its issuer is not configured', async () => {
    const token = await foreign.signIn(foreign.clients.ES256)
    const refused = await exchange(world, { token })
    expect(refused.json()).toMatchObject({ error: 'invalid_grant' })
    trust(foreign.issuer, foreign.clients.ES256, { 'alice-at-the-foreign-provider': 'alice' })
    expect((await exchange(world, { token })).statusCode).toBe(200)
  })
})

describe('the ID Tokens of two other providers', () => {
  const served = new Map<string, unknown>()
  const server = createServer((request, response) => {
    const document = served.get(request.url ?? '')
    response.writeHead(document === undefined ? 404 : 200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(document ?? {}))
  })
  let issuer = ''
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    served.set('/.well-known/openid-configuration', { issuer, jwks_uri: `${issuer}/keys` })
  })
  afterAll(() => new Promise((resolve) => server.close(resolve)))

  /** Publishes one new key, and gives a function that signs with it. */
  async function publish(alg: 'ES256' | 'RS256', members: JWK) {
    const { publicKey, privateKey } = await generateKeyPair(alg)
    served.set('/keys', { keys: [{ ...(await exportJWK(publicKey)), ...members }] })
    return (header: Omit<JWTHeaderParameters, 'alg'>, claims: { [name: string]: unknown }) =>
      new SignJWT(claims).setProtectedHeader({ ...header, alg }).sign(privateKey)
  }

  it('LemonLDAP::NG: RS256, typ JWT, aud an array of one beside azp', async () => {
    const sign = await publish('RS256', { kid: 'oidc-key-1', use: 'sig' })
    trust(issuer, 'wiki', { dwho: 'bob' })
    const iat = Math.floor(world.clock.now)
    const claims = {
      iss: issuer,
      sub: 'dwho',
      aud: ['wiki'],
      azp: 'wiki',
      iat,
      exp: iat + 3600,
      auth_time: iat - 60,
      acr: 'loa-2',
      at_hash: 'X2hnFCiHcNEBlBRMmHDDVA',
      nonce: 'a-nonce',
      sid: 'dGhlLXNlc3Npb24',
    }
    const header = { typ: 'JWT', kid: 'oidc-key-1' }
    const answer = await exchange(world, { token: await sign(header, claims) })
    const idJag = claimsOf(answer.json<{ access_token: string }>().access_token)
    expect(idJag).toMatchObject({ sub: 'bob', auth_time: iat - 60, acr: 'loa-2' })
    const foreignAzp = await exchange(world, { token: await sign(header, { ...claims, azp: 'mail' }) })
    expect(foreignAzp.json()).toEqual({
      error: 'invalid_grant',
      error_description: "subject_token: unexpected 'azp' claim value: it was issued to another client",
    })
  })

  it('the MCP conformance suite: ES256 without kid, typ and jti', async () => {
    const sign = await publish('ES256', {})
    trust(issuer, 'wiki', { 'demo-user': 'alice' })
    const iat = Math.floor(world.clock.now)
    const claims = { iss: issuer, sub: 'demo-user', aud: 'wiki', iat, exp: iat + 3600 }
    const token = await sign({}, claims)
    expect(headerOf(token)).toEqual({ alg: 'ES256' })
    const answer = await exchange(world, { token })
    expect(claimsOf(answer.json<{ access_token: string }>().access_token)).toMatchObject({ sub: 'alice' })
    const anIdJag = await exchange(world, { token: await sign({ typ: 'oauth-id-jag+jwt' }, claims) })
    expect(anIdJag.json()).toEqual({
      error: 'invalid_grant',
      error_description: 'subject_token: is another kind of token than its subject_token_type says',
    })
  })
})
