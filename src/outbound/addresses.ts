/** Which network addresses an outgoing request may connect to: the public ones, and those the operator opened. */

import { BlockList, isIP } from 'node:net'

/** The special-purpose ranges of IANA, and what stands for one of them in IPv6 (RFC 6890, RFC 5156). */
const specialRanges = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
  '::/96',
  '64:ff9b::/96',
  '64:ff9b:1::/48',
  '100::/64',
  '2001::/23',
  '2001:db8::/32',
  '2002::/16',
  '3fff::/20',
  '5f00::/16',
  'fc00::/7',
  'fe80::/10',
  'fec0::/10',
  'ff00::/8',
]
const loopbackRanges = ['127.0.0.0/8', '::1/128']

/** What is open beyond the public addresses. */
export interface AddressRules {
  /** Opens 127.0.0.0/8 and ::1, for a server whose own issuer is loopback (development). */
  allowLoopback: boolean
  /** Ranges in CIDR form that are open although they are special-purpose, such as `10.20.0.0/16`. */
  allowAddresses: readonly string[]
}

/** True for a range in CIDR form: an IPv4 or IPv6 address, a slash, and a prefix length that fits it. */
export function isAddressRange(text: string): boolean {
  const [address = '', prefix = '', ...rest] = text.split('/')
  const family = address.includes('%') ? 0 : isIP(address)
  return rest.length === 0 && family !== 0 && /^\d{1,3}$/.test(prefix) && Number(prefix) <= (family === 4 ? 32 : 128)
}

/** True for a range that is larger than every private network (10.0.0.0/8, fc00::/7): whoever writes it means everybody. */
export function isWideRange(range: string): boolean {
  const [address = '', prefix = ''] = range.split('/')
  if (isIP(address) === 4) return Number(prefix) < 8
  const list = blockListOf([range])
  // Sockets of both families show IPv4 senders as ::ffff:a.b.c.d.
  return Number(prefix) < 7 || ['::ffff:1.0.0.1', '::ffff:200.0.0.1'].every((one) => list.check(one, 'ipv6'))
}

/**
 * The judge of addresses (ATK-114). An IPv4 address that is written as IPv6 (`::ffff:10.0.0.1`) is judged as IPv4. What is no
 * plain IP address, a zone index included, is refused. Throws TypeError for a range that is none.
 */
export function addressJudge({ allowLoopback, allowAddresses }: AddressRules): (address: string) => boolean {
  const special = blockListOf(specialRanges)
  const opened = blockListOf([...allowAddresses, ...(allowLoopback ? loopbackRanges : [])])
  return (address) =>
    !address.includes('%') && isIP(address) !== 0 && (isIn(opened, address) || !isIn(special, address))
}

const loopback = blockListOf(loopbackRanges)

/** True for an address of this machine itself. */
export function isLoopbackAddress(address: string): boolean {
  return isIP(address) !== 0 && !address.includes('%') && isIn(loopback, address)
}

/** The address inside `[…]`, as a URL object writes IPv6; any other host as it is. */
export function withoutBrackets(hostname: string): string {
  return hostname.startsWith('[') ? hostname.slice(1, -1) : hostname
}

/** The ranges in the form that Node looks addresses up in. Throws TypeError for a range that is none. */
export function blockListOf(ranges: readonly string[]): BlockList {
  const list = new BlockList()
  for (const range of ranges) {
    if (!isAddressRange(range))
      throw new TypeError(`${JSON.stringify(range)} is not an address range such as 10.0.0.0/8`)
    const [address = '', prefix] = range.split('/')
    list.addSubnet(address, Number(prefix), isIP(address) === 4 ? 'ipv4' : 'ipv6')
  }
  return list
}

function isIn(list: BlockList, address: string): boolean {
  return list.check(address, isIP(address) === 4 ? 'ipv4' : 'ipv6')
}
