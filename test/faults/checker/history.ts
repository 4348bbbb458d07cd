/** What a run under faults leaves behind for the checker: who asked what and when, what was kept of it, and what was broken meanwhile. */

import type { JSONWebKeySet } from 'jose'
import type { Seconds } from '../../../src/protocol/ports.ts'

/** One redemption as the client saw it. Moments are those of one clock, the generator's. */
export interface Presentation {
  /** Of the ID-JAG. */
  issuer: string
  jti: string
  keyId: string
  subject: string
  client: string
  instance: string
  /** When it was to be sent by the schedule; latencies count from here. */
  due: Seconds
  sent: Seconds
  /** When the answer was complete, or was no longer waited for. */
  ended: Seconds
  /** Absent: no whole answer came, and nobody knows what became of the request. */
  status?: number
  /** The OAuth error code. */
  code?: string
  correlationId?: string
  scope?: string
  accessToken?: string
  /** The codes that a bad presentation may get, which must never be granted. Absent: it is right in itself. */
  mustRefuse?: readonly string[]
}

/** One instance's audit as it lies in its file. */
export interface AuditFile {
  instance: string
  text: string
  /** True when the instance was killed or its disk was full at some time: its audit may hold a line that was cut off. */
  interrupted: boolean
}

/** What may be away: the store, the place of the audit, an issuer's keys, an instance itself, or the clocks. */
export type Dependency = 'store' | 'audit' | 'keys' | 'instance' | 'clock'

/** A time in which a dependency was broken on purpose. */
export interface FaultWindow {
  dependency: Dependency
  /** Absent: for all of them. */
  instance?: string
  from: Seconds
  /** When it was whole again; the service has a grace after that. */
  to: Seconds
}

/** An administrator's stop, and its end. Every member of the names that is given must fit; without any, it stops everybody. */
export interface Revocation {
  /** When it was asked for: from here on a refusal may be its work. As `acknowledged` unless given. */
  asked?: Seconds
  /** When the command ended well; infinite for one that was cut off, which may have come to nothing. */
  acknowledged: Seconds
  /** When its end was asked for: from here on a grant is right again. Absent: never. */
  liftAsked?: Seconds
  /** When that was acknowledged. Absent: never. */
  lifted?: Seconds
  issuer?: string
  subject?: string
  client?: string
  /** Of the key that signed the ID-JAG. */
  keyId?: string
}

/** The keys by which access tokens could be verified from a moment on, until the next entry. */
export interface PublishedKeys {
  from: Seconds
  jwks: JSONWebKeySet
}

export interface History {
  /** The issuer identifier of the resource authorization server. */
  server: string
  presentations: readonly Presentation[]
  audits: readonly AuditFile[]
  faults: readonly FaultWindow[]
  revocations: readonly Revocation[]
  keys: readonly PublishedKeys[]
  /** The policies that were ever in force; one without the number of a change at run time stands for all of its changes. */
  policyVersions: readonly string[]
  /** Standard error of each instance. */
  logs: readonly { instance: string; text: string }[]
  /** Values that no log and no audit may hold, with a name for the report. */
  secrets: readonly { name: string; value: string }[]
  /** How long after the end of a fault 5xx is still right. */
  grace: Seconds
}

/** One invariant that did not hold, as a sentence with the ids to look it up by. Never quotes a secret or token. */
export interface Violation {
  invariant: Invariant
  says: string
  /** True for a 503 alone that no fault explains: a machine that is too slow answers so too. */
  mayBeSlowness?: true
}

export const invariants = ['I1', 'I2', 'I3', 'I4', 'I5', 'I6', 'I7', 'I8', 'I9', 'I10'] as const
export type Invariant = (typeof invariants)[number]

/** True for a presentation that is right in itself. */
export function isGood({ mustRefuse }: Presentation): boolean {
  return mustRefuse === undefined
}

/** True when nobody outside can know whether the token was spent: no answer, or an answer that says nothing about it. */
export function isInDoubt({ status }: Presentation): boolean {
  return status === undefined || status >= 500
}

/** The presentations of each ID-JAG. */
export function byToken(presentations: readonly Presentation[]): Presentation[][] {
  const tokens = new Map<string, Presentation[]>()
  for (const one of presentations) {
    const key = JSON.stringify([one.issuer, one.jti])
    const same = tokens.get(key)
    if (same === undefined) tokens.set(key, [one])
    else same.push(one)
  }
  return [...tokens.values()]
}
