/** Resource indicators (RFC 8707): their syntax, and when two of them are the same. */

import { recentlyUsed } from './recently-used.ts'

/** RFC 8707 §2: an absolute URI without a fragment. It may have a query. */
export function isResourceIndicator(text: string): boolean {
  if (lately.get(text) === true) return true
  const is = isAbsoluteUri(text)
  // A copy: what is cut from a string keeps all of it in memory.
  if (is && text.length <= longestKept) lately.set(Buffer.from(text).toString(), true)
  return is
}

/** Those that were found to be one: the same few are named in request after request. */
const lately = recentlyUsed<true>(1000)
const longestKept = 256

function isAbsoluteUri(text: string): boolean {
  return text.length <= 2048 && !/[\s#]/.test(text) && URL.canParse(text) && /^[a-z][a-z0-9+.-]*:./i.test(text)
}

/**
 * The form in which resource identifiers are compared: as they are, except that an address without a path equals the
 * same with `/`, because clients that go through a URL object send the second for the first. Nothing else is folded.
 */
export function comparableResource(resource: string): string {
  return /^https?:\/\/[^/?]+$/i.test(resource) ? `${resource}/` : resource
}

export function sameResource(one: string, other: string): boolean {
  return one === other || comparableResource(one) === comparableResource(other)
}
