/** Where audit events are kept: one JSON line each, in a file or on standard output. */

import { type FileHandle, open } from 'node:fs/promises'
import type { Writable } from 'node:stream'
import type { AuditEvent } from '../protocol/ports.ts'
import { jsonLine } from './json-line.ts'

/** A place for audit events. */
export interface Audit {
  /** Resolves when the event is kept, rejects when it is not. */
  record(event: AuditEvent): Promise<void>
  /** To be called once, after the last event. */
  close(): Promise<void>
}

/** Writes to a stream, and resolves when the stream has handed the line on. What becomes of it there is the reader's affair. */
export function streamAudit(stream: Writable): Audit {
  // Without a listener, a reader that went away would end the process. The failed write itself says it to its caller.
  const ignore = () => {}
  stream.on('error', ignore)
  return {
    record: (event) =>
      new Promise((kept, lost) => {
        stream.write(jsonLine(event), (error) => (error ? lost(error) : kept()))
      }),
    async close() {
      stream.off('error', ignore)
    },
  }
}

/**
 * Appends to a file that only its owner may read, and resolves when the line is on disk. Events that come while the disk is busy are
 * written together. Rejects when the file cannot be opened.
 */
export async function fileAudit(path: string): Promise<Audit> {
  const file = await open(path, 'a', 0o600)
  let waiting: Waiting[] = []
  let writing: Promise<void> | undefined
  const drain = async () => {
    while (waiting.length > 0) {
      const batch = waiting
      waiting = []
      await writeBatch(file, batch)
    }
    writing = undefined
  }
  return {
    record: (event) =>
      new Promise((kept, lost) => {
        waiting.push({ line: jsonLine(event), kept, lost })
        writing ??= drain()
      }),
    async close() {
      await writing
      await file.close()
    },
  }
}

interface Waiting {
  line: string
  kept(): void
  lost(error: unknown): void
}

async function writeBatch(file: FileHandle, batch: readonly Waiting[]): Promise<void> {
  try {
    await file.appendFile(batch.map(({ line }) => line).join(''))
    await file.datasync()
    for (const { kept } of batch) kept()
  } catch (error) {
    for (const { lost } of batch) lost(error)
  }
}
