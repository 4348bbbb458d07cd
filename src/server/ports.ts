/** The ports of a real process: the system's clock and randomness, a store, an audit. */

import { randomBytes } from 'node:crypto'
import type { Ports, Seconds } from '../protocol/ports.ts'
import type { Store } from '../store/store.ts'
import type { Audit } from './audit.ts'

/** The clock of this machine. */
export function systemNow(): Seconds {
  return Date.now() / 1000
}

/** An id that nobody can guess: 192 random bits. */
export function systemId(): string {
  return randomBytes(24).toString('base64url')
}

/**
 * Ports of the server with this issuer identifier. Servers may share a store: what is spent at one says nothing about another,
 * and is the same at every process of one.
 */
export function systemPorts(audit: Pick<Audit, 'record'>, store: Store, issuer: string): Ports {
  return {
    now: systemNow,
    newId: systemId,
    once: (key, until) => store.once(JSON.stringify([issuer, key]), until),
    fence: () => store.fence(),
    record: audit.record,
  }
}
