/** How a person of an identity provider finds their account. */

import { beforeEach, describe, expect, it } from 'vitest'
import { acme, beta } from '../fixture/addresses.ts'
import { type Enterprise, enterprise, redeem } from '../fixture/enterprise.ts'
import { signerOf } from '../fixture/keys.ts'
import { expectRedemptionRefused, type Refusal } from '../fixture/refusal.ts'
import { claimsOf } from '../fixture/tokens.ts'

let world: Enterprise
beforeEach(async () => {
  world = await enterprise()
})

const unknown: Refusal = { error: 'invalid_grant', reason: 'subject_unknown', description: 'no account here' }
const rules = (issuer = acme) => {
  const entry = world.chat.trusted.get(issuer)
  if (entry === undefined) throw new Error('no entry')
  return entry.accounts
}
const accountOf = async (claims: Record<string, unknown>) => {
  const answer = await redeem(world, { claims })
  expect(answer.statusCode).toBe(200)
  return claimsOf(answer.json().access_token).sub
}
const bob = { sub: 'bob', email: 'bob@acme.example', email_verified: true }

describe('an account', () => {
  it('[JAG-04] [ATK-040] belongs to an issuer and its sub: the same sub of another issuer is another person', async () => {
    expect(await accountOf({})).toBe('u-alice')
    const other = await redeem(world, { claims: { iss: beta }, signer: await signerOf('b1') })
    expect(claimsOf(other.json().access_token).sub).toBe('u-other-alice')
  })

  it('[ATK-045] [RAS-17] that is disabled is refused, however it was found', async () => {
    const refusal: Refusal = {
      error: 'access_denied',
      reason: 'subject_disabled',
      description: 'the account is disabled',
    }
    await expectRedemptionRefused(world, { claims: { sub: 'gone' } }, refusal)
    world.chat.accounts.all.set('u-ada', { enabled: false, email: 'ada@acme.example', keys: [] })
    const ada = { sub: 'ada', email: 'ada@acme.example', email_verified: true }
    await expectRedemptionRefused(world, { claims: ada }, refusal)
  })

  it('[RAS-17] that nobody has is refused', async () => {
    await expectRedemptionRefused(world, { claims: { sub: 'zoe' } }, unknown)
    await expectRedemptionRefused(world, { claims: { sub: 'zoe', email: 'zoe@acme.example' } }, unknown)
    expect(world.chat.accounts.all.size).toBe(4)
  })

  it('is linked by the verified address of a domain its issuer owns, once, and then found by sub', async () => {
    expect(await accountOf(bob)).toBe('u-bob')
    expect(await accountOf({ sub: 'bob' })).toBe('u-bob')
    await expectRedemptionRefused(world, { claims: { ...bob, sub: 'second-bob' } }, unknown)
  })

  it.each<[string, Record<string, unknown>]>([
    ['[ATK-041] an address that is not verified', { email_verified: false }],
    ['[ATK-041] an address nobody says is verified', { email_verified: undefined }],
    ['[D-19] a verified address as a string', { email_verified: 'true' }],
    ['[ATK-041] the address of a linked account', { email: 'alice@acme.example' }],
    ['[ATK-042] an address in other case', { email: 'BOB@acme.example' }],
    ['[ATK-042] a domain in other case', { email: 'bob@ACME.example' }],
    ['[ATK-042] two domains', { email: 'bob@acme.example@evil.example' }],
    ['[ATK-042] a display name', { email: '"bob@acme.example" <x@evil.example>' }],
    ['[ATK-042] a dot at the end', { email: 'bob@acme.example.' }],
    ['[ATK-042] a domain that looks alike', { email: 'bob@\u0430cme.example' }],
    ['a domain below', { email: 'bob@mail.acme.example' }],
  ])('is not linked by %s', async (_, claims) => {
    // The odd ones are refused even where the directory would find somebody by that very text.
    const { email } = { ...bob, ...claims }
    if (!['alice@acme.example', 'BOB@acme.example'].includes(email))
      world.chat.accounts.all.set('u-x', { enabled: true, email, keys: [] })
    await expectRedemptionRefused(world, { claims: { ...bob, ...claims } }, unknown)
    expect(world.chat.accounts.all.get('u-bob')?.keys).toEqual([])
  })

  it('[ATK-041] [D-19] is not linked by an issuer that does not own the domain', async () => {
    const attempt = { claims: { ...bob, iss: beta }, signer: await signerOf('b1') }
    await expectRedemptionRefused(world, attempt, unknown)
    rules(beta).emailDomains = ['acme.example']
    expect((await redeem(world, attempt)).statusCode).toBe(200)
  })

  it('is made at the first visit where the issuer’s entry says so, and is the same at the next', async () => {
    rules().unknown = 'create'
    const first = await accountOf({ sub: 'zoe', email: 'zoe@acme.example', email_verified: true })
    expect(world.chat.accounts.all.get(String(first))).toMatchObject({ email: 'zoe@acme.example' })
    expect(await accountOf({ sub: 'zoe' })).toBe(first)
    expect(await accountOf({ sub: 'yan' })).not.toBe(first)
  })

  it.each<[string, Record<string, unknown>]>([
    ['that nobody verified', { email: 'zoe@acme.example', email_verified: false }],
    ['of a domain its issuer does not own', { email: 'zoe@else.example', email_verified: true }],
  ])('[ATK-041] [D-19] is made without an address %s, which stays free for its owner', async (_, claims) => {
    rules().unknown = 'create'
    const stranger = await accountOf({ sub: 'stranger', ...claims })
    expect(world.chat.accounts.all.get(String(stranger))?.email).toBeUndefined()
    rules().emailDomains = ['acme.example', 'else.example']
    const owner = await accountOf({ sub: 'zoe', ...claims, email_verified: true })
    expect(owner).not.toBe(stranger)
    expect(world.chat.accounts.all.get(String(owner))).toMatchObject({ email: claims.email })
  })

  it('[ATK-041] is not made over one that has the same address', async () => {
    rules().unknown = 'create'
    await expectRedemptionRefused(world, { claims: { ...bob, email_verified: false } }, unknown)
  })

  it('is made only after the ID-JAG was spent: a replay makes none', async () => {
    rules().unknown = 'create'
    world.broken.store = new Error('down')
    expect((await redeem(world, { claims: { sub: 'zoe' } })).statusCode).toBe(503)
    expect(world.chat.accounts.all.size).toBe(4)
  })

  it('that another subject was linked to meanwhile is refused', async () => {
    const { linkFirst } = world.chat.accounts
    world.chat.accounts.linkFirst = async (key, id) => {
      await linkFirst({ issuer: acme, sub: 'faster' }, id)
      return await linkFirst(key, id)
    }
    const answer = await redeem(world, { claims: bob })
    expect(answer.json()).toMatchObject({
      error: 'invalid_grant',
      error_description: expect.stringContaining('no account'),
    })
    expect(world.audit.at(-1)).toMatchObject({ reason: 'subject_unknown' })
  })
})
