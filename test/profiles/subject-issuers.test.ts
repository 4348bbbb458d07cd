/** ID Tokens in the shapes that identity providers document, at an identity provider of ours whose entry names the profile. */

import { describe, expect, it } from 'vitest'
import { claimsOf } from '../fixture/tokens.ts'
import { atIdp, basicOf, type Configured, configured, exchange, idToken } from './configured.ts'

type Claims = Record<string, unknown>
const asAssistant = basicOf(atIdp)

/** The subject of the ID-JAG, or the reason why there is none. */
async function subjectOf(world: Configured, token: string, headers = asAssistant): Promise<unknown> {
  const { body, reason } = await exchange(world, token, {}, headers)
  return typeof body.access_token === 'string' ? claimsOf(body.access_token).sub : [body.error, reason]
}
const refused = (reason: string) => ['invalid_grant', reason]

describe('Microsoft Entra ID', () => {
  const tenant = 'aaaabbbb-0000-cccc-1111-dddd2222eeee'
  const issuer = `https://login.microsoftonline.com/${tenant}/v2.0`
  const alice = '00000000-0000-0000-66f3-3332eca7ea81'
  const pairwise = 'AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ'
  const profile = { issuer, profile: 'entra', tenants: [tenant], users: 'token' }
  /** By Microsoft's "ID token claims reference", v2.0. */
  const claims = (more: Claims = {}): Claims => ({
    ver: '2.0',
    iss: issuer,
    sub: pairwise,
    name: 'Alice',
    preferred_username: 'alice@acme.example',
    oid: alice,
    tid: tenant,
    nbf: 1_799_999_000,
    aio: 'Df2UVXL1ix!lMCWMSOJBcFatzcGfvFGhjKv8q5g0x732dR5MB5BisvGQO7YWByjd8iQDLq!eGbIDakyp5mnOrcdqHeYSnltepQmRp6AIZ8jY',
    uti: 'fqiBqXLPj0eQa82S-IYFAA',
    rh: '0.AAA',
    ...more,
  })

  it('names a person by oid, and sub, which each application has another of, names nobody', async () => {
    const users = [{ sub: alice }]
    const world = await configured({ subjectIssuer: { ...profile, users: 'directory' }, users })
    const signer = await world.publish(issuer)
    expect(await subjectOf(world, idToken(world, signer, claims()))).toBe(alice)
    expect(await subjectOf(world, idToken(world, signer, claims({ sub: 'another-for-another-application' })))).toBe(
      alice,
    )
    const strict = await configured({ subjectIssuer: { issuer, users: 'directory' }, users })
    const same = idToken(strict, await strict.publish(issuer), claims())
    expect(await subjectOf(strict, same)).toEqual(refused('subject_unknown'))
  })

  it.each<[string, unknown]>([
    ['missing', undefined],
    ['a number', 7],
    ['empty', ''],
    ['null', null],
    ['a list', [alice]],
    ['too long', 'o'.repeat(256)],
  ])('is refused when oid is %s: nothing stands in for it', async (_, oid) => {
    const world = await configured({ subjectIssuer: profile })
    const signer = await world.publish(issuer)
    expect(await subjectOf(world, idToken(world, signer, claims({ oid })))).toEqual(refused('subject_invalid'))
    expect(await subjectOf(world, idToken(world, signer, claims()))).toBe(alice)
  })

  it.each<[string, unknown]>([
    ['another tenant', '9188040d-6c67-4c5b-b112-36a304b66dad'],
    ['no tenant', undefined],
    ['a list of tenants', [tenant]],
  ])('is refused when tid says %s [T77]', async (_, tid) => {
    const world = await configured({ subjectIssuer: profile })
    const signer = await world.publish(issuer)
    expect(await subjectOf(world, idToken(world, signer, claims({ tid })))).toEqual(refused('tenant_mismatch'))
    expect(await subjectOf(world, idToken(world, signer, claims()))).toBe(alice)
  })

  it('gives nobody a group when there are too many for the token', async () => {
    const engineering = '11111111-2222-3333-4444-555555555555'
    const connection = { everyone: undefined, groups: [engineering] }
    const world = await configured({ subjectIssuer: profile, connection })
    const signer = await world.publish(issuer)
    expect(await subjectOf(world, idToken(world, signer, claims({ groups: [engineering] })))).toBe(alice)
    const overage = { hasgroups: true, _claim_names: { groups: 'src1' } }
    expect(await subjectOf(world, idToken(world, signer, claims(overage)))).toEqual(['access_denied', 'policy_denied'])
  })
})

