/** The encoding of an assertion in a form parameter, undone: base64url or base64, and UTF-8 (RFC 8693 §3, ID-JAG D-17). */

import { refused } from './refusal.ts'

/** The longest assertion that is read, in bytes. */
export const maxAssertionBytes = 64 * 1024

/**
 * The XML as text. Takes base64url and base64, each with its padding or without. Throws {@link OAuthError} for anything else: white space,
 * a mixture of the two alphabets, bits that mean nothing, bytes that are not UTF-8. What was deflated is NOT inflated.
 */
export function decodeAssertion(token: string): string {
  const unpadded = token.replace(/={1,2}$/, '')
  const encoding = /^[A-Za-z0-9_-]+$/.test(unpadded)
    ? 'base64url'
    : /^[A-Za-z0-9+/]+$/.test(unpadded)
      ? 'base64'
      : undefined
  if (encoding === undefined) throw refused('saml_xml', 'is neither base64url nor base64')
  const bytes = Buffer.from(unpadded, encoding)
  if (bytes.toString(encoding).replace(/=+$/, '') !== unpadded) throw refused('saml_xml', 'its base64 is not complete')
  if (bytes.length > maxAssertionBytes) throw refused('saml_xml', 'is too long')
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw refused('saml_xml', 'is not XML in UTF-8', undefined, cause)
  }
}
