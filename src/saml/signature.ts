/** The XML signature of an assertion: one layout, few algorithms, pinned keys, and afterwards nothing but the bytes that were signed. */

import type { X509Certificate } from 'node:crypto'
import { type Element, XMLSerializer } from '@xmldom/xmldom'
import { SignedXml } from 'xml-crypto'
import type { Seconds } from '../protocol/ports.ts'
import { refused } from './refusal.ts'
import { algorithms, signatureOf } from './signature-layout.ts'
import { attribute, isNamed, namespace, parseXml } from './xml.ts'

/**
 * What was signed, of an assertion that stands alone: parsed anew from the very bytes that the signature covers. Throws
 * {@link OAuthError} `saml_signature` unless exactly one signature covers the whole assertion and one of the certificates made it, which
 * must be valid `now`. Keys, certificates and chains inside of the assertion are NOT looked at.
 */
export function signedPart(
  assertion: Element,
  { certificates, now }: { certificates: readonly X509Certificate[]; now: Seconds },
): Element {
  const signature = signatureOf(assertion)
  const xml = new XMLSerializer().serializeToString(assertion)
  const valid = certificates.filter(
    (one) => Date.parse(one.validFrom) <= now * 1000 && now * 1000 < Date.parse(one.validTo),
  )
  if (valid.length === 0)
    throw refused(
      'saml_signature',
      'its signature is not one of its issuer',
      'no certificate of the issuer is valid now',
    )
  const causes: unknown[] = []
  for (const certificate of valid) {
    try {
      const signed = verified(xml, signature, certificate)
      const root = signed === undefined ? undefined : parseXml(signed)
      if (root !== undefined && isSame(root, assertion)) return root
    } catch (cause) {
      causes.push(cause)
    }
  }
  throw refused('saml_signature', 'its signature is not one of its issuer', undefined, causes[0])
}

function verified(xml: string, signature: Element, certificate: X509Certificate): string | undefined {
  const judge = new SignedXml({
    publicCert: certificate.publicKey.export({ type: 'spki', format: 'pem' }),
    getCertFromKeyInfo: () => null,
  })
  judge.idAttributes = ['ID']
  judge.SignatureAlgorithms = only(judge.SignatureAlgorithms, algorithms.signature)
  judge.HashAlgorithms = only(judge.HashAlgorithms, algorithms.digest)
  judge.CanonicalizationAlgorithms = only(judge.CanonicalizationAlgorithms, algorithms.transform)
  judge.loadSignature(signature)
  if (!judge.checkSignature(xml)) return undefined
  const signed = judge.getSignedReferences()
  return signed.length === 1 ? signed[0] : undefined
}

function only<Value>(all: Record<string, Value>, names: readonly string[]): Record<string, Value> {
  return Object.fromEntries(Object.entries(all).filter(([name]) => names.includes(name)))
}

function isSame(root: Element, assertion: Element): boolean {
  return isNamed(root, namespace.assertion, 'Assertion') && attribute(root, 'ID') === attribute(assertion, 'ID')
}
