/** Reads `--authorization-details`: a JSON array on the command line, or the file after `@`. */

import { readFile } from 'node:fs/promises'
import { type AuthorizationDetail, detailsOnTheWire } from '../protocol/authorization-details.ts'
import { JsonError, parseJson } from '../protocol/json.ts'

/** The objects, or in `problem` the sentence that says why they are none. Their types are the servers' to judge. */
export async function readAuthorizationDetails(
  option: string,
): Promise<{ details: AuthorizationDetail[] } | { problem: string }> {
  try {
    const bytes = option.startsWith('@') ? await readFile(option.slice(1)) : new TextEncoder().encode(option)
    const read = detailsOnTheWire.min(1).safeParse(parseJson(bytes))
    return read.success ? { details: read.data } : { problem: 'must be a JSON array of objects with a type' }
  } catch (cause) {
    return { problem: cause instanceof JsonError ? cause.message : `names a file that cannot be read` }
  }
}
