/** Where audit events are kept: one JSON line each, chained to the one before it, in a file or on standard output. */

import type { Writable } from 'node:stream'
import { settled } from '../protocol/cohorts.ts'
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
/** Where so many were written at once the last time, others are on their way who will all wait for a write. */
const crowd = 8

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
  /** When its caller is not let wait any longer, by {@link performance.now}. */
  due: number
  kept(): void
  lost(error: unknown): void
}

/**
 * Appends to a file that only its owner may read, and resolves when the line is on stable storage. Events that come at once are written
 * together, and so are those that come while the disk is busy. Several processes may have one file. `record` rejects with
 * {@link AuditUnavailableError} when the line cannot be written, when that takes longer than 300 ms, and at once when 10 000 events
 * wait; it works again as soon as the file does, also when it was replaced by another one. Rejects itself as {@link openAuditFile} does.
 */
export async function fileAudit(path: string, options: AuditOptions): Promise<Audit> {
  const file = await openAuditFile(path, options)
  const { warn, deadline = usualDeadline } = options
  /** In the order in which they came. */
  let waiting: Waiting[] = []
  let inHand: readonly Waiting[] = []
  let writing: Promise<void> | undefined
  let watch: NodeJS.Timeout | undefined
  let closed = false
  let late = false
  /** How many were written the last time. */
  let usual = 0
  const drain = async () => {
    while (waiting.length > 0) {
      await settled(() => waiting.length)
      if (usual >= crowd) await asManyAs(usual, () => waiting.length)
      inHand = waiting.slice(0, batchLimit)
      waiting = waiting.slice(batchLimit)
      usual = inHand.length
      try {
        await file.append(inHand.map(({ event }) => event))
        for (const { kept } of inHand) kept()
      } catch (error) {
        for (const { lost } of inHand) lost(error)
      }
      inHand = []
      late = false
    }
    writing = undefined
  }
  /** Gives up what is due. One timer for all of them: hardly an event is ever late. */
  const giveUp = () => {
    const now = performance.now()
    for (const { due, lost } of inHand) if (due <= now) lost(tooLate(deadline))
    // Not yet begun, it is not written either: nothing is granted on it any more.
    const first = waiting.findIndex(({ due }) => due > now)
    const over = waiting.splice(0, first === -1 ? waiting.length : first)
    for (const { lost } of over) lost(tooLate(deadline))
    if (!late && inHand.concat(over).some(({ due }) => due <= now)) {
      warn(`the audit file ${path} is slow: what it does not take within ${deadline} ms is refused`)
      late = true
    }
    const next = inHand.find(({ due }) => due > now) ?? waiting[0]
    watch = next === undefined ? undefined : setTimeout(giveUp, next.due - now)
  }
  return {
    async record(event) {
      if (closed) throw new AuditUnavailableError('the audit is closed')
      refuseMoreThan(waiting.length)
      const done = new Promise<void>((kept, lost) => {
        waiting.push({ event, due: performance.now() + deadline, kept, lost })
      })
      writing ??= drain()
      watch ??= setTimeout(giveUp, deadline)
      await done
    },
    async close() {
      closed = true
      await writing
      clearTimeout(watch)
      await file.close()
    },
  }
}

/** Resolves when there are as many, or after some three milliseconds. */
async function asManyAs(usual: number, count: () => number): Promise<void> {
  for (let waits = 0; waits < 3 && count() < usual; waits++) await new Promise<void>((next) => setTimeout(next, 1))
}

function refuseMoreThan(waiting: number): void {
  if (waiting >= mostWaiting) throw new AuditUnavailableError(`${mostWaiting} events wait for the audit already`)
}

const usualDeadline = 300

function tooLate(deadline: number): AuditUnavailableError {
  return new AuditUnavailableError(`the audit did not take the event within ${deadline} ms`)
}

async function inTime(work: Promise<void>, deadline = usualDeadline): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const over = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(tooLate(deadline)), deadline)
  })
  await Promise.race([work, over]).finally(() => clearTimeout(timer))
}
