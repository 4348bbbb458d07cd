/** Signature wrapping: however a good assertion is laid beside, around or inside of a forged one, the forged one is never read. */

import { describe, it } from 'vitest'
import { assertionXml, encoded, reading, responseOf, signed } from './assertions.ts'
import { expectRefused } from './refused.ts'

const { now } = reading()
const id = '_original'
const good = signed(assertionXml(now, { id }))
const [signature = ''] = /<ds:Signature .*<\/ds:Signature>/s.exec(good) ?? []
const unsigned = good.replace(signature, '')

/** Mallory's, with something behind its Issuer and something at its end. */
function forged(forgedId: string, afterIssuer = '', atEnd = ''): string {
  const xml = assertionXml(now, { id: forgedId, nameId: '<saml:NameID>mallory</saml:NameID>', more: atEnd })
  return xml.replace('</saml:Issuer>', `</saml:Issuer>${afterIssuer}`)
}

function signatureWith(inside: string): string {
  return signature.replace('</ds:Signature>', `<ds:Object>${inside}</ds:Object></ds:Signature>`)
}

function responseWith(before: string, after: string): string {
  return responseOf(before).replace('</samlp:Response>', `${after}</samlp:Response>`)
}

const layouts: { [layout: string]: (forgedId: string) => string } = {
  '1, the signed Response inside of the signature of a forged one': (forgedId) =>
    responseWith(signatureWith(responseOf(good)), forged(forgedId)),
  '2, the signed Response before the signature of a forged one': (forgedId) =>
    responseWith(responseOf(good) + signature, forged(forgedId)),
  '3, the forged assertion before the signed one': (forgedId) => responseOf(forged(forgedId) + good),
  '3, the forged assertion behind the signed one': (forgedId) => responseOf(good + forged(forgedId)),
  '4, the signed assertion inside of the forged one': (forgedId) => responseOf(forged(forgedId, '', good)),
  '4, without a Response': (forgedId) => forged(forgedId, '', good),
  '5, the signature in the forged assertion, the original at the end': (forgedId) =>
    responseOf(forged(forgedId, signature) + unsigned),
  '6, the original inside of the signature of the forged one': (forgedId) =>
    responseOf(forged(forgedId, signature.replace('</ds:SignedInfo>', `</ds:SignedInfo>${unsigned}`))),
  '6, without a Response': (forgedId) =>
    forged(forgedId, signature.replace('</ds:SignedInfo>', `</ds:SignedInfo>${unsigned}`)),
  '7, the forged assertion in Extensions': (forgedId) =>
    responseOf(`<samlp:Extensions>${forged(forgedId)}</samlp:Extensions>${good}`),
  '8, the original in an Object of the signature of the forged one': (forgedId) =>
    responseOf(forged(forgedId, signatureWith(unsigned))),
  '8, without a Response': (forgedId) => forged(forgedId, signatureWith(unsigned)),
  'of an unsigned assertion prepended to a bare one in Advice': (forgedId) =>
    forged(forgedId, '', `<saml:Advice>${good}</saml:Advice>`),
}

describe('[ATK-110] signature wrapping in the layout', () => {
  it.each(Object.entries(layouts))(
    '%s is refused, with an ID of its own and with that of the original',
    async (_, layout) => {
      for (const forgedId of ['_forged', id]) await expectRefused(encoded(layout(forgedId)), 'saml_signature')
    },
  )
})

describe('[ATK-110] an assertion', () => {
  it.each<[string, string]>([
    ['without a signature', unsigned],
    ['without a signature, in a signed Response', responseOf(unsigned).replace('<samlp:Status>', `${signature}$&`)],
    ['with the signature of another', forged('_forged', signature)],
    ['with the signature and the ID of another', forged(id, signature)],
    ['with its signature twice', good.replace(signature, signature + signature)],
    ['with its signature in its Subject', unsigned.replace('<saml:Subject>', `$&${signature}`)],
    ['with a changed name', good.replace('>alice<', '>mallory<')],
    [
      'whose signature covers its Subject alone',
      signed(assertionXml(now).replace('<saml:Subject>', '<saml:Subject ID="_s">'), {
        xpath: '/*',
        emptyUri: false,
      }).replace(/URI="#[^"]*"/, 'URI="#_s"'),
    ],
    ['that holds a second element with its ID', good.replace('<saml:Subject>', `<saml:Subject ID="${id}">`)],
  ])('%s is refused', async (_, xml) => {
    await expectRefused(encoded(xml), 'saml_signature')
  })
})
