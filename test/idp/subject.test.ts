/** Which subject tokens an identity provider takes, and for whom. */

import { beforeEach, describe, expect, it } from 'vitest'
import { tokenType } from '../../src/protocol/names.ts'
import { acme, beta, files } from '../fixture/addresses.ts'
import {
  type Attempt,
  type Enterprise,
  enterprise,
  exchange,
  exchangeCall,
  idJagClaims,
} from '../fixture/enterprise.ts'
import { identityProvider } from '../fixture/identity-provider.ts'
import { signerOf } from '../fixture/keys.ts'
import { expectExchangeRefused, type Refusal } from '../fixture/refusal.ts'
import { send } from '../fixture/requests.ts'
import { claimsOf, signed } from '../fixture/tokens.ts'

let world: Enterprise
beforeEach(async () => {
  world = await enterprise()
})

const refused = async (attempt: Attempt, reason: Refusal['reason'], description: RegExp = /^subject_token: /) =>
  await expectExchangeRefused(world, attempt, { error: 'invalid_grant', reason, description })

describe('an ID Token as subject', () => {
  it.each<[string, Attempt, Refusal['reason']]>([
    ['[IDP-20] [ATK-096] [T-02] of another client', { claims: { aud: 'notes-at-acme' } }, 'subject_audience'],
    ['[ATK-096] for several, without azp', { claims: { aud: ['wiki-at-acme', 'notes-at-acme'] } }, 'subject_audience'],
    [
      '[ATK-096] for several, with another azp',
      { claims: { aud: ['wiki-at-acme', 'x'], azp: 'x' } },
      'subject_audience',
    ],
    ['[ATK-096] with another azp', { claims: { azp: 'notes-at-acme' } }, 'subject_audience'],
    ['[ATK-096] without aud', { claims: { aud: undefined } }, 'subject_invalid'],
    ['for nobody', { claims: { aud: [] } }, 'subject_invalid'],
    ['[IDP-20] [ATK-097] [T-03] that has expired', { claims: { exp: 1_800_000_000 - 30 } }, 'subject_invalid'],
    ['without exp', { claims: { exp: undefined } }, 'subject_invalid'],
    ['with an acr longer than an ID-JAG may carry', { claims: { acr: 'a'.repeat(256) } }, 'subject_invalid'],
    ['that lives in milliseconds', { claims: { exp: 1_800_000_000_000 } }, 'subject_invalid'],
    ['from the future', { claims: { iat: 1_800_000_031 } }, 'subject_invalid'],
    ['that is not valid yet', { claims: { nbf: 1_800_000_031 } }, 'subject_invalid'],
    ['[ATK-097] of an unknown issuer', { claims: { iss: 'https://evil.example' } }, 'subject_invalid'],
    ['without an issuer', { claims: { iss: undefined } }, 'subject_invalid'],
    ['[ATK-097] with alg none', { header: { alg: 'none' } }, 'subject_invalid'],
    ['[ATK-097] with HS256', { header: { alg: 'HS256' } }, 'subject_invalid'],
    ['[ATK-097] of an unknown user', { claims: { sub: 'zoe' } }, 'subject_unknown'],
    ['[IDP-22] of a disabled user', { claims: { sub: 'mallory' } }, 'subject_disabled'],
    ['with a sub that is a number', { claims: { sub: 7 } }, 'subject_invalid'],
    ['[ATK-005] that is an at+jwt', { header: { typ: 'at+jwt' } }, 'subject_type_mismatch'],
    ['[ATK-005] that is a logout token', { header: { typ: 'logout+jwt' } }, 'subject_type_mismatch'],
    ['[ATK-005] that is a logout token without typ', { claims: { events: {} } }, 'subject_type_mismatch'],
    ['[ATK-005] that is a client assertion', { header: { typ: 'client-authentication+jwt' } }, 'subject_type_mismatch'],
    ['[ATK-005] that is an ID-JAG', { header: { typ: 'oauth-id-jag+jwt' } }, 'subject_type_mismatch'],
    ['that is no token', { token: 'alice' }, 'subject_invalid'],
    ['of 17 KiB', { claims: { x: 'x'.repeat(17 * 1024) } }, 'subject_invalid'],
  ])('%s is refused', async (_, attempt, reason) => {
    await refused(attempt, reason)
  })

  it('[ATK-097] signed by a foreign key is refused', async () => {
    await refused({ signer: await signerOf('b1') }, 'subject_invalid')
    await refused({ signer: await signerOf('attacker'), header: { kid: 'a1' } }, 'subject_invalid')
  })

  it('[ATK-005] [IDP-31] cannot be an ID-JAG of its own', async () => {
    const token = signed({ typ: 'oauth-id-jag+jwt' }, idJagClaims(world), world.idp.keys.current())
    await refused({ token }, 'subject_type_mismatch')
  })

  it.each<[string, Attempt]>([
    ['without typ', {}],
    ['with typ JWT', { header: { typ: 'JWT' } }],
    ['with aud as an array of one', { claims: { aud: ['wiki-at-acme'] } }],
    ['for several, with this azp', { claims: { aud: ['wiki-at-acme', 'x'], azp: 'wiki-at-acme' } }],
    ['with nonce and at_hash', { claims: { nonce: 'n', at_hash: 'h', sid: 's' } }],
    ['without kid', { header: { kid: undefined } }],
    ['expired within the skew', { claims: { exp: 1_800_000_000 - 29, iat: 1_799_999_000 } }],
  ])('%s is taken', async (_, attempt) => {
    expect((await exchange(world, attempt)).statusCode).toBe(200)
  })

  it('of a foreign issuer is taken for the client that issuer knows, until it is switched off', async () => {
    const signer = await signerOf('b2', 'RS256')
    const foreign = { claims: { iss: beta, aud: 'wiki-at-acme-upstream' }, signer }
    const answer = await exchange(world, foreign)
    expect(claimsOf(answer.json().access_token)).toMatchObject({ iss: acme, sub: 'alice' })
    await refused({ ...foreign, claims: { iss: beta } }, 'subject_audience')
    const issuer = world.idp.issuers.get(beta)
    if (issuer === undefined) throw new Error('no entry')
    issuer.enabled = false
    await refused(foreign, 'issuer_disabled')
  })

  it('may be exchanged again while it is good, and tells the audit what was not yet verified', async () => {
    const call = exchangeCall(world, { claims: { jti: 'again' } })
    for (let use = 0; use < 2; use++) expect((await send(world.idp.app, call)).statusCode).toBe(200)
    await exchange(world, { claims: { jti: 'other' }, signer: await signerOf('b1') })
    expect(world.audit.at(-1)).toMatchObject({ unverified: true, subject: 'alice', issuer: acme })
    expect(world.audit.at(0)).not.toHaveProperty('unverified')
  })

  it('whose keys or user cannot be looked up is no token: the failure is not the caller’s', async () => {
    const issuer = world.idp.issuers.get(acme)
    if (issuer === undefined) throw new Error('no entry')
    const { findUser } = issuer
    issuer.findUser = () => Promise.reject(new Error('directory down'))
    expect((await exchange(world)).statusCode).toBe(500)
    issuer.findUser = findUser
    expect((await exchange(world)).statusCode).toBe(200)
  })
})

