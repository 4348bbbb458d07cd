/** For whom, where and until when an assertion is good, and that it is good once. */

import { describe, expect, it } from 'vitest'
import { onceKey } from '../../src/protocol/ports.ts'
import { readAssertion, spendAssertion } from '../../src/saml/assertion.ts'
import { acmeSaml, assertionXml, encoded, instant, type Parts, reading, signed, wikiAcs, wikiSp } from './assertions.ts'
import { expectRefused } from './refused.ts'

const { now } = reading()
const bearer = 'urn:oasis:names:tc:SAML:2.0:cm:bearer'
const confirmation = (data: string, method = bearer) =>
  `<saml:SubjectConfirmation Method="${method}"><saml:SubjectConfirmationData ${data}/></saml:SubjectConfirmation>`
const audience = (...names: string[]) =>
  `<saml:AudienceRestriction>${names.map((name) => `<saml:Audience>${name}</saml:Audience>`).join('')}</saml:AudienceRestriction>`
const inTime = `Recipient="${wikiAcs}" NotOnOrAfter="${instant(now + 300)}"`
const nameId = '<saml:NameID>alice</saml:NameID>'
const statement = (attributes: string) => `<saml:AuthnStatement ${attributes}/>`

describe('an assertion is refused', () => {
  it.each<[string, Parts]>([
    ['[SAML-01] [ATK-113] whose Audience is another service provider', { audience: audience('https://notes.example') }],
    ['[SAML-01] whose Audience begins with that of the client', { audience: audience(`${wikiSp}/`) }],
    ['[SAML-01] for everybody', { audience: '' }],
    [
      '[SAML-01] with a second restriction, to others',
      { audience: audience(wikiSp) + audience('https://notes.example') },
    ],
    ['[SAML-01] with an empty restriction', { audience: audience(wikiSp) + audience() }],
    [
      '[SAML-11] [ATK-113] whose Conditions are over',
      { validity: `NotBefore="${instant(now - 99)}" NotOnOrAfter="${instant(now - 30)}"` },
    ],
    [
      '[SAML-11] that is not valid yet',
      { validity: `NotBefore="${instant(now + 31)}" NotOnOrAfter="${instant(now + 99)}"` },
    ],
    ['[SAML-11] without NotBefore', { validity: `NotOnOrAfter="${instant(now + 99)}"` }],
    ['[SAML-11] without NotOnOrAfter', { validity: `NotBefore="${instant(now - 99)}"` }],
    ['with a time without a zone', { validity: `NotBefore="2027-01-15T07:00:00" NotOnOrAfter="2027-01-15T09:00:00Z"` }],
    [
      'with a time in another zone',
      { validity: `NotBefore="2027-01-15T07:00:00+01:00" NotOnOrAfter="2027-01-15T09:00:00Z"` },
    ],
    [
      'that lives for more than a day',
      { validity: `NotBefore="${instant(now)}" NotOnOrAfter="${instant(now + 86_401)}"` },
    ],
    ['without Conditions', { conditions: '' }],
    [
      'with Conditions twice',
      { more: `<saml:Conditions NotBefore="${instant(now)}" NotOnOrAfter="${instant(now + 9)}"/>` },
    ],
    ['[SAML-11] with ProxyRestriction', { condition: '<saml:ProxyRestriction Count="0"/>' }],
    ['[SAML-11] with a condition that nobody knows', { condition: '<x xmlns="urn:x"/>' }],
    ['[SAML-11] [ATK-113] whose Recipient is another place', { recipient: 'https://wiki.example/other' }],
    ['[SAML-11] without Recipient', { confirmation: confirmation(`NotOnOrAfter="${instant(now + 9)}"`) }],
    [
      '[SAML-11] whose confirmation is over',
      { confirmation: confirmation(`Recipient="${wikiAcs}" NotOnOrAfter="${instant(now - 30)}"`) },
    ],
    ['[SAML-11] whose confirmation has no end', { confirmation: confirmation(`Recipient="${wikiAcs}"`) }],
    ['whose confirmation has NotBefore', { confirmation: confirmation(`${inTime} NotBefore="${instant(now - 9)}"`) }],
    [
      '[SAML-11] that must be confirmed by a key',
      { confirmation: confirmation(inTime, 'urn:oasis:names:tc:SAML:2.0:cm:holder-of-key') },
    ],
    ['without a confirmation', { confirmation: '' }],
    [
      'whose right time and right place are of two confirmations',
      {
        confirmation:
          confirmation(`Recipient="${wikiAcs}" NotOnOrAfter="${instant(now - 99)}"`) +
          confirmation(`Recipient="https://x.example" NotOnOrAfter="${instant(now + 99)}"`),
      },
    ],
    ['of Version 1.1', { version: '1.1' }],
    ['without a moment of issue', { issued: 'now' }],
    ['that was issued in the future', { issued: instant(now + 31) }],
    ['without a Subject', { subject: '' }],
    ['with two Subjects', { more: `<saml:Subject>${nameId}</saml:Subject>` }],
    ['without a NameID', { nameId: '' }],
    ['with two NameIDs', { nameId: nameId + nameId }],
    ['with an empty NameID', { nameId: '<saml:NameID> </saml:NameID>' }],
    ['with a NameID of several lines', { nameId: '<saml:NameID>al\nice</saml:NameID>' }],
    ['with a NameID of 256 characters', { nameId: `<saml:NameID>${'a'.repeat(256)}</saml:NameID>` }],
    ['without a sign-in', { statement: '' }],
    ['with two sign-ins', { more: statement(`AuthnInstant="${instant(now)}"`) }],
    ['with a sign-in in the future', { statement: statement(`AuthnInstant="${instant(now + 31)}"`) }],
    ['with a sign-in without a moment', { statement: statement('') }],
    [
      'whose session is over',
      { statement: statement(`AuthnInstant="${instant(now - 99)}" SessionNotOnOrAfter="${instant(now - 30)}"`) },
    ],
    [
      'whose session ends at no moment',
      { statement: statement(`AuthnInstant="${instant(now - 99)}" SessionNotOnOrAfter="later"`) },
    ],
  ])('%s', async (_, parts) => {
    await expectRefused(encoded(signed(assertionXml(now, parts))), 'saml_conditions')
  })

  it('[SAML-01] where the client is no service provider of its issuer', async () => {
    await expectRefused(encoded(signed(assertionXml(now))), 'saml_conditions', { serviceProviderAt: () => undefined })
  })
})

