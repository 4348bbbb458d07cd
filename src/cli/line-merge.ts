/** Several processes on one stream: their lines are passed on whole, however long, and never inside one another. */

import type { Readable, Writable } from 'node:stream'

/** A stream that takes the lines of others. */
export interface LineMerge {
  /** Passes on every line of a source. What it leaves without an end when it closes gets one. */
  take(source: Readable): void
}

const lineBreak = Buffer.from('\n')

/**
 * Merges into a stream. When its reader is slow the sources wait, and when its reader is gone they are closed, so that whoever
 * writes to them fails as it would without us.
 */
export function lineMerge(target: Writable): LineMerge {
  const sources = new Set<Readable>()
  let gone = false
  target.on('drain', () => {
    for (const source of sources) source.resume()
  })
  target.on('error', () => {
    gone = true
    for (const source of sources) source.destroy()
  })
  const write = (lines: Buffer) => {
    if (!target.write(lines)) for (const source of sources) source.pause()
  }
  return {
    take(source) {
      if (gone) source.destroy()
      let begun: Buffer[] = []
      sources.add(source)
      source.on('data', (chunk: Buffer) => {
        const end = chunk.lastIndexOf(lineBreak) + 1
        if (end > 0) {
          write(Buffer.concat([...begun, chunk.subarray(0, end)]))
          begun = []
        }
        if (end < chunk.length) begun.push(chunk.subarray(end))
      })
      source.once('close', () => {
        sources.delete(source)
        if (begun.length > 0 && !gone) write(Buffer.concat([...begun, lineBreak]))
      })
    },
  }
}
