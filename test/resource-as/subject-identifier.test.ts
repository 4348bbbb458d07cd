/** `sub_id` at a resource authorization server: whose SAML names count, and whom they name. */

import { beforeEach, describe, expect, it } from 'vitest'
import { nameIdFormat, samlNameMembers } from '../../src/protocol/subject-identifier.ts'
import type { SamlNameRules } from '../../src/resource-as/trust.ts'
import { type KnownSamlName, samlNameFinder } from '../../src/server/subject-id-role.ts'
import { acme, beta } from '../fixture/addresses.ts'
import { type Attempt, type Enterprise, enterprise, redeem } from '../fixture/enterprise.ts'
import { signerOf } from '../fixture/keys.ts'
import { assertionRefusal, expectRedemptionRefused } from '../fixture/refusal.ts'
import { claimsOf } from '../fixture/tokens.ts'

const entity = 'https://saml.acme.example'
const betaEntity = 'https://saml.beta.example'
const persistent = 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent'
const rules: SamlNameRules = {
  samlIssuers: [entity],
  required: false,
  formats: ['saml-nameid'],
  key: samlNameMembers,
}
const bobsName: KnownSamlName = {
  issuer: acme,
  samlIssuer: entity,
  nameId: 'n-bob',
  nameIdFormat: persistent,
  nameQualifier: entity,
  spNameQualifier: 'https://chat.example/saml',
  spProvidedId: 'p-1',
}
/** What the identity provider of Acme says of bob, whom the chat knows by his SAML name alone. */
const sub_id = {
  format: 'saml-nameid',
  issuer: entity,
  nameid: 'n-bob',
  nameid_format: persistent,
  name_qualifier: entity,
  sp_name_qualifier: 'https://chat.example/saml',
  sp_provided_id: 'p-1',
}

let world: Enterprise
beforeEach(async () => {
  world = await enterprise({
    isSamlIssuer: async (entityId) =>
      [...world.chat.trusted.values()].some(({ subjectId }) => subjectId?.samlIssuers.includes(entityId)),
  })
  know({ 'u-bob': [bobsName] })
  trust(acme, {})
})

function trust(issuer: string, change: Partial<SamlNameRules> | undefined): void {
  const entry = world.chat.trusted.get(issuer)
  if (entry === undefined) throw new Error('no entry')
  entry.subjectId = change === undefined ? undefined : { ...rules, ...change }
}

function know(names: { [account: string]: KnownSamlName[] }): void {
  const { accounts } = world.chat
  const find = samlNameFinder(Object.entries(names).map(([id, samlNames]) => ({ id, samlNames })))
  accounts.findBySamlName = async (question) => {
    const id = find(question)
    const account = id === undefined ? undefined : accounts.all.get(id)
    if (id === undefined || account === undefined) return undefined
    return { id, enabled: account.enabled, linked: account.keys.length > 0 }
  }
}

const accountOf = async (attempt: Attempt) => {
  const answer = await redeem(world, attempt)
  expect(answer.json()).not.toHaveProperty('error')
  return claimsOf(answer.json().access_token).sub
}
const refused = async (claims: Record<string, unknown>, reason: Parameters<typeof assertionRefusal>[0]) =>
  await expectRedemptionRefused(world, { claims }, assertionRefusal(reason))

