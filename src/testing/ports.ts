/** The ports of the servers in the world: one clock that can be moved, one audit to look at, and single use apart for each issuer. */

import type { AuditEvent, Ports, Seconds } from '../protocol/ports.ts'
import type { Store } from '../store/store.ts'
import { newId } from './keys.ts'

const maxEvents = 10_000

export interface SharedPorts {
  /** The latest 10 000 events of all servers, oldest first. */
  audit: readonly AuditEvent[]
  /** The kept events from number `after` on, the first of all being 0, and the number of the next one to come. */
  auditAfter(after: number): { events: readonly AuditEvent[]; next: number }
  now(): Seconds
  /** Moves the clock forward. */
  pass(seconds: Seconds): void
  /** Adds an event of a server that keeps its audit elsewhere. */
  keep(event: AuditEvent): void
  /** Ports of the server with this issuer identifier, as {@link systemPorts} has them. */
  portsOver(store: Store, issuer: string): Ports
}

/** `clock` is the system's unless given. `onEvent` is told of each event after it was kept. */
export function sharedPorts(
  clock: () => Seconds = () => Date.now() / 1000,
  onEvent: (event: AuditEvent) => void = () => {},
): SharedPorts {
  const audit: AuditEvent[] = []
  let forgotten = 0
  let passed: Seconds = 0
  const now = () => clock() + passed
  const keep = (event: AuditEvent) => {
    audit.push(event)
    if (audit.length > maxEvents) {
      audit.shift()
      forgotten += 1
    }
    onEvent(event)
  }
  return {
    audit,
    auditAfter: (after) => ({
      events: audit.slice(Math.max(0, after - forgotten)),
      next: forgotten + audit.length,
    }),
    now,
    pass(seconds) {
      if (!(seconds >= 0)) throw new TypeError('time passes forward: seconds must be 0 or more')
      passed += seconds
    },
    keep,
    portsOver: (store, issuer) => ({
      now,
      newId,
      once: (key, until) => store.once(JSON.stringify([issuer, key]), until),
      // Every key of the world is newborn: nothing that was signed before the start verifies.
      fence: () => 0,
      record: async (event) => keep(event),
    }),
  }
}
