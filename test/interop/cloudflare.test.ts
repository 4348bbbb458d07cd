/** Cloudflare's workers-oauth-provider, unmodified, as somebody else's server: it trusts our identity provider, and our client gets in. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { clientSecretBasic, clientSecretPost, privateKeyJwt } from '../../src/client/client-authentication.ts'
import { grantType } from '../../src/protocol/names.ts'
import { privateJwk } from '../fixture/keys.ts'
import { type AcmeAndNotes, acmeAndNotes, notes } from './cloudflare/acme-and-notes.ts'
import { vendorIssuer } from './cloudflare/vendor.ts'
import { runsIn } from './rows.ts'

runsIn(import.meta.url, '@cloudflare/workers-oauth-provider')

let world: AcmeAndNotes
beforeEach(async () => {
  world = await acmeAndNotes()
})
afterEach(() => world.close())

describe('the whole flow', () => {
  it.each([
    ['client_secret_basic', clientSecretBasic],
    ['client_secret_post', clientSecretPost],
  ] as const)(
    'our client knows only the address of the API, and gets in with %s [OTH-01]',
    async (method, authentication) => {
      const { id, secret } = world.vendor.clients[method]
      world.idp.connections.splice(0, Number.POSITIVE_INFINITY, { ...world.connection, clientThere: id })
      const answer = await world.client(authentication(id, secret)).fetch(notes)
      expect([answer.status, await answer.json()]).toEqual([
        200,
        expect.objectContaining({
          audience: notes,
          scope: ['notes.read', 'notes.write'],
          userId: 'at-notes-alice',
          clientId: id,
        }),
      ])
    },
  )

  it('its access tokens hold colons, which RFC 6750 §2.1 does not know and our client takes', async () => {
    expect((await world.client().token(notes)).token).toMatch(/^at-notes-alice:[^:]+:[^:]+$/)
  })

  it('gives no more than the connection of our identity provider', async () => {
    expect((await world.client().token(notes)).scopes).toEqual(['notes.read', 'notes.write'])
    const less = { ...world.connection, scopes: [{ name: 'notes.read' }] }
    world.idp.connections.splice(0, Number.POSITIVE_INFINITY, less)
    expect((await world.client().token(notes)).scopes).toEqual(['notes.read'])
  })

  it('ends at our identity provider when the company has not connected the vendor', async () => {
    world.idp.connections.length = 0
    await expect(world.client().fetch(notes)).rejects.toMatchObject({
      step: 'exchange',
      stop: 'server',
      code: 'invalid_target',
    })
    expect(world.vendor.reasons).toEqual([])
  })

  it('its refusal reaches the caller with its code', async () => {
    const { id } = world.vendor.clients.client_secret_basic
    await expect(world.client(clientSecretBasic(id, 'not-the-secret')).fetch(notes)).rejects.toMatchObject({
      step: 'redemption',
      stop: 'server',
      server: vendorIssuer,
      code: 'invalid_client',
    })
  })
})

describe('its metadata', () => {
  it('names the ID-JAG profile and no method with a key', async () => {
    const url = `${vendorIssuer}/.well-known/oauth-authorization-server`
    expect(await (await world.vendor.fetch(new Request(url))).json()).toMatchObject({
      issuer: vendorIssuer,
      grant_types_supported: expect.arrayContaining([grantType.jwtBearer]),
      authorization_grant_profiles_supported: ['urn:ietf:params:oauth:grant-profile:id-jag'],
      token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'none'],
    })
  })

  it('says the truth: a registered client with a private_key_jwt is refused, and with its secret let in', async () => {
    const { id } = world.vendor.clients.client_secret_basic
    const signing = privateKeyJwt(id, await privateJwk('notes-client'))
    await expect(world.client(signing).fetch(notes)).rejects.toMatchObject({
      step: 'redemption',
      code: 'invalid_client',
    })
    expect((await world.client().fetch(notes)).status).toBe(200)
  })
})
