/** The audits of a run as events, with what could not be read of them. */

import { readLine } from '../../../src/server/audit-chain.ts'
import type { AuditFile, History } from './history.ts'

/** One event, with the instance whose file it is in. Its other members are the audit's own words. */
export interface AuditLine {
  instance: string
  /** Its place in the file, counted from 1. */
  number: number
  /** True when it has a number and a hash in the chain of its process. */
  chained: boolean
  at: number
  action: string
  outcome: string
  reason: string
  correlationId: string
  client?: string
  subject?: string
  scope?: string
  issuer?: string
  tokenId?: string
  issuedTokenId?: string
  policyVersion?: string
}

/** True when the event is an ID-JAG that was redeemed; an access token may be asked about many times. */
export function isRedemption({ action, outcome }: AuditLine): boolean {
  return action === 'redeem' && outcome === 'granted'
}

/** A line that is no event. */
export interface UnreadableLine {
  instance: string
  number: number
  /** True for the very last line when it has no end: what a kill in the middle of a write leaves. */
  tornEnd: boolean
}

export interface AuditReading {
  lines: AuditLine[]
  unreadable: UnreadableLine[]
  byCorrelation: Map<string, AuditLine[]>
}

/** Reads all of them, each in its order. */
export function readAudits({ audits }: Pick<History, 'audits'>): AuditReading {
  const lines: AuditLine[] = []
  const unreadable: UnreadableLine[] = []
  for (const audit of audits) readAudit(audit, lines, unreadable)
  const byCorrelation = new Map<string, AuditLine[]>()
  for (const line of lines)
    byCorrelation.set(line.correlationId, [...(byCorrelation.get(line.correlationId) ?? []), line])
  return { lines, unreadable, byCorrelation }
}

function readAudit({ instance, text }: AuditFile, lines: AuditLine[], unreadable: UnreadableLine[]): void {
  const texts = text.split('\n')
  const rest = texts.pop() ?? ''
  for (const [at, one] of texts.entries()) {
    const read = membersOf(one)
    if (read === undefined) unreadable.push({ instance, number: at + 1, tornEnd: false })
    else if (isEvent(read))
      lines.push({ ...read, instance, number: at + 1, chained: typeof read.sequence === 'number' })
  }
  if (rest !== '') unreadable.push({ instance, number: texts.length + 1, tornEnd: true })
}

type Members = { readonly [member: string]: unknown }
type Event = Omit<AuditLine, 'instance' | 'number' | 'chained'> & { sequence?: unknown }

/** An audit also has lines by which a process opens and closes its part of the file. */
function isEvent(members: Members): members is Members & Event {
  return typeof members.at === 'number' && typeof members.correlationId === 'string'
}

/** A line may stand behind the rest of another one, which was cut short. */
function membersOf(text: string): Members | undefined {
  try {
    const value = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return readLine(Buffer.from(text))?.line
  }
}
