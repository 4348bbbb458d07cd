/** The ports of a real process: the system's clock and randomness, a store in memory, an audit. */

import { randomBytes } from 'node:crypto'
import type { Ports } from '../protocol/ports.ts'
import { memoryStore } from '../store/memory.ts'
import type { Audit } from './audit.ts'
import { skew } from './surroundings.ts'

/**
 * Ports for one process. What was spent before it started is not known, so assertions issued before are fenced off; by the
 * clock of their issuer, which may be ahead of ours by the skew.
 */
export function systemPorts(audit: Pick<Audit, 'record'>): Ports {
  const now = () => Date.now() / 1000
  const store = memoryStore({ now })
  const fence = now() + skew
  return {
    now,
    newId: () => randomBytes(24).toString('base64url'),
    once: store.once,
    fence: () => fence,
    record: audit.record,
  }
}
