/** The requests that clients document, and the ID-JAG that Okta documents, at servers of ours whose entries name the profile. */

import { describe, expect, it } from 'vitest'
import { clientAssertionType, tokenType } from '../../src/protocol/names.ts'
import { privateJwk, publicJwk, signerOf } from '../fixture/keys.ts'
import { claimsOf, signed } from '../fixture/tokens.ts'
import {
  atChat,
  atIdp,
  basicOf,
  type Configured,
  chat,
  configured,
  exchange,
  id,
  idJag,
  idToken,
  mcp,
  postOf,
  redeem,
} from './configured.ts'

const login = 'https://login.example.com/tenant/v2.0'
const okta = 'https://acme.okta.com'
/** Okta signs in and issues ID-JAGs at the address of the org. */
const oktaTrusted = { issuer: okta, profile: 'okta' }
const alice = '00uzkk8ctx1WtQ8fy1d7'
const account = { links: [{ issuer: okta, sub: alice }] }
const granted = (scope = 'chat.read') => ({
  status: 200,
  body: expect.objectContaining({ token_type: 'Bearer', scope, resource: mcp }),
  reason: 'granted',
})
const refused = (error: string, reason: string, status = 400) => ({
  status,
  body: expect.objectContaining({ error }),
  reason,
})

/** By Okta's "Implement XAA token exchange", SAML: what the ID-JAG holds when an AI agent acts. */
const oktaClaims = {
  iss: okta,
  sub: alice,
  sub_profile: 'user',
  act: { sub: 'wlpa0eiuaoCNrpoaE0g7', sub_profile: 'ai_agent' },
  email: 'example.user@okta.com',
  sub_id: {
    format: 'saml-nameid',
    issuer: 'http://www.okta.com/exk2410vjbjB62Oc61d8',
    nameid: 'example.user@okta.com',
    nameid_format: 'urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress',
  },
}

describe("Okta's ID-JAG", () => {
  const world = async (trustedIssuer: object = oktaTrusted) =>
    await configured({ trustedIssuer: { ...trustedIssuer }, account })

  it('with act without iss, sub_profile and sub_id is redeemed, and the actor is in the audit [OKTA-02] [T-18] [T75]', async () => {
    const server = await world()
    const assertion = idJag(server, await server.publish(okta), oktaClaims)
    expect(await redeem(server, assertion, { scope: 'chat.read', ...postOf(atChat) })).toEqual(granted())
    expect(server.audit.at(-1)).toMatchObject({ issuer: okta, subject: alice, account: 'a-1', act: oktaClaims.act })
  })

  it('is resolved by iss and sub alone: neither spelling of a SAML name identifier names another account [SAML-09]', async () => {
    const server = await world()
    const signer = await server.publish(okta)
    for (const format of ['saml-nameid', 'saml_nameid']) {
      const sub_id = { ...oktaClaims.sub_id, format }
      const known = idJag(server, signer, { ...oktaClaims, sub_id, jti: `known-${format}` })
      expect(await redeem(server, known, postOf(atChat))).toEqual(granted())
      const stranger = idJag(server, signer, { ...oktaClaims, sub: 'stranger', sub_id, jti: `stranger-${format}` })
      expect(await redeem(server, stranger, postOf(atChat))).toEqual(refused('invalid_grant', 'subject_unknown'))
    }
  })

  it('is single use, whatever else Okta writes: nothing in the profile changes that', async () => {
    const server = await world()
    const assertion = idJag(server, await server.publish(okta), oktaClaims)
    expect(await redeem(server, assertion, postOf(atChat))).toEqual(granted())
    expect(await redeem(server, assertion, postOf(atChat))).toEqual(refused('invalid_grant', 'replay'))
  })

  it('lives five minutes and is signed with RS256; without the profile the limits are the usual ones', async () => {
    const server = await world()
    const long = { ...oktaClaims, exp: server.clock.now + 600 }
    const assertion = idJag(server, await server.publish(okta), long)
    expect(await redeem(server, assertion, postOf(atChat))).toEqual(refused('invalid_grant', 'lifetime_too_long'))
    const other = await world()
    const es256 = idJag(other, await other.publish(okta, 'ES256'), oktaClaims)
    expect(await redeem(other, es256, postOf(atChat))).toEqual(refused('invalid_grant', 'alg_not_allowed'))
    const usual = await world({ issuer: okta })
    const both = idJag(usual, await usual.publish(okta, 'ES256'), long)
    expect(await redeem(usual, both, postOf(atChat))).toEqual(granted())
  })
})

