/** An audit event for tests, and audit files as they stand on the disk. */

import { readFile } from 'node:fs/promises'
import type { AuditEvent } from '../../src/protocol/ports.ts'
import { type ChainedLine, readLine } from '../../src/server/audit-chain.ts'

export function auditEvent(changes: Partial<AuditEvent> = {}): AuditEvent {
  return {
    at: 1_800_000_000,
    role: 'resource-as',
    server: 'https://auth.chat.example',
    action: 'redeem',
    outcome: 'granted',
    reason: 'granted',
    correlationId: 'id-1',
    client: 'assistant-at-chat',
    subject: 'alice',
    ...changes,
  }
}

/** Every line of a file that can be read, in order. */
export async function linesIn(path: string): Promise<ChainedLine[]> {
  const text = await readFile(path, 'utf8')
  return text.split('\n').flatMap((line) => readLine(Buffer.from(line))?.line ?? [])
}

/** The correlation ids of the events in a file. */
export async function keptIn(path: string): Promise<string[]> {
  return (await linesIn(path)).flatMap(({ correlationId }) =>
    typeof correlationId === 'string' ? [correlationId] : [],
  )
}
