/** What the client library sends to each counterpart with its profile, to servers that refuse what the counterpart refuses. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  clientSecretBasic,
  clientSecretPost,
  createCrossAppClient,
  type Fetch,
  privateKeyJwt,
  type ResourceServerOptions,
} from '../../src/client/client.ts'
import { clientAssertionType, grantType, tokenType } from '../../src/protocol/names.ts'
import type { ProfileName } from '../../src/protocol/profile-settings.ts'
import { type Bend, type BentAnswer, type Enterprise, enterprise, secret } from '../client/enterprise.ts'
import { privateJwk, publicJwk } from '../fixture/keys.ts'
import { claimsOf } from '../fixture/tokens.ts'
import { atChat, type Configured, chat, configured, id, idToken, mcp } from './configured.ts'

let world: Enterprise
beforeEach(async () => {
  world = await enterprise()
})
afterEach(() => world.close())

type Form = { [name: string]: string }

/** A counterpart that refuses a form, or answers in its own way. */
function counterpart(
  refusal: (form: Form) => string | undefined,
  answer: (members: object) => object = (all) => all,
): Bend {
  return (real: BentAnswer, { body }) => {
    const error = refusal(Object.fromEntries(new URLSearchParams(body)))
    if (error !== undefined) return { ...real, status: 400, body: JSON.stringify({ error }) }
    return { ...real, body: JSON.stringify(answer(JSON.parse(real.body))) }
  }
}

async function tokenWith(entry: Partial<ResourceServerOptions>, identityProvider: object = {}) {
  const options = await world.options()
  const client = clientSecretBasic('assistant-at-chat', secret)
  return await createCrossAppClient({
    ...options,
    identityProvider: { ...options.identityProvider, ...identityProvider },
    resourceServers: { [world.ras.origin]: { client, ...entry } },
  }).token(world.resource)
}

const formSentTo = (server: 'idp' | 'ras'): Form =>
  Object.fromEntries(new URLSearchParams(world[server].seen.findLast(({ path }) => path === '/token')?.body))

/** The redemption, whatever is narrowed. */
const grant = { grant_type: grantType.jwtBearer, assertion: expect.any(String) }

describe('a redemption', () => {
  const scopeRefused = counterpart(({ scope }) => (scope === undefined ? undefined : 'invalid_scope'))
  const scopeNeeded = counterpart(({ scope }) => (scope === undefined ? 'invalid_scope' : undefined))
  /** The members of Keycloak's answer, by its "JWT Authorization Grant" guide. */
  const keycloak = counterpart(
    ({ scope }) => (scope === undefined ? 'invalid_scope' : undefined),
    (all) => {
      const { resource: _, ...rest } = all as { resource?: string }
      return { ...rest, refresh_expires_in: 0, 'not-before-policy': 0 }
    },
  )

  it.each<{ profile: ProfileName; bend: Bend; sent: Form }>([
    { profile: 'okta', bend: scopeRefused, sent: {} },
    { profile: 'auth0', bend: counterpart(() => undefined), sent: { resource: 'the API' } },
    { profile: 'keycloak', bend: keycloak, sent: { scope: 'chat.read' } },
    { profile: 'cloudflare', bend: scopeNeeded, sent: { scope: 'chat.read', resource: 'the API' } },
  ])('at $profile has exactly what it takes [AUTH0-01] [KC-01] [T41]', async ({ profile, bend, sent }) => {
    world.ras.bend.set('/token', bend)
    expect(await tokenWith({ profile })).toMatchObject({ resource: world.resource, scopes: ['chat.read'] })
    const expected = sent.resource === undefined ? sent : { ...sent, resource: world.resource }
    expect(formSentTo('ras')).toEqual({ ...grant, ...expected })
  })

  it('has scope and resource without a profile, which Okta refuses and the others may need [T41]', async () => {
    world.ras.bend.set('/token', scopeRefused)
    await expect(tokenWith({})).rejects.toMatchObject({ step: 'redemption', stop: 'server', code: 'invalid_scope' })
    expect(formSentTo('ras')).toEqual({ ...grant, scope: 'chat.read', resource: world.resource })
    world.ras.bend.set('/token', scopeNeeded)
    await expect(tokenWith({ scopeOnRedemption: false })).rejects.toMatchObject({ code: 'invalid_scope' })
  })

  it('is as the entry says, whatever its profile would fill in', async () => {
    await tokenWith({ profile: 'okta', scopeOnRedemption: true })
    expect(formSentTo('ras')).toEqual({ ...grant, scope: 'chat.read' })
    await tokenWith({ resourceOnRedemption: false })
    expect(formSentTo('ras')).toEqual({ ...grant, scope: 'chat.read' })
  })
})