describe("Okta's library for the requesting application", () => {
  const key = 'okta-library'
  const withKey = { authMethods: ['private_key_jwt'], secret: undefined, jwks: { file: 'okta.json' } }
  const files = async () => ({ 'okta.json': { keys: [await publicJwk(key, 'RS256')] } })

  /** A client assertion as Okta documents it: addressed to the token endpoint, an hour at most, and no client_id beside it. */
  async function credentials(world: Configured, client: string, server: string) {
    const { now } = world.clock
    const claims = {
      iss: client,
      sub: client,
      aud: `${server}/token`,
      iat: now,
      exp: now + 3600,
      jti: `a-${world.audit.length}`,
    }
    const assertion = signed({}, claims, await signerOf(key, 'RS256'))
    return { client_assertion_type: clientAssertionType, client_assertion: assertion }
  }

  it('addresses its client assertion to the token endpoint, and sends scope= when it wants none [T42]', async () => {
    await privateJwk(key, 'RS256')
    for (const [profile, outcome] of [
      ['okta', 200],
      [undefined, 401],
    ] as const) {
      const world = await configured({ idpClient: { ...withKey, profile } }, await files())
      const token = idToken(world, await world.publish(login), { iss: login, sub: 'alice' })
      const form = { resource: undefined, scope: '', ...(await credentials(world, atIdp.id, id)) }
      expect((await exchange(world, token, form)).status).toBe(outcome)
    }
  })

  it('does the same at the resource authorization server', async () => {
    for (const [profile, outcome] of [
      ['okta', 200],
      [undefined, 401],
    ] as const) {
      const world = await configured(
        { trustedIssuer: oktaTrusted, account, resourceAsClient: { ...withKey, profile } },
        await files(),
      )
      const assertion = idJag(world, await world.publish(okta), oktaClaims)
      const form = { scope: '', ...(await credentials(world, atChat.id, chat)) }
      expect((await redeem(world, assertion, form)).status).toBe(outcome)
    }
  })
})

describe('the MCP SDK', () => {
  it('puts its secret into the body at the identity provider, with resource and scope', async () => {
    for (const [methods, outcome] of [
      [{ profile: 'mcp-sdk', authMethods: undefined }, 200],
      [{ authMethods: ['client_secret_basic'] }, 401],
    ] as const) {
      const world = await configured({ idpClient: { ...methods, jwks: undefined } })
      const token = idToken(world, await world.publish(login), { iss: login, sub: 'alice' })
      const answer = await exchange(world, token, { subject_token_type: tokenType.idToken, ...postOf(atIdp) })
      expect(answer.status).toBe(outcome)
      if (answer.status === 200) expect(claimsOf(String(answer.body.access_token))).toMatchObject({ resource: mcp })
    }
  })

  it('takes HTTP Basic at the resource authorization server, and sends scope and resource or neither', async () => {
    const changes = { trustedIssuer: oktaTrusted, account }
    const world = await configured({ ...changes, resourceAsClient: { profile: 'mcp-sdk', authMethods: undefined } })
    const signer = await world.publish(okta)
    for (const form of [{ scope: 'chat.read', resource: mcp }, {}])
      expect(await redeem(world, idJag(world, signer, oktaClaims), form, basicOf(atChat))).toEqual(granted())
    const without = await configured(changes)
    const assertion = idJag(without, await without.publish(okta), oktaClaims)
    expect(await redeem(without, assertion, {}, basicOf(atChat))).toEqual(
      refused('invalid_client', 'auth_method_mismatch', 401),
    )
  })
})

describe('Claude', () => {
  const changes = { trustedIssuer: oktaTrusted, account }

  it('sends client_id in the body, scope, and resource or not; the secret stands beside it or in Basic [T39]', async () => {
    const world = await configured({ ...changes, resourceAsClient: { profile: 'claude', authMethods: undefined } })
    const signer = await world.publish(okta)
    for (const resource of [mcp, undefined]) {
      const form = { client_id: atChat.id, scope: 'chat.read', resource }
      const inBody = { ...form, client_secret: atChat.secret }
      expect(await redeem(world, idJag(world, signer, oktaClaims), inBody)).toEqual(granted())
      expect(await redeem(world, idJag(world, signer, oktaClaims), form, basicOf(atChat))).toEqual(granted())
    }
    const without = await configured({
      ...changes,
      resourceAsClient: { authMethods: ['client_secret_basic'] },
    })
    const assertion = idJag(without, await without.publish(okta), oktaClaims)
    const form = { scope: 'chat.read', ...postOf(atChat) }
    expect(await redeem(without, assertion, form)).toEqual(refused('invalid_client', 'auth_method_mismatch', 401))
  })

  it('finds the grant in the metadata, by which it decides to use it [OTH-02] [T39]', async () => {
    const world = await configured({ ...changes, resourceAsClient: { profile: 'claude', authMethods: undefined } })
    const metadata = (await world.chat.inject('/.well-known/oauth-authorization-server')).json()
    expect(metadata).toMatchObject({
      grant_types_supported: expect.arrayContaining(['urn:ietf:params:oauth:grant-type:jwt-bearer']),
      authorization_grant_profiles_supported: ['urn:ietf:params:oauth:grant-profile:id-jag'],
    })
  })
})

describe('an ID-JAG of ours', () => {
  it.each([
    ['keycloak', 'https://sso.vendor.example/realms/chat', 240],
    ['cloudflare', 'https://mcp.vendor.example', 300],
    ['auth0', 'https://vendor.eu.auth0.com/', 600],
    [undefined, 'https://as.vendor.example', 600],
  ])(
    'for %s is addressed to its issuer to the letter and lives as long as that takes [T14]',
    async (profile, audience, lifetime) => {
      const world = await configured({
        resourceServer: { issuer: audience, profile },
        connection: { audience, lifetime: 600 },
      })
      const token = idToken(world, await world.publish(login), { iss: login, sub: 'alice' })
      const { body } = await exchange(world, token, { audience }, basicOf(atIdp))
      expect(body).toMatchObject({ expires_in: lifetime })
      const { aud, iat, exp } = claimsOf(String(body.access_token))
      expect([aud, Number(exp) - Number(iat)]).toEqual([audience, lifetime])
      const other = audience.endsWith('/') ? audience.slice(0, -1) : `${audience}/`
      expect(await exchange(world, token, { audience: other }, basicOf(atIdp))).toEqual(
        refused('invalid_target', 'target_unknown'),
      )
    },
  )
})
