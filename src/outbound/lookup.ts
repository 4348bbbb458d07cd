/** Name resolution in which the address that is checked is the address that is connected to. */

import { lookup as lookupBySystem } from 'node:dns/promises'
import { isIP, type LookupFunction } from 'node:net'
import { FetchError } from '../protocol/issuer-keys.ts'

/** Resolves a host name to all of its addresses. Rejects when it has none. */
export type Resolve = (hostname: string) => Promise<readonly { address: string; family: number }[]>

/** Asks the system's resolver, hosts file included. */
export const resolveBySystem: Resolve = (hostname) => lookupBySystem(hostname, { all: true })

/** The two moments at which an address is judged. */
export interface VettedLookup {
  /** For the `lookup` option of a request. It resolves once, for the connection itself, so no second answer counts (ATK-115). */
  lookup: LookupFunction
  /** Judges a host that is an address already, for which Node asks no lookup. Throws {@link FetchError} `fetch_blocked`. */
  checkLiteral(host: string): void
}

/** A host is refused when any one of its addresses is: a name that points inside as well as outside is nobody's metadata. */
export function vettedLookup(resolve: Resolve, mayConnect: (address: string) => boolean): VettedLookup {
  const blocked = (host: string) =>
    new FetchError('fetch_blocked', `${host} is, or resolves to, an address that may not be asked`)
  const addressesOf = async (hostname: string) => {
    const addresses = await resolve(hostname)
    if (addresses.length === 0 || !addresses.every(({ address }) => mayConnect(address))) throw blocked(hostname)
    return addresses
  }
  return {
    lookup(hostname, options, callback) {
      addressesOf(hostname).then(
        (addresses) => {
          const [first] = addresses
          if (options.all === true) callback(null, [...addresses])
          else callback(null, first?.address ?? '', first?.family)
        },
        (error: NodeJS.ErrnoException) => callback(error, ''),
      )
    },
    checkLiteral(host) {
      if (isIP(host) !== 0 && !mayConnect(host)) throw blocked(host)
    },
  }
}
