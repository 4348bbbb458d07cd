/** The one layout that the signature of an assertion may have, of the many that XML Signature allows. */

import type { Element } from '@xmldom/xmldom'
import { refused } from './refusal.ts'
import { attribute, childElements, descendants, isNamed, namespace, textOf } from './xml.ts'

const enveloped = 'http://www.w3.org/2000/09/xmldsig#enveloped-signature'
const canonicalizations = [namespace.exclusive, 'http://www.w3.org/TR/2001/REC-xml-c14n-20010315']

/** What may be named: RSA with SHA-2; neither SHA-1 nor any HMAC, which would take the public key for a secret. */
export const algorithms = {
  signature: [
    'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
    'http://www.w3.org/2001/04/xmldsig-more#rsa-sha512',
    'http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1',
  ],
  digest: ['http://www.w3.org/2001/04/xmlenc#sha256', 'http://www.w3.org/2001/04/xmlenc#sha512'],
  transform: [enveloped, ...canonicalizations],
} as const

/**
 * The signature of an assertion that stands alone: a child of it, the only one at any depth, with one reference, which is the assertion.
 * Throws {@link OAuthError} `saml_signature` for any other layout and for algorithms that are not taken. Does NOT verify it.
 */
export function signatureOf(assertion: Element): Element {
  const [signature, ...more] = descendants(assertion, namespace.signature, 'Signature')
  if (signature === undefined) throw wrong('is not signed itself')
  if (more.length > 0 || signature.parentNode !== assertion) throw wrong('must hold one signature, as its own child')
  const [signedInfo, signatureValue] = parts(signature, ['SignedInfo', 'SignatureValue'], 'KeyInfo')
  const [canonicalization, method, reference] = parts(signedInfo, [
    'CanonicalizationMethod',
    'SignatureMethod',
    'Reference',
  ])
  const [transforms, digest, digestValue] = parts(reference, ['Transforms', 'DigestMethod', 'DigestValue'])
  checkAlgorithm(canonicalization, canonicalizations)
  checkAlgorithm(method, algorithms.signature)
  checkAlgorithm(digest, algorithms.digest)
  checkTransforms(transforms)
  if (textOf(signatureValue) === undefined || textOf(digestValue) === undefined)
    throw wrong('the values of its signature must be text alone')
  const id = attribute(assertion, 'ID')
  // An ID with a quote could be read as more than an ID where elements are looked for.
  if (id === undefined || !/^[A-Za-z_][A-Za-z0-9._-]{0,254}$/.test(id)) throw wrong('has no usable ID')
  // SAML core §5.4.2
  const uri = attribute(reference, 'URI')
  if (uri !== `#${id}` && uri !== '') throw wrong('its signature must refer to it')
  return signature
}

/** The children of an element, which must be these in this order; `optional` may follow. */
function parts<const Names extends readonly string[]>(
  element: Element,
  names: Names,
  optional?: string,
): { [Position in keyof Names]: Element } {
  const found = childElements(element)
  const expected = [...names, ...(optional !== undefined && found.length > names.length ? [optional] : [])]
  const same =
    found.length === expected.length &&
    expected.every((name, at) => found.slice(at, at + 1).every((one) => isNamed(one, namespace.signature, name)))
  if (!same) throw wrong(`the ${element.localName ?? 'element'} of its signature must hold ${names.join(', ')}`)
  return found.slice(0, names.length) as { [Position in keyof Names]: Element }
}

function checkAlgorithm(element: Element, known: readonly string[]): void {
  const algorithm = attribute(element, 'Algorithm')
  if (algorithm === undefined || !known.includes(algorithm) || childElements(element).length > 0)
    throw wrong(`the ${element.localName ?? 'element'} of its signature is not one that is taken`)
}

/** SAML core §5.4.4: enveloped, and a canonicalisation; prefixes may be named, which some signers do at both. */
function checkTransforms(transforms: Element): void {
  const [first, second, ...more] = childElements(transforms)
  const named = [first, second].flatMap((one) => (one === undefined ? [] : (attribute(one, 'Algorithm') ?? '')))
  const taken =
    named[0] === enveloped &&
    (named[1] === undefined || canonicalizations.includes(named[1])) &&
    more.length === 0 &&
    [first, second].every((one) => one === undefined || isNamed(one, namespace.signature, 'Transform')) &&
    [first, second].every((one) => one === undefined || namesPrefixes(childElements(one)))
  if (!taken) throw wrong('the Transforms of its signature are not ones that are taken')
}

function namesPrefixes([inclusion, ...more]: readonly Element[]): boolean {
  if (inclusion === undefined) return true
  // xml-crypto, which some identity providers sign with, gives it the namespace of the transform it stands in.
  const spaces = [namespace.exclusive, enveloped]
  return more.length === 0 && spaces.some((space) => isNamed(inclusion, space, 'InclusiveNamespaces'))
}

function wrong(message: string) {
  return refused('saml_signature', message)
}
