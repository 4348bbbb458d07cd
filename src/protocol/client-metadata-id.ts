/** Which client ids are the address of a Client ID Metadata Document: the form of the URL, before anything is fetched. */

import { isLoopbackHost } from './loopback.ts'

/**
 * True for an id that may be fetched as a Client ID Metadata Document (CIMD draft §3): an https URL with a path, in the one form that URL
 * libraries leave as it is, without user, fragment, query and dot segments. The draft only advises against a query; here it is refused,
 * because one document could go by endless names. `allowLoopback` opens http for loopback hosts alone (development). Does NOT fetch.
 */
export function isMetadataDocumentId(id: string, { allowLoopback }: { allowLoopback: boolean }): boolean {
  if (id.length > maxLength || !URL.canParse(id)) return false
  const url = new URL(id)
  const local = allowLoopback && url.protocol === 'http:' && isLoopbackHost(url.hostname)
  if (url.protocol !== 'https:' && !local) return false
  // The URL parser resolves dot segments, also percent-encoded ones, drops an empty query, and lowers the case of a host: any of these shows here.
  if (url.href !== id || url.pathname === '/') return false
  return url.username === '' && url.password === '' && !/[?#]/.test(id)
}

const maxLength = 255
