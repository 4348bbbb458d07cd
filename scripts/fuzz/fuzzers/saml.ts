/** SAML assertions for their reader: accidents to a genuine one, the layouts of signature wrapping, and XML by its grammar. */

import { OAuthError } from '../../../src/protocol/errors.ts'
import { readAssertion } from '../../../src/saml/assertion.ts'
import { assertionXml, encoded, foreignKey, reading, responseOf, signed } from '../../../test/saml/assertions.ts'
import type { ReaderFuzzer } from '../fuzzer.ts'
import { accident, hostileText } from '../hostile.ts'
import type { Random } from '../random.ts'

const { rules, now } = reading()
const genuine = signed(assertionXml(now, { id: '_seed' }))
const expected = JSON.stringify(readAssertion(encoded(genuine), rules))
const unsigned = assertionXml(now, { id: '_evil' }).replace('>alice<', '>mallory<')
/** Of people and companies that are not expected here: signed, and about nobody. */
const foreign = [
  signed(assertionXml(now, { id: '_foreign' }), { key: foreignKey }),
  signed(assertionXml(now, { id: '_shown' }), { key: foreignKey, shown: foreignKey }),
  signed(assertionXml(now, { audience: '' })),
  signed(assertionXml(now, { conditions: '' })),
  signed(assertionXml(now, { confirmation: '' })),
]
const signature = /<ds:Signature[\s\S]*<\/ds:Signature>/.exec(genuine)?.[0] ?? ''

export const saml: ReaderFuzzer = {
  name: 'saml',
  title: 'SAML assertions and XML',
  over: 'reader',
  weight: 4,
  make(random) {
    const xml = inputOf(random)
    const token = random.oneIn(12)
      ? hostileText(encoded(xml), random)
      : encoded(xml, random.oneIn(2) ? 'base64' : 'base64url')
    return {
      input: token,
      read() {
        try {
          const read = JSON.stringify(readAssertion(token, { ...rules, facts: {} }))
          return read === expected ? undefined : 'what was read is not what was signed'
        } catch (error) {
          if (!(error instanceof OAuthError)) throw error
          return error.code === 'invalid_grant' ? undefined : `refused as ${error.code}`
        }
      },
    }
  },
}

function inputOf(random: Random): string | Buffer {
  const kind = random.below(12)
  if (kind <= 4) {
    let bytes: Buffer = Buffer.from(genuine)
    for (let times = 1 + random.below(3); times > 0; times--) bytes = accident(bytes, random)
    return random.oneIn(4) ? responseOf(bytes.toString()) : bytes
  }
  if (kind <= 6) return wrapped(random)
  if (kind === 7) return random.pick(foreign)
  if (kind === 8) return prologue(random) + genuine
  if (kind === 9)
    return genuine.replace(
      random.pick(['alice', 'sha256', '2.0', 'persistent', 'bearer', 'Recipient', '_seed']),
      hostileText('x', random),
    )
  return element(random, random.pick([3, 6, 40]))
}

/** The genuine assertion moved, copied or hidden around one that nobody signed. */
function wrapped(random: Random): string {
  const without = genuine.replace(signature, '')
  const evil = unsigned.replace('_evil', random.pick(['_evil', '_seed']))
  const withSignature = evil.replace('</saml:Issuer>', `</saml:Issuer>${signature}`)
  const hide = (inside: string) => `<saml:Advice>${inside}</saml:Advice>`
  const end = '</saml:Assertion>'
  return random.pick([
    responseOf(unsigned + genuine),
    responseOf(genuine + unsigned),
    evil.replace(end, `${genuine}${end}`),
    evil.replace(end, `${hide(genuine)}${end}`),
    withSignature.replace(end, `${hide(without)}${end}`),
    withSignature.replace('</ds:Signature>', `<ds:Object>${without}</ds:Object></ds:Signature>`),
    responseOf(`<x>${genuine}</x>${evil}`),
    responseOf(hide(genuine) + evil),
    genuine.replace(signature, signature + signature),
    genuine.replace('<ds:SignedInfo>', '<ds:SignedInfo></ds:SignedInfo><ds:SignedInfo>'),
    genuine.replace(
      />alice</,
      `>${random.pick(['alice<!---->.evil', 'mal<!--x-->lory', '<?x?>alice', 'al<![CDATA[ice]]>', '&#97;lice', 'alice&#0;'])}<`,
    ),
    genuine.replace(
      'ID="_seed"',
      `ID="_seed" ${random.pick(['id="_evil"', 'xml:id="_seed"', 'Id="_seed"', 'ID="_seed"'])}`,
    ),
  ])
}

function prologue(random: Random): string {
  return random.pick([
    '<!DOCTYPE x>',
    '<!DOCTYPE x [<!ENTITY a "b">]>',
    '<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd">',
    `<!DOCTYPE x [<!ENTITY a "${'a'.repeat(100)}">${Array.from({ length: 10 }, (_, at) => `<!ENTITY a${at} "&a;&a;&a;&a;">`).join('')}]>`,
    '<?xml-stylesheet href="http://127.0.0.1:1/"?>',
    '<?xml version="1.0" encoding="UTF-16"?>',
    '<?xml version="1.1"?>',
    '\ufeff',
    '\0',
    '<!-- x -->',
    ' ',
  ])
}

const names = [
  'saml:Assertion',
  'saml:Issuer',
  'ds:Signature',
  'ds:SignedInfo',
  'ds:Reference',
  'samlp:Response',
  'x',
  'xi:include',
  '',
]

/** XML, or nearly. */
function element(random: Random, depth: number): string {
  const name = random.pick(names)
  const attributes = random.pick([
    '',
    ' ID="_seed"',
    ' xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"',
    ' xmlns:ds="http://www.w3.org/2000/09/xmldsig#" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_x" Version="2.0"',
    ` ${hostileText('a', random)}="x"`,
    ' URI="#_seed"',
    ' xmlns=""',
  ])
  const inside =
    depth === 0
      ? hostileText('text', random)
      : Array.from({ length: depth > 10 ? 1 : random.below(3) }, () => element(random, depth - 1)).join('')
  return random.oneIn(20) ? `<${name}${attributes}>${inside}` : `<${name}${attributes}>${inside}</${name}>`
}