describe('a SAML name', () => {
  it('[SAML-08] [JAG-19] [T72] finds its account at the first visit, and from then on the person is found by iss and sub', async () => {
    await refused({ sub: 'bob' }, 'subject_unknown')
    expect(await accountOf({ claims: { sub: 'bob', sub_id } })).toBe('u-bob')
    expect(await accountOf({ claims: { sub: 'bob' } })).toBe('u-bob')
    expect(await accountOf({ claims: { sub: 'bob', sub_id: { ...sub_id, nameid: 'n-robert' } } })).toBe('u-bob')
  })

  it.each<[string, object]>([
    ['name in other case', { nameid: 'N-BOB' }],
    ['name', { nameid: 'n-eve' }],
    ['name format', { nameid_format: 'urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified' }],
    ['name qualifier', { name_qualifier: 'https://other.example' }],
    ['qualifier of the service provider', { sp_name_qualifier: 'https://other.example/saml' }],
    ['provided id', { sp_provided_id: 'p-2' }],
  ])('[SAML-08] with another %s is another person’s, and without it too', async (_, change) => {
    await refused({ sub: 'bob', sub_id: { ...sub_id, ...change } }, 'subject_unknown')
    const gone = Object.fromEntries(Object.keys(change).map((name) => [name, undefined]))
    if (!('nameid' in change)) await refused({ sub: 'bob', sub_id: { ...sub_id, ...gone } }, 'subject_unknown')
    expect(await accountOf({ claims: { sub: 'bob', sub_id } })).toBe('u-bob')
  })

  it('[SAML-08] alone is enough only where the entry says so', async () => {
    const bare = { format: 'saml-nameid', issuer: entity, nameid: 'n-bob' }
    await refused({ sub: 'bob', sub_id: bare }, 'subject_unknown')
    trust(acme, { key: [] })
    expect(await accountOf({ claims: { sub: 'bob', sub_id: bare } })).toBe('u-bob')
  })

  it('[SAML-08] is compared in the members that the entry names', async () => {
    trust(acme, { key: ['samlIssuer', 'nameIdFormat'] })
    await refused({ sub: 'bob', sub_id: { ...sub_id, nameid_format: 'urn:x' } }, 'subject_unknown')
    const { format, issuer, nameid, nameid_format } = sub_id
    const least = { format, issuer, nameid, nameid_format }
    expect(await accountOf({ claims: { sub: 'bob', sub_id: least } })).toBe('u-bob')
  })

  it('[SAML-08] of two accounts names neither', async () => {
    world.chat.accounts.all.set('u-rob', { enabled: true, keys: [] })
    know({ 'u-bob': [bobsName], 'u-rob': [{ ...bobsName, nameIdFormat: undefined }] })
    trust(acme, { key: ['samlIssuer'] })
    await refused({ sub: 'bob', sub_id }, 'subject_unknown')
    trust(acme, {})
    expect(await accountOf({ claims: { sub: 'bob', sub_id } })).toBe('u-bob')
  })

  it('[SAML-09] of another issuer with the same text is another person’s', async () => {
    trust(beta, { samlIssuers: [entity] })
    const attempt = { claims: { iss: beta, sub: 'bob', sub_id }, signer: await signerOf('b1') }
    await expectRedemptionRefused(world, attempt, assertionRefusal('subject_unknown'))
    expect(await accountOf({ claims: { sub: 'bob', sub_id } })).toBe('u-bob')
  })

  it('[SAML-08] [TEN-08] in one tenant of the issuer is another person’s in another', async () => {
    const entry = world.chat.trusted.get(acme)
    if (entry === undefined) throw new Error('no entry')
    entry.tenants = ['t1', 't2']
    know({ 'u-bob': [{ ...bobsName, tenant: 't1' }] })
    const visit = async (tenant: string) => {
      await redeem(world, { claims: { sub: 'bob', tenant, sub_id } })
      return world.audit.at(-1)?.reason
    }
    expect([await visit('t2'), await visit('t1')]).toEqual(['subject_unknown', 'granted'])
  })

  it('[JAG-19] that names another person than sub does is refused', async () => {
    await refused({ sub_id }, 'sub_id_untrusted')
    expect(world.audit.at(-2)).toMatchObject({ detail: 'sub is account u-alice, sub_id is account u-bob' })
    know({ 'u-alice': [bobsName] })
    expect(await accountOf({ claims: { sub_id } })).toBe('u-alice')
  })

  it('of an account that somebody is linked to already is not given to a second subject', async () => {
    expect(await accountOf({ claims: { sub: 'bob', sub_id } })).toBe('u-bob')
    await refused({ sub: 'bob-again', sub_id }, 'subject_unknown')
  })

  it('of a disabled account is refused as every other way to it', async () => {
    world.chat.accounts.all.set('u-bob', { enabled: false, keys: [] })
    const attempt = { claims: { sub: 'bob', sub_id } }
    await expectRedemptionRefused(world, attempt, { error: 'access_denied', reason: 'subject_disabled' })
  })

  it('finds nobody at a host whose accounts have no SAML names', async () => {
    delete world.chat.accounts.findBySamlName
    await refused({ sub: 'bob', sub_id }, 'subject_unknown')
    expect(await accountOf({ claims: { sub_id } })).toBe('u-alice')
  })
})

