/** One audit file that several processes append to: opened again after a failure and after it was replaced. */

import { type FileHandle, open, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { AuditEvent, Seconds } from '../protocol/ports.ts'
import { type FileEnd, newChain } from './audit-chain.ts'
import { endOf } from './audit-lines.ts'

/** What an audit needs of the process that writes it. */
export interface AuditOptions {
  /** Names the process from its start to its end, and no other one ever. */
  instance: string
  now(): Seconds
  /** Tells the operator, in a sentence: what was found at the end of the file, that it cannot be written, that it can again. */
  warn(message: string): void
  /** Milliseconds after which an event is given up, because its caller has to answer within 500. 300 unless given. */
  deadline?: number
}

/** The audit cannot keep an event. */
export class AuditUnavailableError extends Error {
  override readonly name = 'AuditUnavailableError'
}

/** A file to append to. Calls must NOT overlap. */
export interface AuditFile {
  /** Resolves when the events are on stable storage, in order. Throws {@link AuditUnavailableError}; what is then in the file is uncertain. */
  append(events: readonly AuditEvent[]): Promise<void>
  /** Writes the instance's last line. What hinders that is told by `warn`. */
  close(): Promise<void>
}

interface OpenFile {
  handle: FileHandle
  end: FileEnd
  size: number
  device: number
  inode: number
}

/**
 * Opens the file, made for its owner alone when it is not there, and writes the instance's first line. A last line that was cut short
 * stays, and is ended, so that nothing is glued to it. Throws what `open`, `write` or `fdatasync` throw, and an Error for a file that
 * is no audit.
 */
export async function openAuditFile(path: string, { instance, now, warn }: AuditOptions): Promise<AuditFile> {
  const chain = newChain(instance)
  let file: OpenFile | undefined
  let lookedAt = now()
  let lost = 0

  const write = async (make: () => string): Promise<void> => {
    if (file !== undefined && (await isReplaced(file))) {
      await file.handle.close()
      file = undefined
    }
    let text = ''
    if (file === undefined) {
      file = await openFile(path)
      text = openingText(file)
      if (file.end.torn > 0 && lost === 0)
        warn(
          `the audit file ${path} ends in ${file.end.torn} bytes of a line that was cut short; they stay, on a line of their own`,
        )
    }
    await appendWhole(file.handle, text + make())
    if (file.size === 0) await syncFolder(path)
    file.size = 1
    chain.settle(chain.head())
  }

  const isReplaced = async ({ device, inode }: OpenFile): Promise<boolean> => {
    if (Math.abs(now() - lookedAt) < 1) return false
    lookedAt = now()
    const there = await stat(path).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code !== 'ENOENT') throw cause
    })
    return there === undefined || there.dev !== device || there.ino !== inode
  }

  /** What a failed write left can be known only by opening the file again, and the path may lead to a better one. */
  const giveUp = async (): Promise<void> => {
    const failed = file
    file = undefined
    await failed?.handle.close().catch(() => {})
  }

  const openingText = ({ end, size }: OpenFile): string => {
    if (lost === 0) return `${end.torn > 0 ? '\n' : ''}${chain.opening(now(), end)}`
    // fsync(2): after a failure the cache may show what the disk does not have. It is not vouched for, and an empty line does no harm.
    return `${size > 0 ? '\n' : ''}${chain.opening(now())}`
  }

  try {
    await write(() => '')
  } catch (cause) {
    await giveUp()
    throw cause
  }

  return {
    async append(events) {
      try {
        await write(() => events.map((event) => chain.event(event)).join(''))
      } catch (cause) {
        await giveUp()
        const fact = failureText(cause)
        if (lost === 0) warn(`the audit file ${path} cannot be written (${fact}): requests are refused until it can`)
        lost += events.length
        throw new AuditUnavailableError(`the audit file cannot be written (${fact})`, { cause })
      }
      if (lost > 0) warn(`the audit file ${path} is written again; events answered with an error meanwhile: ${lost}`)
      lost = 0
    },
    async close() {
      try {
        await write(() => chain.closing(now()))
        await file?.handle.close()
      } catch (cause) {
        await giveUp()
        warn(`the audit file ${path} could not be closed with a last line (${failureText(cause)})`)
      }
    },
  }
}

async function openFile(path: string): Promise<OpenFile> {
  const handle = await open(path, 'a+', 0o600)
  try {
    for (;;) {
      const { size, dev: device, ino: inode } = await handle.stat()
      const end = await endOf(handle, size)
      // Another process may be in the middle of its write: then what looks like a line cut short has grown a moment later.
      if (end.torn > 0 && (await handle.stat()).size !== size) continue
      return { handle, end, size, device, inode }
    }
  } catch (cause) {
    await handle.close()
    throw cause
  }
}

/** In one write(2), which no other process's write can come into the middle of. */
async function appendWhole(handle: FileHandle, text: string): Promise<void> {
  const bytes = Buffer.from(text)
  const { bytesWritten } = await handle.write(bytes)
  // The rest cannot be written behind it: another process's line may stand there by now.
  if (bytesWritten < bytes.length) throw new Error(`only ${bytesWritten} of ${bytes.length} bytes were written`)
  await handle.datasync()
}

/** fsync(2): a new file is safe only when its folder is. A folder that we may not read is another's, who made the file. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(dirname(path)).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'EACCES') throw cause
  })
  await folder?.sync().finally(() => folder.close())
}

function failureText(cause: unknown): string {
  const { code, message } = cause as NodeJS.ErrnoException
  return code ?? message
}
