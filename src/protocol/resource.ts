/** Resource indicators (RFC 8707): their syntax, and when two of them are the same. */

/** RFC 8707 §2: an absolute URI without a fragment. It may have a query. */
export function isResourceIndicator(text: string): boolean {
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