describe('a sub_id that does not count', () => {
  it.each<[string, object | undefined]>([
    ['[SAML-07] is missing', undefined],
    ['[SAML-07] has another format', { format: 'email', email: 'bob@acme.example' }],
    ['[OKTA-09] has the other spelling of the format', { ...sub_id, format: 'saml_nameid' }],
  ])('%s: refused where one is required, and without effect where none is', async (_, other) => {
    const claims = { sub_id: other }
    expect(await accountOf({ claims })).toBe('u-alice')
    await refused({ ...claims, sub: 'bob' }, 'subject_unknown')
    trust(acme, { required: true })
    know({ 'u-alice': [bobsName] })
    const answer = await redeem(world, { claims })
    expect(answer.json()).toMatchObject({ error: 'invalid_grant' })
    expect(world.audit.at(-1)).toMatchObject({ reason: 'sub_id_untrusted' })
    expect(await accountOf({ claims: { sub_id } })).toBe('u-alice')
  })

  it.each<[string, object]>([
    ['[SAML-07] has no issuer', { issuer: undefined }],
    ['[SAML-07] has no name', { nameid: undefined }],
    ['[SAML-07] has a member of another format', { email: 'bob@acme.example' }],
    ['[SAML-09] [ATK-044] names a SAML issuer nobody is tied to', { issuer: 'https://saml.evil.example' }],
    ['[SAML-09] [ATK-044] [T-11] names the SAML issuer of another trusted issuer', { issuer: betaEntity }],
    ['[SAML-09] names its SAML issuer in other case', { issuer: entity.toUpperCase() }],
    ['[FL-NID-01] is a transient name', { nameid_format: nameIdFormat.transient }],
  ])('%s: refused, whether one is required or not', async (_, change) => {
    trust(beta, { samlIssuers: [betaEntity] })
    for (const required of [false, true]) {
      trust(acme, { required })
      know({ 'u-alice': [bobsName] })
      const answer = await redeem(world, { claims: { sub_id: { ...sub_id, ...change } } })
      expect(answer.json()).toMatchObject({ error: 'invalid_grant' })
      expect(world.audit.at(-1)).toMatchObject({ reason: 'sub_id_untrusted' })
      expect(await accountOf({ claims: { sub_id } })).toBe('u-alice')
    }
  })

  it('[SAML-09] [ATK-044] speaks for another issuer’s people: refused also from an issuer that has no names of its own', async () => {
    trust(acme, undefined)
    trust(beta, { samlIssuers: [betaEntity] })
    await refused({ sub_id: { ...sub_id, issuer: betaEntity } }, 'sub_id_untrusted')
    expect(await accountOf({ claims: { sub_id } })).toBe('u-alice')
    await refused({ sub: 'bob', sub_id }, 'subject_unknown')
  })

  it('[SAML-09] is looked at only after signature, audience, client and time: those say first what is wrong', async () => {
    trust(acme, { required: true })
    know({ 'u-alice': [bobsName] })
    const wrong = { sub_id: { ...sub_id, issuer: betaEntity } }
    const reasonOf = async (attempt: Attempt) => {
      await redeem(world, attempt)
      return world.audit.at(-1)?.reason
    }
    expect(await reasonOf({ claims: wrong, signer: await signerOf('b1') })).toBe('key_unknown')
    expect(await reasonOf({ claims: { ...wrong, aud: 'https://as.files.example' } })).toBe('aud_mismatch')
    expect(await reasonOf({ claims: { ...wrong, client_id: 'another' } })).toBe('client_mismatch')
    expect(await reasonOf({ claims: { ...wrong, exp: 1 } })).toBe('expired')
    expect(await reasonOf({ claims: wrong })).toBe('sub_id_untrusted')
    expect(await reasonOf({ claims: { sub_id } })).toBe('granted')
  })

  it('[SAML-09] is refused before a host of its own is asked for the account', async () => {
    const own = await enterprise({ resolveSubject: async () => 'whoever', isSamlIssuer: async () => false })
    const entry = own.chat.trusted.get(acme)
    if (entry === undefined) throw new Error('no entry')
    entry.subjectId = { ...rules, required: true }
    expect((await redeem(own)).json()).toMatchObject({ error: 'invalid_grant' })
    expect((await redeem(own, { claims: { sub_id } })).statusCode).toBe(200)
  })
})
