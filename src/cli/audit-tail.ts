/** `xaa audit tail`: the newest lines of an audit file, and those to come. */

import { type FileHandle, stat } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { readLine } from '../server/audit-chain.ts'
import { linesOf, startOfLast } from '../server/audit-lines.ts'
import { auditLineText } from './audit-line.ts'
import { AuditPlaceError, auditFiles, openToRead, unreadable } from './audit-place.ts'
import { UsageError } from './audit-usage.ts'
import type { Io } from './command.ts'
import { stopSignal } from './stop-signal.ts'

/**
 * Resolves to 0; with `--follow` only when the process is told to stop. A file that takes the place of the followed one is gone on
 * with. Throws {@link UsageError} and {@link AuditPlaceError}. Does NOT verify.
 */
export async function runTail(args: string[], io: Io): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      lines: { type: 'string', short: 'n', default: '10' },
      follow: { type: 'boolean', short: 'f', default: false },
      config: { type: 'string' },
    },
  })
  const { lines, follow, config } = values
  if (!/^\d{1,6}$/.test(lines))
    throw new UsageError(`-n must be a number up to 999999, and is ${JSON.stringify(lines)}`)
  const [path, ...more] = await auditFiles(positionals, config, io)
  if (path === undefined || more.length > 0) throw new UsageError('tail takes one FILE')
  let stopped = false
  const stop = follow ? stopSignal(io.env).then(() => (stopped = true)) : undefined
  let file = await openToRead(path)
  try {
    const { size } = await file.stat()
    const count = Number(lines)
    let place = await print(file, count === 0 ? size : await startOfLast(file, size, count), io, !follow)
    while (follow && !stopped) {
      await Promise.race([stop, pause(250)])
      // Asked before the rest of the old file is read: what comes after belongs to the new one.
      const replaced = await isReplaced(file, path)
      place = await print(file, place, io, replaced)
      if (!replaced) continue
      await file.close()
      file = await openToRead(path)
      place = 0
    }
  } catch (cause) {
    throw cause instanceof AuditPlaceError ? cause : unreadable(path, cause as NodeJS.ErrnoException)
  } finally {
    await file.close()
  }
  return 0
}

/** Prints the lines from a place on, a last one without a line break only when no more can come of it. Gives the place to go on. */
async function print(file: FileHandle, from: number, io: Io, toEnd: boolean): Promise<number> {
  let place = from
  for await (const lines of linesOf(file, from)) {
    for (const { bytes, start, whole } of lines) {
      if (!whole && !toEnd) return start
      place = start + bytes.length + 1
      const read = readLine(bytes)
      if (read !== undefined) io.out(auditLineText(read.line))
      else if (bytes.length > 0) io.out(`(${bytes.length} bytes that are no line of an audit)\n`)
    }
  }
  return place
}

/** While there is no file in its place, it is not. */
async function isReplaced(file: FileHandle, path: string): Promise<boolean> {
  const [own, there] = await Promise.all([file.stat(), stat(path).catch(() => undefined)])
  return there !== undefined && (there.ino !== own.ino || there.dev !== own.dev)
}
