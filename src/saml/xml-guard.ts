/** What XML must not hold, judged on its characters before any parser sees it (CVE-2017-11427, XXE, entity bombs). */

import { refused } from './refusal.ts'

const limits = { elements: 2000, depth: 32, equalsSigns: 100 } as const
const declaration = /^(?:<\?xml version="1\.0"(?: encoding="utf-8")?(?: standalone="(?:yes|no)")?\s*\?>)?\s*$/i
const reference = /&(?!(?:amp|lt|gt|quot|apos|#[0-9]{1,7}|#x[0-9A-Fa-f]{1,6});)/
const forbiddenCharacter = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u

/**
 * The document without its XML declaration. Throws {@link OAuthError} for a document type, an entity of its own, CDATA, a processing
 * instruction, a comment, and for more elements, depth or attributes than any assertion has. In what is left, every `<` begins a tag.
 */
export function guardXml(text: string): string {
  const start = text.search(/<[A-Za-z_]/)
  if (start === -1 || !declaration.test(text.slice(0, start)))
    throw refused('saml_xml', 'must be XML in UTF-8 that begins with its element')
  const xml = text.slice(start)
  if (/<!(?!--)/.test(xml)) throw refused('saml_xml', 'must hold no document type, entity or CDATA section')
  if (reference.test(xml)) throw refused('saml_xml', 'must hold no entity of its own')
  if (forbiddenCharacter.test(xml)) throw refused('saml_xml', 'holds a character that XML does not have')
  // CVE-2017-11427: what canonicalisation drops, a reader may stumble over.
  if (/<!--|<\?/.test(xml)) throw refused('saml_signature', 'must hold no comment and no processing instruction')
  checkSize(xml)
  return xml
}

/** Whoever builds a tree of it takes time for each element, each level and each attribute. */
function checkSize(xml: string): void {
  const tags = xml.split('<').slice(1)
  let depth = 0
  for (const tag of tags) {
    if (tag.startsWith('/')) depth -= 1
    else if (!/^[^"'>]*(?:"[^"]*"[^"'>]*|'[^']*'[^"'>]*)*\/>/.test(tag)) depth += 1
    if (depth > limits.depth || (tag.match(/=/g)?.length ?? 0) > limits.equalsSigns) throw tooLarge()
  }
  if (tags.length > 2 * limits.elements) throw tooLarge()
}

function tooLarge() {
  return refused('saml_xml', 'has more elements, levels or attributes than an assertion')
}
