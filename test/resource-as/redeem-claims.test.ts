/** What a resource authorization server demands of the claims of an ID-JAG: issuer, audience, client, person, time. */

import { beforeEach, describe, expect, it } from 'vitest'
import { acme, beta, chat, files } from '../fixture/addresses.ts'
import { basic } from '../fixture/clients.ts'
import { type Attempt, type Enterprise, enterprise, redeem, redemptionCall } from '../fixture/enterprise.ts'
import { signerOf } from '../fixture/keys.ts'
import { expectRedemptionRefused, type Refusal } from '../fixture/refusal.ts'
import { claimsOf, signedBytes } from '../fixture/tokens.ts'

let world: Enterprise
beforeEach(async () => {
  world = await enterprise()
})

type Row = [title: string, claims: Record<string, unknown>, reason: Refusal['reason']]
const refusal = (reason: Refusal['reason']): Refusal => ({
  error: 'invalid_grant',
  reason,
  description: /^assertion: /,
})
const refused = async (attempt: Attempt, reason: Refusal['reason']) =>
  await expectRedemptionRefused(world, attempt, refusal(reason))

describe('the claims of an ID-JAG', () => {
  it.each<Row>([
    ['[ATK-030] iss as an array', { iss: [acme, 'https://evil.example'] }, 'malformed'],
    ['[JAG-03] no iss', { iss: undefined }, 'malformed'],
    ['[JAG-03] [ATK-028] [T-11] an iss nobody trusts', { iss: 'https://idp.evil.example' }, 'issuer_unknown'],
    ['[ATK-031] [D-09] iss with a slash', { iss: `${acme}/` }, 'issuer_unknown'],
    ['[ATK-031] iss with more behind it', { iss: `${acme}x` }, 'issuer_unknown'],
    ['[ATK-031] a part of iss', { iss: acme.slice(0, -1) }, 'issuer_unknown'],
    ['[JAG-03] an endless iss', { iss: `${acme}/${'x'.repeat(3000)}` }, 'issuer_unknown'],
    ['[ATK-033] [RAS-06] [SEC-02] [VER-06] [T-07] aud of another server', { aud: files }, 'aud_mismatch'],
    ['[ATK-033] aud as token endpoint', { aud: `${chat}/token` }, 'aud_mismatch'],
    ['[ATK-033] aud as metadata', { aud: `${chat}/.well-known/oauth-authorization-server` }, 'aud_mismatch'],
    ['[ATK-034] [JAG-05] [T-07] aud of two, ours first', { aud: [chat, files] }, 'aud_mismatch'],
    ['[ATK-034] aud of two, ours last', { aud: [files, chat] }, 'aud_mismatch'],
    ['[ATK-034] aud as an empty array', { aud: [] }, 'aud_mismatch'],
    ['[ATK-034] [JAG-05] no aud', { aud: undefined }, 'aud_mismatch'],
    ['[ATK-034] aud of one other', { aud: [files] }, 'aud_mismatch'],
    ['[ATK-035] aud with a longer host', { aud: `${chat}.evil.example` }, 'aud_mismatch'],
    ['[ATK-035] aud with a path', { aud: `${chat}/x` }, 'aud_mismatch'],
    ['[D-09] [OKTA-10] aud with a slash', { aud: `${chat}/` }, 'aud_mismatch'],
    ['[ATK-037] [JAG-06] no client_id', { client_id: undefined }, 'client_mismatch'],
    ['[ATK-037] client_id in other case', { client_id: 'WIKI-at-chat' }, 'client_mismatch'],
    ['[ATK-037] client_id as an array', { client_id: ['wiki-at-chat'] }, 'client_mismatch'],
    ['[ATK-038] [JAG-14] a tenant nobody connected', { tenant: 't1' }, 'tenant_mismatch'],
    ['[JAG-15] an aud_tenant nobody connected', { aud_tenant: 't1' }, 'tenant_mismatch'],
    ['[JAG-14] tenant as a number', { tenant: 1 }, 'tenant_mismatch'],
    ['[JAG-04] no sub', { sub: undefined }, 'malformed'],
    ['[ATK-043] sub as a number', { sub: 42 }, 'malformed'],
    ['[ATK-043] an empty sub', { sub: '' }, 'malformed'],
    ['[ATK-043] sub of 256 characters', { sub: 'x'.repeat(256) }, 'malformed'],
    ['[ATK-043] sub with NUL', { sub: 'alice\u0000' }, 'malformed'],
    ['[ATK-043] sub in other case', { sub: 'Alice' }, 'subject_unknown'],
    ['[ATK-043] sub with a blank', { sub: 'alice ' }, 'subject_unknown'],
    ['[ATK-043] sub in another Unicode form', { sub: 'ali\u0301ce' }, 'subject_unknown'],
    ['[ATK-044] sub_id without format', { sub_id: { issuer: 'https://saml.example' } }, 'sub_id_untrusted'],
    ['[ATK-050] [JAG-08] an exp past the skew', { exp: 1_800_000_000 - 32 }, 'expired'],
    ['[ATK-050] no exp', { exp: undefined }, 'malformed'],
    ['[ATK-050] exp as a string', { exp: '1800000060' }, 'malformed'],
    ['[ATK-050] exp null', { exp: null }, 'malformed'],
    ['[ATK-050] a negative exp', { exp: -1 }, 'expired'],
    ['[ATK-051] exp in milliseconds', { exp: 1_800_000_060_000 }, 'lifetime_too_long'],
    ['[ATK-052] [D-16] [EMA-10] a life over the cap', { exp: 1_800_003_601 }, 'lifetime_too_long'],
    ['[ATK-053] [JAG-09] no iat', { iat: undefined }, 'iat_invalid'],
    ['[ATK-053] iat as a string', { iat: '1800000000' }, 'iat_invalid'],
    ['[ATK-053] [JAG-09] iat in the future', { iat: 1_800_000_035 }, 'iat_invalid'],
    ['[ATK-053] [JAG-09] iat older than any life', { iat: 1_800_000_000 - 3631 }, 'iat_invalid'],
    ['[ATK-054] [JAG-22] nbf in the future', { nbf: 1_800_000_035 }, 'not_yet_valid'],
    ['[ATK-054] nbf as a string', { nbf: '1800000000' }, 'not_yet_valid'],
    ['[ATK-058] [JAG-07] no jti', { jti: undefined }, 'malformed'],
    ['[ATK-058] an empty jti', { jti: '' }, 'malformed'],
    ['[ATK-058] jti as a number', { jti: 7 }, 'malformed'],
    ['[ATK-058] jti as an object', { jti: { a: 1 } }, 'malformed'],
    ['[ATK-058] jti of 257 characters', { jti: 'j'.repeat(257) }, 'malformed'],
    ['[JAG-11] [ATK-047] scope as an array', { scope: ['chat.read'] }, 'scope_denied'],
    ['[JAG-11] scope with a quote', { scope: 'chat."read' }, 'scope_denied'],
    ['[JAG-10] resource as an object', { resource: {} }, 'resource_denied'],
    ['[JAG-10] resource as an empty array', { resource: [] }, 'resource_denied'],
    ['[JAG-12] authorization_details as a string', { authorization_details: '[]' }, 'details_invalid'],
    ['[JAG-13] act as a string', { act: 'agent' }, 'malformed'],
    ['[JAG-18] amr as a string', { amr: 'pwd' }, 'malformed'],
    ['[JAG-18] auth_time as a string', { auth_time: '1' }, 'malformed'],
    ['[ATK-076] [POP-05] [JAG-20] [RAS-18] cnf with a thumbprint, and no proof,', { cnf: { jkt: 'x' } }, 'pop_missing'],
    ['[ATK-076] [POP-08] cnf with an unknown binding', { cnf: { 'x5t#S256': 'x' } }, 'pop_unsupported'],
    ['[ATK-076] an empty cnf', { cnf: {} }, 'pop_unsupported'],
    ['[POP-08] cnf as a string', { cnf: 'x' }, 'pop_unsupported'],
  ])('%s is refused', async (_, claims, reason) => {
    await refused({ claims }, reason)
  })

  it('[ATK-051] exp 1e400 is refused', async () => {
    const token = (good: string) =>
      signedBytes(
        { typ: 'oauth-id-jag+jwt' },
        JSON.stringify({ ...claimsOf(good), exp: 'E' }).replace('"E"', '1e400'),
        world.idp.keys.current(),
      )
    await refused({ token }, 'lifetime_too_long')
  })

  it.each<[string, Record<string, unknown>]>([
    ['[ATK-034] [T-07] [T10] aud as an array of one', { aud: [chat] }],
    ['[ATK-050] [JAG-08] an exp within the skew', { iat: 1_799_999_900, exp: 1_800_000_000 - 25 }],
    ['[ATK-052] an exp with a fraction', { exp: 1_800_000_060.5 }],
    ['[T01] an age of 290 s', { iat: 1_800_000_000 - 290, exp: 1_800_000_010 }],
    ['[JAG-22] nbf in the past', { nbf: 1_800_000_000 - 5 }],
    ['[JAG-21] unknown claims', { department: 'x', 'https://vendor.example/claim': { deep: [1] } }],
    ['[T-18] Okta’s claims and act without iss', { email: 'a@b.example', act: { sub: 'agent', sub_profile: 'ai' } }],
    ['[JAG-16] [JAG-18] the optional claims', { aud_sub: 'x', auth_time: 1, acr: 'a', amr: ['pwd'] }],
    ['[JAG-19] a sub_id, which decides nothing', { sub_id: { format: 'email', email: 'bob@acme.example' } }],
    ['[T-20] resource as an array of one', { resource: ['https://api.chat.example/mcp'] }],
  ])('%s: redeemed as alice', async (_, claims) => {
    const answer = await redeem(world, { claims })
    expect(answer.statusCode).toBe(200)
    expect(claimsOf(answer.json().access_token)).toMatchObject({ sub: 'u-alice', aud: 'https://api.chat.example/mcp' })
  })
})