describe('a refresh token as subject', () => {
  const record = { client: 'wiki-at-acme', sub: 'alice', expiresAt: 1_800_001_000, revoked: false }
  const form = { subject_token: 'a-refresh-token-of-alice', subject_token_type: tokenType.refreshToken }
  const attempt = { form }
  const put = (change: object) => world.idp.refreshTokens.set(form.subject_token, { ...record, ...change })

  it('[IDP-21] [D-20] is taken again and again, and carries its sign-in', async () => {
    put({ authTime: 5, acr: 'a', amr: ['pwd'] })
    for (let use = 0; use < 2; use++) {
      const answer = await exchange(world, attempt)
      const claims = claimsOf(answer.json().access_token)
      expect(claims).toMatchObject({ sub: 'alice', auth_time: 5, acr: 'a', amr: ['pwd'] })
    }
    expect(world.spent).toEqual([])
  })

  it.each<[string, object, Refusal['reason']]>([
    ['[IDP-21] [ATK-106] of another client', { client: 'notes-at-acme' }, 'subject_invalid'],
    ['[IDP-21] [ATK-106] [T-03] that was revoked', { revoked: true }, 'subject_invalid'],
    ['[IDP-21] [ATK-106] that has expired', { expiresAt: 1_800_000_000 }, 'subject_invalid'],
    ['[ATK-106] [IDP-22] of a disabled user', { sub: 'mallory' }, 'subject_disabled'],
    ['of a user who is gone', { sub: 'zoe' }, 'subject_unknown'],
  ])('%s is refused', async (_, change, reason) => {
    put(change)
    await refused(attempt, reason)
    put({})
    expect((await exchange(world, attempt)).statusCode).toBe(200)
  })

  it('[ATK-098] that is an ID Token is refused, and the other way round', async () => {
    await refused({ form: { subject_token_type: tokenType.refreshToken } }, 'subject_invalid')
    put({})
    await refused({ form: { ...form, subject_token_type: tokenType.idToken } }, 'subject_invalid')
  })

  it('[IDP-21] [ATK-106] gives no audience and no scope beyond its own', async () => {
    put({ audiences: [files], scopes: ['chat.read'] })
    const target: Refusal = { error: 'invalid_target', reason: 'target_unknown' }
    await expectExchangeRefused(world, attempt, target)
    put({ scopes: ['chat.read'] })
    const scope: Refusal = { error: 'invalid_scope', reason: 'scope_denied' }
    await expectExchangeRefused(world, { form: { ...form, scope: 'chat.write' } }, scope)
    const asked = await exchange(world, { form: { ...form, scope: 'chat.read chat.write' } })
    expect(asked.json().scope).toBe('chat.read')
    expect((await exchange(world, { form: { ...form, scope: undefined } })).json().scope).toBe('chat.read')
  })

  it('is an unsupported type where none are issued', async () => {
    const idp = await identityProvider(world, world.chat.clients)
    delete idp.provider.refreshTokens
    const before = world.audit.length
    const answer = await send(idp.app, exchangeCall({ ...world, idp }, attempt))
    expect(answer.json()).toMatchObject({
      error: 'invalid_request',
      error_description: `subject_token_type must be ${tokenType.idToken}`,
    })
    expect(world.audit.slice(before)).toMatchObject([{ reason: 'unsupported_type' }])
  })
})
