/** Which XML is refused before a parser sees it, or by the strictest one. */

import { deflateRawSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { readAssertion } from '../../src/saml/assertion.ts'
import { guardXml } from '../../src/saml/xml-guard.ts'
import { assertionXml, encoded, reading, responseOf, signed } from './assertions.ts'
import { expectRefused } from './refused.ts'

const { now } = reading()
const good = signed(assertionXml(now))
const name = '>alice<'
const bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'

describe('[ATK-112] a subject token is refused', async () => {
  it.each<[string, string | Buffer]>([
    ['with a document type', `<!DOCTYPE x>${good}`],
    ['with a document type behind an XML declaration', `<?xml version="1.0"?><!DOCTYPE x>${good}`],
    ['with an entity bomb', bomb + good.replace(name, '>&b;<')],
    [
      'with an external entity',
      `<!DOCTYPE x [<!ENTITY f SYSTEM "http://127.0.0.1:9/x">]>${good.replace(name, '>&f;<')}`,
    ],
    ['with an entity that nobody declared', good.replace(name, '>&alice;<')],
    ['with an entity that HTML declares', good.replace(name, '>&nbsp;<')],
    [
      'with XInclude',
      good.replace(name, '><xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="http://127.0.0.1:9/x"/><'),
    ],
    ['with an external stylesheet', `<?xml-stylesheet href="http://127.0.0.1:9/x"?>${good}`],
    ['with a name beyond ASCII', good.replace('Version="2.0"', 'Version="2.0" V\u{e0164}ersion="2.0"')],
    ['with an element whose name is beyond ASCII', good.replace(name, '><\u{20000}/><')],
    ['with a comment before its element', `<!-- x -->${good}`],
    ['with a CDATA section', good.replace(name, '><![CDATA[alice]]><')],
    ['that was deflated', deflateRawSync(good)],
    ['that is a deflate bomb', deflateRawSync(Buffer.alloc(20_000_000, 'a'))],
    ['in UTF-16', Buffer.from(good, 'utf16le')],
    ['in Latin-1', Buffer.from(good.replace('alice', 'ál'), 'latin1')],
    ['with another encoding declared', `<?xml version="1.0" encoding="ISO-8859-1"?>${good}`],
    ['in XML 1.1', `<?xml version="1.1"?>${good}`],
    ['with a character that XML does not have', good.replace(name, '>al\u0001ice<')],
    ['that is too deep', good.replace(name, `>${'<a>'.repeat(60)}${'</a>'.repeat(60)}<`)],
    ['with too many elements', good.replace(name, `>${'<a/>'.repeat(4001)}<`)],
    [
      'with too many attributes',
      good.replace(name, `><a ${Array.from({ length: 101 }, (_, at) => `a${at}=""`).join(' ')}/><`),
    ],
    ['with an attribute twice', good.replace('Version=', 'Version="2.0" Version=')],
    ['with an attribute without quotes', good.replace('Version="2.0"', 'Version=2.0')],
    ['that is not closed', good.slice(0, -1)],
    ['with two roots', `${good}${good}`],
    ['with text behind its element', `${good}x`],
    ['with a prefix that nobody declared', good.replace('<saml:Subject>', '<x:y/>$&')],
    ['that is no XML', 'alice'],
    ['that is an ID Token', 'e30.e30.e30'],
    ['of another kind', '<x xmlns="urn:x"/>'],
    ['that is a Response of another kind', '<Response xmlns="urn:x"/>'],
    ['that is encrypted', responseOf('<saml:EncryptedAssertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"/>')],
    ['with an encrypted name', signed(assertionXml(now, { nameId: '<saml:EncryptedID/>' }))],
  ])('%s', async (_, xml) => {
    await expectRefused(encoded(xml), 'saml_xml')
  })

  it.each<[string, string]>([
    ['in both alphabets of base64', `${encoded(good)}+/-_`],
    ['with base64 that ends too soon', `${encoded(good).slice(0, 4)}A`],
    ['that is XML as it is', good],
    ['that is an ID Token', 'e30.e30.e30'],
    ['that is empty but for padding', '=='],
  ])('%s', async (_, token) => {
    await expectRefused(token, 'saml_xml')
  })

  it.each<[string, string]>([
    ['that is too long', encoded(good.replace(name, `>${'a'.repeat(70_000)}<`))],
    ['with a line break in its base64', `${encoded(good).slice(0, 76)}\n${encoded(good).slice(76)}`],
  ])('%s, also where no form refuses it before', (_, token) => {
    expect(() => readAssertion(token, reading().rules)).toThrow(/^subject_token: /)
  })

  it('in a Response with no assertion or with two', async () => {
    await expectRefused(encoded(responseOf('')), 'saml_signature')
    await expectRefused(encoded(responseOf(good + good)), 'saml_signature')
  })
})

describe('the guard', () => {
  it('leaves of a document what comes behind its declaration', () => {
    expect(
      guardXml('<?xml version="1.0" encoding="utf-8" standalone="no"?>\n<a b=\'>\' c="/>">&amp;&#65;&#x41;</a>'),
    ).toBe('<a b=\'>\' c="/>">&amp;&#65;&#x41;</a>')
  })
})
