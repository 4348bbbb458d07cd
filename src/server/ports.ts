/** The ports of a real process: the system's clock and randomness, a store, an audit. */

import { hash, randomFillSync } from 'node:crypto'
import type { Ports, Seconds } from '../protocol/ports.ts'
import { serverCharacters } from '../store/key-digest.ts'
import type { Store } from '../store/store.ts'
import type { Audit } from './audit.ts'

/** The clock of this machine. */
export function systemNow(): Seconds {
  return Date.now() / 1000
}

const idBytes = 24
const idLength = 32
/** Random bytes for the next ids: to ask for many at once costs a tenth. */
const random = Buffer.alloc(128 * idBytes)
let taken = random.length
/** The next ids, one after the other. Few: an id is cut from this text, and whoever keeps it keeps all of them in memory. */
let text = ''
let used = 0

/** An id that nobody can guess: 192 random bits, each of them given out once. */
export function systemId(): string {
  if (used === text.length) {
    text = nextIds(8)
    used = 0
  }
  used += idLength
  return text.slice(used - idLength, used)
}

function nextIds(count: number): string {
  if (taken === random.length) {
    randomFillSync(random)
    taken = 0
  }
  const end = taken + count * idBytes
  const ids = random.toString('base64url', taken, end)
  random.fill(0, taken, end)
  taken = end
  return ids
}

/**
 * Ports of the server with this issuer identifier. Servers may share a store: what is spent at one says nothing about another,
 * and is the same at every process of one.
 */
export function systemPorts(audit: Pick<Audit, 'record'>, store: Store, issuer: string): Ports {
  // Of one length, so that it cannot run into what follows.
  const own = hash('sha256', issuer, 'base64url').slice(0, serverCharacters)
  return {
    now: systemNow,
    newId: systemId,
    once: (key, until) => store.once(own + key, until),
    fence: () => store.fence(),
    record: audit.record,
  }
}
