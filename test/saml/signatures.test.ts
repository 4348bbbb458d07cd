/** Which signatures of assertions count: those of pinned keys, made with SHA-2, over text that hides nothing. */

import { createHmac, X509Certificate } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { readAssertion } from '../../src/saml/assertion.ts'
import { certified } from '../fixture/certificate.ts'
import { acmeKey, acmeSaml, assertionXml, encoded, foreignKey, reading, signed } from './assertions.ts'
import { expectRefused } from './refused.ts'

const { now } = reading()
const good = () => signed(assertionXml(now))
const enveloped = 'http://www.w3.org/2000/09/xmldsig#enveloped-signature'
const exclusive = 'http://www.w3.org/2001/10/xml-exc-c14n#'
const sha1 = 'http://www.w3.org/2000/09/xmldsig#sha1'

describe('[ATK-111] the signature of an assertion is refused', () => {
  it.each<[string, () => string]>([
    ['with a comment put into the NameID', () => good().replace('>alice<', '>al<!-- -->ice<')],
    [
      'with a comment that was in the NameID when it was signed',
      () => signed(assertionXml(now, { nameId: '<saml:NameID>alice<!-- -->.evil</saml:NameID>' })),
    ],
    ['with a processing instruction in the NameID', () => good().replace('>alice<', '>al<?x y?>ice<')],
    ['with an element in the NameID', () => good().replace('>alice<', '>al<x/>ice<')],
    ['with a second SignedInfo', () => good().replace(/<ds:SignedInfo>.*<\/ds:SignedInfo>/s, '$&$&')],
    [
      'with a second SignedInfo behind its value',
      () =>
        good().replace(/(<ds:SignedInfo>.*<\/ds:SignedInfo>)(<ds:SignatureValue>.*<\/ds:SignatureValue>)/s, '$1$2$1'),
    ],
    ['with a comment in its DigestValue', () => good().replace('<ds:DigestValue>', '$&<!-- AAAA -->')],
    ['with an element in its DigestValue', () => good().replace('<ds:DigestValue>', '$&<x/>')],
    ['with a second DigestValue', () => good().replace(/<ds:DigestValue>.*?<\/ds:DigestValue>/, '$&$&')],
    ['with a second Reference', () => good().replace(/<ds:Reference .*<\/ds:Reference>/s, '$&$&')],
    ['with an Object', () => good().replace('</ds:Signature>', '<ds:Object/></ds:Signature>')],
    [
      'made with RSA and SHA-1',
      () => signed(assertionXml(now), { signature: 'http://www.w3.org/2000/09/xmldsig#rsa-sha1' }),
    ],
    ['over a digest with SHA-1', () => signed(assertionXml(now), { digest: sha1 })],
    ['made with HMAC, the certificate being the secret', hmacSigned],
    [
      'with comments in what it covers',
      () => signed(assertionXml(now), { transforms: [enveloped, `${exclusive}WithComments`] }),
    ],
    [
      'with a canonicalisation that keeps comments',
      () => signed(assertionXml(now), { canonicalization: `${exclusive}WithComments` }),
    ],
    ['with one transform too many', () => signed(assertionXml(now), { transforms: [enveloped, exclusive, exclusive] })],
    ['that is not enveloped', () => good().replace(`Algorithm="${enveloped}"`, `Algorithm="${exclusive}"`)],
    [
      'by an XPath transform',
      () => good().replace(`Algorithm="${enveloped}"`, 'Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116"'),
    ],
    ['without the URI of what it covers', () => good().replace(/ URI="[^"]*"/, '')],
    ['of a key that it brings along', () => signed(assertionXml(now), { key: foreignKey })],
    [
      'of a foreign key beside the certificate of its issuer',
      () => signed(assertionXml(now), { key: foreignKey, shown: acmeKey }),
    ],
    ['over an assertion whose ID is none', () => signed(assertionXml(now, { id: 'a&quot;b' }))],
  ])('%s', async (_, xml) => {
    await expectRefused(encoded(xml()), 'saml_signature')
  })

  it('while no certificate of its issuer is valid', async () => {
    const key = certified({ from: '2026-12-01', to: '2027-01-15' })
    const young = certified({ from: '2027-01-16' })
    const issuer = (...keys: { certificate: string }[]) => ({
      findIssuer: () => ({
        entityId: acmeSaml,
        enabled: true,
        certificates: keys.map(({ certificate }) => new X509Certificate(certificate)),
      }),
    })
    for (const one of [key, young])
      await expectRefused(encoded(signed(assertionXml(now), { key: one })), 'saml_signature', issuer(one))
    // A new key beside the old one: either is enough, as long as its certificate is valid.
    const { rules } = reading(issuer(key, young, foreignKey, acmeKey))
    for (const one of [foreignKey, acmeKey])
      expect(readAssertion(encoded(signed(assertionXml(now), { key: one })), rules).nameId.value).toBe('alice')
  })
})

describe('the issuer of an assertion', async () => {
  it('must be one that is known', async () => {
    await expectRefused(encoded(signed(assertionXml(now, { issuer: 'https://evil.example' }))), 'issuer_unknown')
    await expectRefused(
      encoded(signed(assertionXml(now).replace(/<saml:Issuer>.*?<\/saml:Issuer>/, '$&$&'))),
      'issuer_unknown',
    )
  })

  it('must not be disabled', async () => {
    const findIssuer = () => ({ entityId: acmeSaml, enabled: false, certificates: [] })
    await expectRefused(encoded(good()), 'issuer_disabled', { findIssuer })
  })

  it('must be the one whose key signed it', async () => {
    const certificates = [new X509Certificate(foreignKey.certificate)]
    const findIssuer = () => ({ entityId: 'https://partner.example/saml', enabled: true, certificates })
    await expectRefused(encoded(signed(assertionXml(now), { key: foreignKey })), 'saml_signature', { findIssuer })
  })
})

/** Key confusion: what everybody may know, used as a shared secret. */
function hmacSigned(): string {
  const hmac = 'http://www.w3.org/2000/09/xmldsig#hmac-sha1'
  const xml = good().replace('http://www.w3.org/2001/04/xmldsig-more#rsa-sha256', hmac)
  const [info = ''] = /<ds:SignedInfo>.*<\/ds:SignedInfo>/s.exec(xml) ?? []
  const canonical = info.replace('<ds:SignedInfo>', '<ds:SignedInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#">')
  const value = createHmac('sha1', acmeKey.certificate).update(canonical).digest('base64')
  return xml.replace(/<ds:SignatureValue>[^<]*/, `<ds:SignatureValue>${value}`)
}
