/** Which audit file a command is about, and opening it to read. */

import { type FileHandle, open, readFile } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import { readConfigFile } from '../server/config-file.ts'
import { partOf } from '../server/config-part.ts'
import { overrideByVariables } from '../server/variables.ts'
import type { Io } from './command.ts'

/** There is no audit file to read, in a sentence. */
export class AuditPlaceError extends Error {
  override readonly name = 'AuditPlaceError'
}

/**
 * The files that were named; without any, the one of the configuration. Only its audit setting is read: no secret or key of it is
 * needed. Throws {@link AuditPlaceError}.
 */
export async function auditFiles(named: string[], config: string | undefined, { env }: Io): Promise<string[]> {
  if (named.length > 0) return named
  const path = config ?? (env.XAA_CONFIG || 'xaa.yaml')
  const text = await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw new AuditPlaceError(
      `${path} cannot be read (${cause.code}): name the audit FILE, or the configuration with --config FILE`,
    )
  })
  const file = readConfigFile(text, basename(path))
  if (file.problems.length > 0)
    throw new AuditPlaceError(
      `${path} cannot be read as a configuration (xaa serve --check --config ${path}): name the audit FILE`,
    )
  const { value } = overrideByVariables(file.value, env)
  const audit = partOf(value).at('audit').at('file').text
  if (audit === undefined)
    throw new AuditPlaceError(`${path} writes the audit to standard output: name the FILE that you keep it in`)
  return [resolve(dirname(resolve(path)), audit)]
}

/** Opens a file to read. Throws {@link AuditPlaceError}. */
export async function openToRead(path: string): Promise<FileHandle> {
  return await open(path).catch((cause: NodeJS.ErrnoException) => {
    throw unreadable(path, cause)
  })
}

/** That a file cannot be read, and why: for the errors of `open` and `read`. */
export function unreadable(path: string, { code, message }: NodeJS.ErrnoException): AuditPlaceError {
  return new AuditPlaceError(`${path} cannot be read (${code ?? message})`)
}
