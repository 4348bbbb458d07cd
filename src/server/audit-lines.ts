/** Reads audit files as bytes: line by line from the start, or from their end, and never whole. */

import type { FileHandle } from 'node:fs/promises'
import { type FileEnd, hashOf } from './audit-chain.ts'

/** The bytes between two line breaks. */
export interface FileLine {
  /** Without the line break. Of a line longer than 4 MiB, which no audit writes, only its beginning. */
  bytes: Buffer
  /** Where it begins in the file, in bytes. */
  start: number
  /** False for a last line without a line break. */
  whole: boolean
}

const chunkBytes = 256 * 1024
const maxLineBytes = 4 * 1024 * 1024

/** Every line from a place on, some at a time, up to where the file ends now. What is appended later is left for another call. */
export async function* linesOf(file: FileHandle, from = 0): AsyncGenerator<FileLine[]> {
  let rest: Buffer = Buffer.alloc(0)
  let start = from
  let position = from
  for (;;) {
    const chunk = await readAt(file, position, chunkBytes)
    if (chunk.length === 0) break
    position += chunk.length
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    const lines: FileLine[] = []
    let at = 0
    for (let end = bytes.indexOf(10, rest.length); end >= 0; end = bytes.indexOf(10, at)) {
      const lineStart = at === 0 ? start : position - bytes.length + at
      lines.push({ bytes: bytes.subarray(at, end), start: lineStart, whole: true })
      at = end + 1
    }
    if (at > 0) start = position - bytes.length + at
    // The rest may grow as far as a line may; what is longer keeps its beginning and is read on to its end.
    rest = bytes.subarray(at, at + maxLineBytes)
    if (lines.length > 0) yield lines
  }
  if (rest.length > 0) yield [{ bytes: rest, start, whole: false }]
}

/** How many bytes before its place an opening line vouches for. */
const vouchedBytes = 64 * 1024

/** How the part of a file before `size` ends. Throws when its last line is longer than 4 MiB, as no audit's is. */
export async function endOf(file: FileHandle, size: number): Promise<FileEnd> {
  const [last] = await lineBreaksBefore(file, size, 1)
  if (last === undefined) return { offset: 0, torn: size }
  const offset = last + 1
  const from = Math.max(0, offset - vouchedBytes)
  return { offset, hash: hashOf(await readAt(file, from, offset - from)), torn: size - offset }
}

/** Where the last `count` lines before `size` begin. A last line without a line break is one of them. */
export async function startOfLast(file: FileHandle, size: number, count: number): Promise<number> {
  // The line break at the very end ends the last line; it does not begin another.
  const breaks = await lineBreaksBefore(file, Math.max(0, size - 1), count)
  const before = breaks[count - 1]
  return before === undefined ? 0 : before + 1
}

/** The places of the last `count` line breaks before `size`, the last one first; fewer when there are no more. */
async function lineBreaksBefore(file: FileHandle, size: number, count: number): Promise<number[]> {
  const found: number[] = []
  let end = size
  while (end > 0 && found.length < count) {
    const start = Math.max(0, end - chunkBytes)
    const chunk = await readAt(file, start, end - start)
    for (let at = chunk.lastIndexOf(10); at >= 0; at = at === 0 ? -1 : chunk.lastIndexOf(10, at - 1)) {
      found.push(start + at)
      if (found.length === count) break
    }
    if ((found.at(-1) ?? size) - start > maxLineBytes) throw new Error('it ends in a longer line than an audit writes')
    end = start
  }
  return found
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(length), 0, length, position)
  return buffer.subarray(0, bytesRead)
}
