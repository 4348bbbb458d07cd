/** The assertion in what was sent: an Assertion as it is, or the one in a Response, taken out of it (ID-JAG D-17). */

import { type Element, XMLSerializer } from '@xmldom/xmldom'
import { refused } from './refusal.ts'
import { childElements, descendants, isNamed, namespace, parseXml } from './xml.ts'

/**
 * The assertion as the root of a document of its own: of a Response, nothing else is read, neither its status nor its signature. Throws
 * {@link OAuthError} for a document with no assertion, with more than one at any depth, or with an encrypted one.
 */
export function assertionIn(text: string): Element {
  const root = parseXml(text)
  if (['EncryptedAssertion', 'EncryptedID'].some((name) => descendants(root, namespace.assertion, name).length > 0))
    throw refused('saml_xml', 'must not be encrypted, nor hold an encrypted name')
  const inside = descendants(root, namespace.assertion, 'Assertion')
  if (isNamed(root, namespace.assertion, 'Assertion')) {
    if (inside.length > 0) throw wrapped()
    return root
  }
  if (!isNamed(root, namespace.protocol, 'Response')) throw refused('saml_xml', 'must be an Assertion or a Response')
  const [assertion] = childElements(root).filter((child) => isNamed(child, namespace.assertion, 'Assertion'))
  if (inside.length > 1 || assertion === undefined) throw wrapped()
  return parseXml(standingAlone(assertion, root))
}

/** The text of an element with the prefixes that it has from its parent, which its signature may cover. */
function standingAlone(element: Element, parent: Element): string {
  for (const { namespaceURI, name, value } of [...parent.attributes])
    if (namespaceURI === namespace.declarations && !element.hasAttribute(name))
      element.setAttributeNS(namespace.declarations, name, value)
  return new XMLSerializer().serializeToString(element)
}

function wrapped() {
  return refused('saml_signature', 'must hold exactly one assertion')
}