describe('who an ID-JAG is good for', () => {
  it('[ATK-036] [JAG-06] [RAS-07] [VER-06] [T-08] is the client it names, and that client alone', async () => {
    const { basic: wiki, any } = world.chat.clients
    await refused({ claims: { client_id: any.id } }, 'client_mismatch')
    const { assertion } = redemptionCall(world, { claims: { client_id: any.id } }).form
    const form = { assertion }
    expect((await redeem(world, { form, as: basic(wiki) })).json()).toMatchObject({ error: 'invalid_grant' })
    expect((await redeem(world, { form, as: basic(any) })).statusCode).toBe(200)
  })

  it('[ATK-028] [OKTA-08] an unknown issuer costs no look at any key', async () => {
    let looks = 0
    for (const entry of world.chat.trusted.values()) entry.keys = { find: async () => Promise.reject(looks++) }
    const answer = await redeem(world, { claims: { iss: 'https://idp.evil.example' } })
    expect(answer.json()).toMatchObject({ error: 'invalid_grant' })
    expect(looks).toBe(0)
  })

  it('[RAS-08] [ATK-029] a disabled issuer is refused like an unknown one', async () => {
    const entry = world.chat.trusted.get(beta)
    if (entry === undefined) throw new Error('no entry')
    const fromBeta = { claims: { iss: beta }, signer: await signerOf('b1') }
    expect((await redeem(world, fromBeta)).statusCode).toBe(200)
    entry.enabled = false
    await refused(fromBeta, 'issuer_disabled')
    const unknown = await redeem(world, { claims: { iss: 'https://idp.evil.example' } })
    expect((await redeem(world, fromBeta)).payload).toBe(unknown.payload)
    entry.enabled = true
    expect((await redeem(world, fromBeta)).statusCode).toBe(200)
  })

  it('[RAS-08] [T29] an empty list of trusted issuers trusts nobody', async () => {
    world.chat.trusted.clear()
    expect((await redeem(world)).json()).toMatchObject({ error: 'invalid_grant' })
    expect(world.audit.at(-1)).toMatchObject({ reason: 'issuer_unknown', unverified: true })
  })
})
