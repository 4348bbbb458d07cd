/** Verifies audit files from their first byte to their last, without holding more than a few lines of them. */

import { type FileHandle, open } from 'node:fs/promises'
import { type AuditJudgement, auditCheck } from './audit-check.ts'
import { endOf, linesOf } from './audit-lines.ts'

/** How far a long verification has come, in bytes of one file. */
export type Progress = (file: string, done: number, size: number) => void

const progressBytes = 256 * 1024 * 1024

/**
 * Reads the files in this order, the oldest first, and judges every line of them, and what each opening line says of the file before it.
 * Rejects with the error of `open` or `read`. Does NOT find lines that were cut from the end of the newest file, nor a file that was
 * written anew from some line on by somebody who knows this format: for both, keep the `head` of an instance elsewhere.
 */
export async function verifyAudit(paths: readonly string[], progress: Progress = () => {}): Promise<AuditJudgement> {
  const check = auditCheck()
  for (const path of paths) {
    const file = await open(path)
    try {
      const { size } = await file.stat()
      let number = 0
      let told = 0
      let torn = false
      let intact = true
      for await (const lines of linesOf(file)) {
        for (const { bytes, start, whole } of lines) {
          number += 1
          torn = !whole
          const place = { file: path, line: number }
          const { offset, follows } = check.line(bytes, place)?.line ?? {}
          // Of the first that does not hold; for all behind it the same bytes are missing.
          if (intact && offset !== undefined && !(await stoodBefore(file, start, offset, follows))) {
            intact = false
            check.problem(
              place,
              `opened the file when other lines stood in its first ${offset} bytes: since then some were changed, added or taken out`,
            )
          }
          if (start - told >= progressBytes) {
            told = start
            progress(path, start, size)
          }
        }
      }
      check.endFile(torn)
    } finally {
      await file.close()
    }
  }
  return check.judgement()
}

/** Whether what an opening line found when it was written still stands in front of it. */
async function stoodBefore(
  file: FileHandle,
  start: number,
  offset: number,
  follows: string | undefined,
): Promise<boolean> {
  if (offset > start) return false
  const end = await endOf(file, offset).catch(() => undefined)
  return end !== undefined && end.torn === 0 && end.hash === follows
}
