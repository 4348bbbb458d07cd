/** Where audit events are kept: one JSON line each, chained to the one before it, in a file or on standard output. */

import type { Writable } from 'node:stream'
import type { AuditEvent } from '../protocol/ports.ts'
import { batchLimit, newChain } from './audit-chain.ts'
import { type AuditOptions, AuditUnavailableError, openAuditFile } from './audit-file.ts'

/** A place for audit events. */
export interface Audit {
  /** Resolves when the event is kept, rejects when it is not. A rejected one may be there nevertheless. */
  record(event: AuditEvent): Promise<void>
  /** To be called once, after the last event. */
  close(): Promise<void>
}

const mostWaiting = 10_000

/**
 * Writes to a stream, from the instance's first line on, and resolves when the stream has handed the line on. What becomes of it
 * there is the reader's affair. `record` rejects with the stream's own error, and as that of {@link fileAudit} does.
 */
export function streamAudit(stream: Writable, { instance, now, deadline }: Omit<AuditOptions, 'warn'>): Audit {
  // Without a listener, a reader that went away would end the process. The failed write itself says it to its caller.
  const ignore = () => {}
  stream.on('error', ignore)
  const chain = newChain(instance)
  let waiting = 0
  const write = (line: string) =>
    new Promise<void>((kept, lost) => {
      waiting += 1
      stream.write(line, (error) => {
        waiting -= 1
        if (error) lost(error)
        else kept()
      })
    })
  write(chain.opening(now())).catch(ignore)
  return {
    async record(event) {
      refuseMoreThan(waiting)
      await inTime(write(chain.event(event)), deadline)
    },
    async close() {
      await inTime(write(chain.closing(now())), deadline).catch(ignore)
      stream.off('error', ignore)
    },
  }
}

interface Waiting {
  event: AuditEvent
  kept(): void
  lost(error: unknown): void
}

/**
 * Appends to a file that only its owner may read, and resolves when the line is on stable storage. Events that come while the disk is
 * busy are written together. Several processes may have one file. `record` rejects with {@link AuditUnavailableError} when the line
 * cannot be written, when that takes longer than 300 ms, and at once when 10 000 events wait; it works again as soon as the file does,
 * also when it was replaced by another one. Rejects itself as {@link openAuditFile} does.
 */
export async function fileAudit(path: string, options: AuditOptions): Promise<Audit> {
  const file = await openAuditFile(path, options)
  const { warn, deadline } = options
  const waiting = new Set<Waiting>()
  let writing: Promise<void> | undefined
  let closed = false
  let late = false
  const drain = async () => {
    while (waiting.size > 0) {
      const batch = [...waiting].slice(0, batchLimit)
      for (const one of batch) waiting.delete(one)
      try {
        await file.append(batch.map(({ event }) => event))
        for (const { kept } of batch) kept()
      } catch (error) {
        for (const { lost } of batch) lost(error)
      }
      late = false
    }
    writing = undefined
  }
  return {
    async record(event) {
      if (closed) throw new AuditUnavailableError('the audit is closed')
      refuseMoreThan(waiting.size)
      let giveUp = () => {}
      const done = new Promise<void>((kept, lost) => {
        const one = { event, kept, lost }
        waiting.add(one)
        // Not yet begun, it is not written either: nothing is granted on it any more.
        giveUp = () => waiting.delete(one)
      })
      writing ??= drain()
      await inTime(done, deadline, (given) => {
        giveUp()
        if (!late) warn(`the audit file ${path} is slow: what it does not take within ${given} ms is refused`)
        late = true
      })
    },
    async close() {
      closed = true
      await writing
      await file.close()
    },
  }
}

function refuseMoreThan(waiting: number): void {
  if (waiting >= mostWaiting) throw new AuditUnavailableError(`${mostWaiting} events wait for the audit already`)
}

async function inTime(work: Promise<void>, deadline = 300, late?: (deadline: number) => void): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      late?.(deadline)
      reject(new AuditUnavailableError(`the audit did not take the event within ${deadline} ms`))
    }, deadline)
  })
  await Promise.race([work, tooLate]).finally(() => clearTimeout(timer))
}