describe('an exchange at Okta', () => {
  /** By Okta's "Implement XAA token exchange": an answer without scope. */
  const oktaAnswer = counterpart(
    () => undefined,
    (all) => ({ ...all, scope: undefined }),
  )
  const signing = () => ({ client: privateKeyJwt('assistant', world.clientKey) })

  it('has an assertion for the token endpoint, always names the resource, and may be answered without scope [OKTA-03] [OKTA-04]', async () => {
    world.idp.bend.set('/token', oktaAnswer)
    // The identity provider of this test knows no entry that allows it, and refuses: what is sent is what counts.
    await expect(tokenWith({}, { ...signing(), profile: 'okta' })).rejects.toMatchObject({ code: 'invalid_client' })
    const { client_assertion: assertion = '', ...form } = formSentTo('idp')
    expect(form).toEqual({
      grant_type: grantType.tokenExchange,
      requested_token_type: tokenType.idJag,
      audience: world.ras.origin,
      resource: world.resource,
      scope: 'chat.read',
      subject_token: expect.any(String),
      subject_token_type: tokenType.idToken,
      client_id: 'assistant',
      client_assertion_type: clientAssertionType,
    })
    expect(claimsOf(assertion).aud).toBe(`${world.idp.origin}/token`)
    expect((await tokenWith({}, { profile: 'okta' })).scopes).toEqual(['chat.read'])
  })

  it('has an assertion for the issuer without the profile, and where privateKeyJwt was told so', async () => {
    await tokenWith({}, signing())
    expect(claimsOf(formSentTo('idp').client_assertion ?? '').aud).toBe(world.idp.origin)
    const told = privateKeyJwt('assistant', world.clientKey, { audience: 'issuer' })
    await tokenWith({}, { client: told, profile: 'okta' })
    expect(claimsOf(formSentTo('idp').client_assertion ?? '').aud).toBe(world.idp.origin)
  })

  it.each([400, 401, 403])('that is refused with %i keeps its code [OKTA-08] [T80]', async (status) => {
    world.idp.bend.set('/token', (real) => ({ ...real, status, body: JSON.stringify({ error: 'invalid_grant' }) }))
    await expect(tokenWith({}, { profile: 'okta' })).rejects.toMatchObject({ code: 'invalid_grant', status })
  })
})

describe('the whole flow with a key, at servers whose entries and at a client whose options name the same profile', () => {
  const key = 'assistant-key'
  /** The API's metadata, and the two servers, without a socket. */
  const fetchOf =
    (servers: Configured): Fetch =>
    async (input, init) => {
      const request = new Request(input, init)
      const { host, pathname } = new URL(request.url)
      if (host === new URL(mcp).host) {
        if (!pathname.startsWith('/.well-known/')) return new Response(null, { status: 401 })
        return Response.json({ resource: mcp, authorization_servers: [chat], scopes_supported: ['chat.read'] })
      }
      const app = host === new URL(id).host ? servers.idp : servers.chat
      const headers = Object.fromEntries(request.headers)
      const method = request.method as 'GET' | 'POST'
      const { statusCode, body } = await app.inject({ method, url: pathname, headers, payload: await request.text() })
      return new Response(body, { status: statusCode })
    }

  it.each<[string | undefined, unknown]>([
    ['okta', { resource: mcp, scopes: ['chat.read'] }],
    [undefined, { step: 'exchange', code: 'invalid_client' }],
  ])('the client follows okta and the identity provider %s', async (profile, outcome) => {
    const login = 'https://login.example.com/tenant/v2.0'
    const servers = await configured(
      {
        idpClient: { profile, authMethods: ['private_key_jwt'], secret: undefined, jwks: { file: 'keys.json' } },
        account: { links: [{ issuer: id, sub: 'alice' }] },
      },
      { 'keys.json': { keys: [await publicJwk(key)] } },
    )
    const kept = idToken(servers, await servers.publish(login), { iss: login, sub: 'alice' })
    const client = createCrossAppClient({
      identityProvider: { issuer: id, profile: 'okta', client: privateKeyJwt('assistant', await privateJwk(key)) },
      resourceServers: { [chat]: { client: clientSecretPost(atChat.id, atChat.secret), scopeOnRedemption: false } },
      subject: { idToken: () => kept },
      fetch: fetchOf(servers),
      now: servers.ports.now,
    })
    expect(await client.token(mcp).catch((error: unknown) => error)).toMatchObject(outcome as object)
  })
})

describe('the options', () => {
  const client = clientSecretPost('assistant', secret)
  const made = (identityProvider: object, issuer = 'https://as.vendor.example', entry: object = {}) =>
    createCrossAppClient({
      identityProvider: { issuer: 'https://acme.okta.com', client, ...identityProvider },
      resourceServers: { [issuer]: { client, ...entry } },
      subject: {},
    })

  it.each<[() => unknown, string]>([
    [
      () => made({ profile: 'entra' }),
      "identityProvider.profile is no profile for a client's identity provider: entra; entra is for a subject issuer, or an issuer at which people sign in; here there are okta",
    ],
    [
      () => made({ profile: 'okta', issuer: 'https://acme.okta.com/oauth2/default' }),
      'identityProvider: https://acme.okta.com/oauth2/default is not as okta writes it: it is the address of the org',
    ],
    [
      () => made({}, 'https://acme.eu.auth0.com', { profile: 'auth0' }),
      'resourceServers["https://acme.eu.auth0.com"]: https://acme.eu.auth0.com is not as auth0 writes it: it ends with a slash',
    ],
    [
      () => made({}, undefined, { profile: 'slack' }),
      'resourceServers["https://as.vendor.example"].profile is no profile for a client\'s resource server: slack; there are okta, auth0, keycloak, cloudflare',
    ],
  ])('with a profile that cannot be right are a TypeError', (make, words) => {
    expect(make).toThrow(TypeError)
    expect(make).toThrow(words)
  })

  it('with profiles that can be right are taken', () => {
    expect(() => made({ profile: 'okta' }, 'https://acme.eu.auth0.com/', { profile: 'auth0' })).not.toThrow()
    expect(() => made({}, 'https://acme.okta.com/oauth2/default', { profile: 'okta' })).not.toThrow()
  })
})
