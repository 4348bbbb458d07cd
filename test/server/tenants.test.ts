/** Tenants in a deployment: two of one identity provider and a customer with a provider of their own, at one resource authorization server. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { documentFetch } from '../../src/outbound/document.ts'
import { issuerKeys } from '../../src/protocol/issuer-keys.ts'
import { guardOf } from '../../src/resource/guard.ts'
import { dangerouslyLocalOnly } from '../../src/resource/revocation.ts'
import { type IdentityProviderStub, identityProviderStub } from '../faults/rig/identity-provider.ts'
import { testPorts } from '../fixture/ports.ts'
import { claimsOf } from '../fixture/tokens.ts'
import { type Deployment, deploy } from './deployment.ts'
import { environment } from './example.ts'

const resource = 'https://api.chat.example/mcp'
const soon = { timeout: 20_000, interval: 50 }
const atTwo: [string, string] = ['assistant-at-two', environment.CHAT_SECRET]
const segment = encodeURIComponent

let own: IdentityProviderStub
let world: Deployment
beforeAll(async () => {
  own = await identityProviderStub()
  world = await deploy(1, {
    idp: ({ subjectIssuers: [login], connections: [connection], ...idp }) => ({
      ...idp,
      subjectIssuers: [{ ...(login as object), tenant: { claim: 'org' } }],
      connections: [
        { ...(connection as object), tenant: 't1', audTenant: 'one' },
        {
          ...(connection as object),
          tenant: 't2',
          audTenant: 'two',
          clientId: 'assistant-at-two',
          audSubClaim: 'chat_id',
        },
      ],
    }),
    resourceAs: ({ clients: [client], trustedIssuers: [trusted], ...server }) => ({
      ...server,
      clients: [client, { ...(client as object), id: 'assistant-at-two', authMethods: ['client_secret_basic'] }],
      trustedIssuers: [
        { ...(trusted as object), tenants: ['t1'], audTenant: 'one' },
        { ...(trusted as object), tenants: ['t2'], audTenant: 'two', clients: ['assistant-at-two'], audSub: true },
        {
          issuer: own.issuer,
          jwksUri: own.jwksUri,
          audTenant: 'three',
          clients: ['assistant-at-chat'],
          unknownUsers: 'create',
        },
      ],
      accounts: [
        {
          id: 'one-alice',
          audTenant: 'one',
          links: [{ issuer: 'https://id.acme.example', tenant: 't1', sub: 'alice' }],
        },
        { id: 'two-4711', audTenant: 'two' },
      ],
    }),
  })
})
afterAll(async () => {
  await world.close()
  await own.close()
})

const exchanged = async (org: string | undefined, claims: object = {}) =>
  await world.exchange(0, await world.idToken({ ...(org === undefined ? {} : { org }), ...claims }))
const idJag = async (org: string) =>
  String((await exchanged(org, org === 't2' ? { chat_id: 'two-4711' } : {})).body.access_token)
const token = async (org: string) => {
  const { body } = await world.redeem(0, await idJag(org), org === 't2' ? atTwo : undefined)
  return String(body.access_token)
}
const minted = async () =>
  (
    await own.mint({
      audience: world.chat,
      client: 'assistant-at-chat',
      subject: 'alice',
      scope: 'chat.read',
      resource,
      issuedAt: Math.floor(Date.now() / 1000),
    })
  ).token

describe('an identity provider with tenants', () => {
  it('[TEN-01] [TEN-02] [TEN-04] [TEN-05] [TEN-06] [TEN-07] [D-04] says whose person it is, the tenant there, and the client there', async () => {
    const [one, two] = [claimsOf(await idJag('t1')), claimsOf(await idJag('t2'))]
    expect([one.sub, two.sub]).toEqual(['alice', 'alice'])
    expect(one).toMatchObject({ tenant: 't1', aud_tenant: 'one', client_id: 'assistant-at-chat' })
    expect(one).not.toHaveProperty('aud_sub')
    expect(two).toMatchObject({ tenant: 't2', aud_tenant: 'two', aud_sub: 'two-4711', client_id: 'assistant-at-two' })
  })

  it.each([
    ['a tenant without a connection', 't9', 'invalid_target'],
    ['no tenant', undefined, 'invalid_grant'],
  ])('[TEN-06] gives nothing to people of %s', async (_, org, error) => {
    expect((await exchanged(org)).body).toMatchObject({ error })
    expect((await exchanged('t1')).status).toBe(200)
  })
})

describe('a resource authorization server with tenants', () => {
  it('[TEN-03] [TEN-08] [T-19] [T77] has another account for the same sub in each, and says so wherever it speaks of the token', async () => {
    const [one, two] = [await token('t1'), await token('t2')]
    const three = String((await world.redeem(0, await minted())).body.access_token)
    const seen = await Promise.all([one, two, three].map(async (shown) => (await world.introspect(0, shown)).body))
    expect(seen).toMatchObject([
      { active: true, sub: 'one-alice', tenant: 'one' },
      { active: true, sub: 'two-4711', tenant: 'two' },
      { active: true, sub: expect.stringMatching(/^person-/), tenant: 'three' },
    ])
  })

  it('[TEN-08] takes the token of one tenant from no client of another', async () => {
    expect((await world.redeem(0, await idJag('t1'), atTwo)).body.error).toBe('invalid_grant')
    expect((await world.redeem(0, await idJag('t2'))).body.error).toBe('invalid_grant')
  })

  it('[TEN-08] lets a guard of one tenant in with its tokens alone', async () => {
    const { ports } = testPorts()
    const now = () => Date.now() / 1000
    const fetchDocument = documentFetch({ allowLoopback: true, allowAddresses: [] })
    const guard = guardOf(
      {
        ...{ resource, authorizationServer: world.chat, scopes: ['chat.read'], algorithms: ['ES256'], tenant: 'one' },
        keys: issuerKeys({ issuer: world.chat, fetchDocument, now, warn: () => {} }),
        ...{ skew: 30, maxLifetime: 3600, revocation: dangerouslyLocalOnly },
      },
      { ...ports, now },
    )
    const authenticate = async (shown: string) =>
      await guard.authenticate({ authorization: [`Bearer ${shown}`], correlationId: 'c' })
    expect(await authenticate(await token('t1'))).toMatchObject({ account: 'one-alice', tenant: 'one' })
    await expect(authenticate(await token('t2'))).rejects.toMatchObject({ status: 401, reason: 'tenant_mismatch' })
  })

  it('stops one tenant and leaves the others alone, tokens and all', async () => {
    const [one, two] = [await token('t1'), await token('t2')]
    const unused = [await idJag('t1'), await idJag('t2')]
    await world.administer('block', { tenant: 'one' })
    await expect.poll(async () => (await world.introspect(0, one)).body, soon).toEqual({ active: false })
    expect((await world.redeem(0, String(unused[0]))).body.error).toBe('access_denied')
    expect((await world.redeem(0, String(unused[1]), atTwo)).status).toBe(200)
    expect((await world.introspect(0, two)).body.active).toBe(true)
    await world.administer('unblock', { tenant: 'one' })
    await expect.poll(async () => (await world.redeem(0, await idJag('t1'))).status, soon).toBe(200)
  })

  it('gets a customer, and loses them again, while it runs', async () => {
    const path = `/trusted-issuers/resourceAs/${segment(own.issuer)}/four`
    const body = { clients: ['assistant-at-chat'], jwksUri: own.jwksUri, unknownUsers: 'create' }
    const made = await world.admin(0, 'PUT', path, { body, headers: { 'if-none-match': '*' } })
    expect(made).toMatchObject({ status: 201, body: { issuer: own.issuer, audTenant: 'four', enabled: true } })
    // Now the issuer speaks for two, and a token must say for which.
    expect((await world.redeem(0, await minted())).body.error).toBe('invalid_grant')
    expect(JSON.parse(world.audit.at(-1) ?? '{}')).toMatchObject({ reason: 'tenant_mismatch', issuer: own.issuer })
    const { body: refused } = await world.admin(0, 'PUT', `${path}-more`, {
      body: { ...body, tenants: ['t1'] },
      headers: { 'if-none-match': '*' },
    })
    expect(JSON.stringify(refused)).toContain('names tenants of an issuer that has none')
    const seen = { 'if-match': String(made.headers.get('etag')) }
    expect(await world.admin(0, 'DELETE', path, { headers: seen })).toMatchObject({ status: 200 })
    expect((await world.redeem(0, await minted())).status).toBe(200)
  })
})