describe('an assertion', () => {
  it('needs no class of its sign-in, and keeps attributes that are more than text to itself', () => {
    const attributes =
      '<saml:AttributeStatement><saml:Attribute Name="a"><saml:AttributeValue><x xmlns="urn:x"/></saml:AttributeValue></saml:Attribute><saml:Attribute><saml:AttributeValue>b</saml:AttributeValue></saml:Attribute></saml:AttributeStatement>'
    const parts = { statement: statement(`AuthnInstant="${instant(now)}"`), attributes }
    const read = readAssertion(encoded(signed(assertionXml(now, parts))), reading().rules)
    expect(read).toMatchObject({ authTime: now, attributes: new Map([['a', []]]) })
    expect(read).not.toHaveProperty('acr')
  })

  it('[SAML-11] is spent once, under its issuer and ID, until no clock takes it any more', async () => {
    const { rules, spent } = reading()
    const token = encoded(signed(assertionXml(now, { id: '_once' })))
    await spendAssertion(readAssertion(token, rules), rules)
    expect(spent).toEqual([{ key: onceKey('saml-assertion', acmeSaml, null, '_once'), until: now + 360 }])
    // Reading consumes nothing; another encoding or signature of the same ID is the same assertion.
    const again = readAssertion(encoded(signed(assertionXml(now, { id: '_once' })), 'base64'), rules)
    await expect(spendAssertion(again, rules)).rejects.toMatchObject({
      code: 'invalid_grant',
      reason: 'saml_conditions',
    })
  })

  it('is not spent after its end', async () => {
    const { rules, clock, spent } = reading()
    const assertion = readAssertion(encoded(signed(assertionXml(now))), rules)
    clock.now = now + 330
    await expect(spendAssertion(assertion, rules)).rejects.toMatchObject({ reason: 'saml_conditions' })
    expect(spent).toEqual([])
  })

  it('is refused when it is older than what the store remembers, also where the store finds so late', async () => {
    const { rules, clock, riseFenceOnSpend } = reading()
    const token = encoded(signed(assertionXml(now)))
    const assertion = readAssertion(token, rules)
    riseFenceOnSpend()
    await expect(spendAssertion(assertion, rules)).rejects.toMatchObject({ reason: 'replay_fence' })
    clock.fence = now + 0.5
    expect(() => readAssertion(token, rules)).toThrow('sign in again')
  })
})
