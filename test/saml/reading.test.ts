/** What the reader of assertions takes: the ways in which identity providers write, sign and send them. */

import { describe, expect, it } from 'vitest'
import { readAssertion } from '../../src/saml/assertion.ts'
import { acmeSaml, assertionXml, encoded, reading, responseOf, signed, wikiAcs, wikiSp } from './assertions.ts'

const alice = { value: 'alice', format: 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent' }

function read(token: string) {
  return readAssertion(token, reading().rules)
}

const { now } = reading()
const inclusive = 'http://www.w3.org/TR/2001/REC-xml-c14n-20010315'
const enveloped = 'http://www.w3.org/2000/09/xmldsig#enveloped-signature'

describe('an assertion', () => {
  it('says who, how, when and for how long', () => {
    const { rules } = reading()
    const session = `<saml:AuthnStatement AuthnInstant="2027-01-15T07:59:00.5Z" SessionNotOnOrAfter="2027-01-15T16:00:00Z"><saml:AuthnContext><saml:AuthnContextClassRef>strong</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>`
    const nameId = '<saml:NameID NameQualifier="n" SPNameQualifier="s" SPProvidedID="p">alice</saml:NameID>'
    const xml = assertionXml(now, { id: '_one', statement: session, nameId })
    expect(readAssertion(encoded(signed(xml)), rules)).toEqual({
      id: '_one',
      issuer: acmeSaml,
      issuedAt: now,
      notOnOrAfter: now + 300,
      nameId: { value: 'alice', nameQualifier: 'n', spNameQualifier: 's', spProvidedId: 'p' },
      authTime: now - 60,
      acr: 'strong',
      sessionNotOnOrAfter: now + 8 * 3600,
      attributes: new Map([
        ['groups', ['engineering', 'writers']],
        ['mail', ['alice@acme.example']],
      ]),
    })
    expect(rules.facts).toMatchObject({ issuer: acmeSaml, subject: 'alice', tokenId: expect.any(String) })
    expect(rules.facts.unverified).toBeUndefined()
  })

  it.each<[string, string]>([
    ['as base64url', encoded(signed(assertionXml(now)))],
    [
      'as base64url with padding',
      Buffer.from(`${signed(assertionXml(now))} `)
        .toString('base64url')
        .padEnd(8, '='),
    ],
    ['as base64 with padding', encoded(signed(assertionXml(now)), 'base64')],
    ['with an XML declaration', encoded(`<?xml version="1.0" encoding="UTF-8"?>\n${signed(assertionXml(now))}`)],
    ['with a byte order mark', encoded(`\ufeff${signed(assertionXml(now))}`)],
    ['with the prefix saml2', encoded(signed(assertionXml(now, { prefix: 'saml2' })))],
    ['in the default namespace', encoded(signed(assertionXml(now, { prefix: '' })))],
    ['printed over several lines', encoded(signed(pretty(assertionXml(now))))],
    ['in a Response', encoded(responseOf(signed(assertionXml(now))))],
    ['in a Response, as base64', encoded(responseOf(signed(assertionXml(now))), 'base64')],
    [
      'signed with SHA-512',
      encoded(
        signed(assertionXml(now), {
          signature: 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha512',
          digest: 'http://www.w3.org/2001/04/xmlenc#sha512',
        }),
      ),
    ],
    [
      'signed with PSS',
      encoded(signed(assertionXml(now), { signature: 'http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1' })),
    ],
    [
      'with inclusive canonicalisation',
      encoded(signed(assertionXml(now), { canonicalization: inclusive, transforms: [enveloped, inclusive] })),
    ],
    ['signed as a whole document', encoded(signed(assertionXml(now), { emptyUri: true }))],
    [
      'canonicalised exclusively but for a prefix',
      encoded(
        signed(assertionXml(now, { root: ' xmlns:xs="http://www.w3.org/2001/XMLSchema"' }), { inclusive: ['xs'] }),
      ),
    ],
    ['with OneTimeUse', encoded(signed(assertionXml(now, { condition: '<saml:OneTimeUse/>' })))],
    [
      'for several service providers, of which one is the client',
      encoded(
        signed(
          assertionXml(now, {
            audience: `<saml:AudienceRestriction><saml:Audience>https://other.example</saml:Audience><saml:Audience>${wikiSp}</saml:Audience></saml:AudienceRestriction>`,
          }),
        ),
      ),
    ],
    [
      'with a second confirmation, which is not by bearing it',
      encoded(
        signed(
          assertionXml(now, {
            more: '',
            confirmation: `<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:holder-of-key"/><saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData Recipient="${wikiAcs}" NotOnOrAfter="2027-01-15T08:05:00Z"/></saml:SubjectConfirmation>`,
          }),
        ),
      ),
    ],
  ])('is taken %s', (_, token) => {
    expect(read(token).nameId).toEqual(alice)
  })

  it('is taken out of a Response that declares its prefixes and is signed itself', () => {
    const xs = ' xmlns:xs="http://www.w3.org/2001/XMLSchema"'
    const response = responseOf(assertionXml(now), `${xs} xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"`)
    const inside = signed(response, { xpath: '/*/*[local-name(.)="Assertion"]', inclusive: ['xs'] })
    expect(read(encoded(inside)).nameId).toEqual(alice)
    const both = signed(
      inside.replace(
        '<samlp:Status>',
        `<saml:Issuer xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">${acmeSaml}</saml:Issuer>$&`,
      ),
    )
    expect(both.match(/<ds:Signature /g)).toHaveLength(2)
    expect(read(encoded(both)).nameId).toEqual(alice)
  })

  it('is good from NotBefore to NotOnOrAfter, and for the skew around them', () => {
    const world = reading()
    const token = encoded(signed(assertionXml(now)))
    for (const [at, good] of [
      [now - 41, false],
      [now - 30, true],
      [now + 329, true],
      [now + 330, false],
    ] as const) {
      world.clock.now = at
      const attempt = () => readAssertion(token, world.rules)
      if (good) expect(attempt().nameId).toEqual(alice)
      else expect(attempt).toThrow(/^subject_token: /)
    }
  })
})

/** A line for each element that holds no text. */
function pretty(xml: string): string {
  return xml.replace(/></g, '>\n  <')
}
