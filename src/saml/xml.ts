/** XML as a tree, read strictly: elements by namespace and name, texts that are nothing but text. */

import { DOMParser, type Element, type Node } from '@xmldom/xmldom'
import { refused } from './refusal.ts'
import { guardXml } from './xml-guard.ts'

/** The namespaces that are read. */
export const namespace = {
  assertion: 'urn:oasis:names:tc:SAML:2.0:assertion',
  protocol: 'urn:oasis:names:tc:SAML:2.0:protocol',
  signature: 'http://www.w3.org/2000/09/xmldsig#',
  exclusive: 'http://www.w3.org/2001/10/xml-exc-c14n#',
  declarations: 'http://www.w3.org/2000/xmlns/',
  inclusion: 'http://www.w3.org/2001/XInclude',
} as const

/** The root of a document. Throws {@link OAuthError} `saml_xml` for whatever a strict parser so much as warns of. Nothing is fetched. */
export function parseXml(text: string): Element {
  const xml = guardXml(text)
  const stop = (_level: string, message: string) => {
    throw new Error(message)
  }
  let root: Element | null
  try {
    root = new DOMParser({ locator: false, onError: stop }).parseFromString(xml, 'text/xml').documentElement
  } catch (cause) {
    throw refused('saml_xml', 'is not well-formed XML', undefined, cause)
  }
  if (root === null) throw refused('saml_xml', 'is not well-formed XML')
  if (descendants(root, namespace.inclusion, '*').length > 0) throw refused('saml_xml', 'must include nothing')
  // The library for signatures reads fewer names than this parser, and what it does not know it writes to the console.
  if (!hasPlainNames(root)) throw refused('saml_xml', 'must have names of ASCII alone')
  return root
}

function hasPlainNames(root: Element): boolean {
  const isPlain = ({ nodeName }: Node) => /^[A-Za-z_][\w.:-]*$/.test(nodeName)
  return [root, ...root.getElementsByTagName('*')].every(
    (element) => isPlain(element) && [...element.attributes].every(isPlain),
  )
}

/** True for an element of this namespace and name. */
export function isNamed(node: Node, space: string, name: string): node is Element {
  return node.nodeType === node.ELEMENT_NODE && node.namespaceURI === space && node.localName === name
}

/** Every element below, at any depth. */
export function descendants(element: Element, space: string, name: string): Element[] {
  return [...element.getElementsByTagNameNS(space, name)]
}

/** The child elements, of whatever name. */
export function childElements(element: Element): Element[] {
  return [...element.childNodes].filter((node): node is Element => node.nodeType === node.ELEMENT_NODE)
}

/** The children of this name in the namespace of assertions. */
export function children(element: Element, name: string): Element[] {
  return childElements(element).filter((child) => isNamed(child, namespace.assertion, name))
}

/** The value of an attribute without a namespace; undefined when it is not there. */
export function attribute(element: Element, name: string): string | undefined {
  return element.hasAttributeNS(null, name) ? (element.getAttributeNS(null, name) ?? undefined) : undefined
}

/** The text of an element that holds nothing but text, without white space around it; undefined when it holds anything else. */
export function textOf(element: Element): string | undefined {
  if ([...element.childNodes].some((node) => node.nodeType !== node.TEXT_NODE)) return undefined
  return (element.textContent ?? '').replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, '')
}
