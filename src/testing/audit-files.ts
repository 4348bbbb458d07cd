/** The audit files of other processes of the world, read as they grow. */

import { type FileHandle, open } from 'node:fs/promises'
import type { AuditEvent } from '../protocol/ports.ts'
import { readLine } from '../server/audit-chain.ts'
import { linesOf } from '../server/audit-lines.ts'

/** Audit files that are followed from their start. */
export interface AuditFiles {
  /**
   * Hands on the events that came since the last time, ordered by their moment, each with the `instance` and `sequence` of its line.
   * Rejects when a file cannot be read; one that is not there yet has no events. Does NOT verify.
   */
  gather(): Promise<void>
}

/** Follows files that are not replaced while they are. `keep` gets each event once. */
export function auditFiles(paths: readonly string[], keep: (event: AuditEvent) => void): AuditFiles {
  const places = new Map(paths.map((path) => [path, 0]))
  let last: Promise<void> = Promise.resolve()
  const gather = async () => {
    const events = await Promise.all(paths.map((path) => eventsFrom(path, places)))
    for (const event of events.flat().sort((one, other) => one.at - other.at)) keep(event)
  }
  return {
    gather() {
      // Two at once would read the same lines.
      last = last.catch(() => {}).then(gather)
      return last
    },
  }
}

async function eventsFrom(path: string, places: Map<string, number>): Promise<AuditEvent[]> {
  const events: AuditEvent[] = []
  let file: FileHandle | undefined
  try {
    file = await open(path)
    let place = places.get(path) ?? 0
    for await (const lines of linesOf(file, place))
      for (const { bytes, start, whole } of lines) {
        // Somebody is in the middle of writing it.
        if (!whole) continue
        place = start + bytes.length + 1
        const { line } = readLine(bytes) ?? {}
        if (line !== undefined && 'action' in line) events.push(line as unknown as AuditEvent)
      }
    places.set(path, place)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause
  } finally {
    await file?.close()
  }
  return events
}
