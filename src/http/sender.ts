/** Who counts as one sender, by network address. */

import { isIPv6 } from 'node:net'

/** The address itself for IPv4, also where it is written into an IPv6 address; the first 64 bits for IPv6, which one household has. */
export function senderOf(address: string): string {
  // Neither of IPv6, nor written in capitals: most are.
  if (/^[\d.]+$/.test(address)) return address
  const bare = address.replace(/%.*$/, '').toLowerCase()
  if (!isIPv6(bare)) return bare
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(bare)?.[1]
  if (mapped !== undefined) return mapped
  const [head = '', tail] = bare.split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const groups = [...before, ...Array<string>(Math.max(0, 8 - before.length - after.length)).fill('0'), ...after]
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`
}
