/** Which redirect addresses a client may have. */

import { isLoopbackHost } from '../protocol/loopback.ts'

const localHosts = ['127.0.0.1', '[::1]', 'localhost']

/** RFC 8252 §7.3, §8.3: https, or http to this very machine. A scheme of an application's own can be claimed by any other. */
export function isUsableRedirect(uri: string): boolean {
  // RFC 3986 §2: printable ASCII; of anything else URL parsers keep, drop and encode different parts.
  if (uri.length > 2048 || !/^[!-~]+$/.test(uri) || /[#\\]/.test(uri) || !URL.canParse(uri)) return false
  const { protocol, hostname, username, password } = new URL(uri)
  if (username !== '' || password !== '') return false
  return protocol === 'https:' ? !isLoopbackHost(hostname) : protocol === 'http:' && localHosts.includes(hostname)
}
