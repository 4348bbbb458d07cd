/** Which addresses the client talks to: https, or this very machine, and how an address lies within a resource. */

import { isLoopbackHost } from '../protocol/loopback.ts'
import { comparableResource } from '../protocol/resource.ts'

/**
 * True for https, and for http to loopback (RFC 9700 §2.6: no credential in the clear). Given `source`, the address that
 * named this one, loopback over http is taken only from loopback: a stranger's document cannot send the client home.
 */
export function isSafeAddress(address: string, source = address): boolean {
  if (!URL.canParse(address) || !URL.canParse(source)) return false
  const url = new URL(address)
  if (url.username !== '' || url.password !== '' || url.hash !== '') return false
  if (url.protocol === 'https:') return true
  const from = new URL(source)
  return (
    url.protocol === 'http:' &&
    isLoopbackHost(url.hostname) &&
    from.protocol === 'http:' &&
    isLoopbackHost(from.hostname)
  )
}

/**
 * True when an address is the resource itself or lies below it: same origin, and the resource's path is a prefix by whole
 * segments (RFC 9728 §3.3, with the wider rule of the MCP authorization specification). A resource with a query has no
 * addresses below it.
 */
export function isWithin(address: string, resource: string): boolean {
  const called = new URL(address)
  const within = new URL(comparableResource(resource))
  if (called.origin !== within.origin || within.hash !== '') return false
  if (called.pathname === within.pathname) return within.search === '' || called.search === within.search
  const folder = within.pathname.endsWith('/') ? within.pathname : `${within.pathname}/`
  return within.search === '' && called.pathname.startsWith(folder)
}