describe('Google', () => {
  const issuer = 'https://accounts.google.com'
  const profile = { issuer, profile: 'google', tenants: ['acme.example'], users: 'token' }
  /** By Google's "OpenID Connect" guide: what an ID token carries. */
  const claims = (more: Claims = {}): Claims => ({
    iss: issuer,
    azp: atIdp.id,
    sub: '10769150350006150715113082367',
    at_hash: 'HK6E_P6Dh8Y93mRNtsDB1Q',
    hd: 'acme.example',
    email: 'alice@acme.example',
    email_verified: true,
    nonce: '0394852-3190485-2490358',
    ...more,
  })
  const alice = claims().sub

  it('may write iss with and without https://, and both are one person', async () => {
    const world = await configured({ subjectIssuer: profile })
    const signer = await world.publish(issuer)
    expect(await subjectOf(world, idToken(world, signer, claims()))).toBe(alice)
    const legacy = claims({ iss: 'accounts.google.com' })
    expect(await subjectOf(world, idToken(world, signer, legacy))).toBe(alice)
    expect(world.audit.at(-1)).toMatchObject({ issuer, subject: alice })
    const strict = await configured({ subjectIssuer: { issuer, users: 'token' } })
    const same = idToken(strict, await strict.publish(issuer), legacy)
    expect(await subjectOf(strict, same)).toEqual(refused('subject_invalid'))
  })

  it('signs in everybody: only people of the organisation are taken [T77]', async () => {
    const world = await configured({ subjectIssuer: profile })
    const signer = await world.publish(issuer)
    for (const hd of [undefined, 'beta.example', 'ACME.example', ['acme.example']])
      expect(await subjectOf(world, idToken(world, signer, claims({ hd })))).toEqual(refused('tenant_mismatch'))
    expect(await subjectOf(world, idToken(world, signer, claims()))).toBe(alice)
  })
})

describe.each([
  {
    name: 'okta',
    issuer: 'https://acme.okta.com',
    sub: '00uzkk8ctx1WtQ8fy1d7',
    claims: {
      ver: 1,
      jti: 'ID.radCQMOQUmyvcTBmmIL0J6BaS60apUEiC7',
      amr: ['pwd'],
      idp: '00o1n8sbwArJ7OQRw406',
      auth_time: 1_799_999_990,
    },
  },
  {
    name: 'ping',
    issuer: 'https://auth.pingone.eu/3fa85f64-5717-4562-b3fc-2c963f66afa6/as',
    sub: 'd4f3b1b6-8a2c-4f0a-9c6f-3a1d0d1c2b3a',
    claims: {
      acr: 'Single_Factor',
      amr: ['pwd'],
      env: '3fa85f64-5717-4562-b3fc-2c963f66afa6',
      org: 'a-1',
      sid: 's-1',
      auth_time: 1_799_999_990,
    },
  },
])('$name', ({ name, issuer, sub, claims }) => {
  it('signs with RS256, and an ID Token that is signed otherwise is not taken', async () => {
    const token = { iss: issuer, sub, ...claims }
    const world = await configured({ subjectIssuer: { issuer, profile: name, users: 'token' } })
    expect(await subjectOf(world, idToken(world, await world.publish(issuer), token))).toBe(sub)
    const other = await configured({ subjectIssuer: { issuer, profile: name, users: 'token' } })
    const es256 = idToken(other, await other.publish(issuer, 'ES256'), token)
    expect(await subjectOf(other, es256)).toEqual(refused('subject_invalid'))
    const without = await configured({ subjectIssuer: { issuer, users: 'token' } })
    expect(await subjectOf(without, idToken(without, await without.publish(issuer, 'ES256'), token))).toBe(sub)
  })
})

describe.each([
  {
    name: 'auth0',
    issuer: 'https://acme.eu.auth0.com/',
    sub: 'auth0|5f7c8ec7c33c6c004bbafe82',
    claims: { nickname: 'alice', updated_at: '2026-11-22T10:00:00.000Z', sid: 's-1' },
    wrong: 'https://acme.eu.auth0.com',
  },
  {
    name: 'keycloak',
    issuer: 'https://sso.acme.example/realms/acme',
    sub: 'b3588c7e-14cb-46a9-9387-28adfd82f7a4',
    claims: { typ: 'ID', azp: atIdp.id, sid: 's-1', acr: '1', groups: ['/engineering'], auth_time: 1_799_999_990 },
    wrong: 'https://sso.acme.example/realms/acme/',
  },
])('$name', ({ name, issuer, sub, claims, wrong }) => {
  it('needs nothing of its own but its issuer to the letter [T14] [T78]', async () => {
    for (const profile of [name, undefined]) {
      const world = await configured({ subjectIssuer: { issuer, profile, users: 'token' } })
      const signer = await world.publish(issuer)
      expect(await subjectOf(world, idToken(world, signer, { iss: issuer, sub, ...claims }))).toBe(sub)
      const slash = { iss: wrong, sub, ...claims }
      expect(await subjectOf(world, idToken(world, signer, slash))).toEqual(refused('subject_invalid'))
    }
  })
})
