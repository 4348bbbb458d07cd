/** `xaa audit`: verifies audit files, shows their newest lines, and finds events in them. */

import { AuditPlaceError } from './audit-place.ts'
import { runQuery } from './audit-query.ts'
import { runTail } from './audit-tail.ts'
import { UsageError } from './audit-usage.ts'
import { runVerify } from './audit-verify.ts'
import { type Io, usageProblem } from './command.ts'

/** One line for the list of commands; the same as there. */
export const summary = 'verify audit files, follow them, and find events in them'

/** What `--help` prints. */
export const help = `xaa audit verify [FILE …] [--json]    judge every line: missing, changed, doubled, moved, cut short
xaa audit tail [FILE] [-n N] [-f]     show the newest N lines (10); -f or --follow goes on with those to come
xaa audit query [FILE …] [options]    show the events that fit every option

  --user NAME           their subject or account
  --client ID           the client, by its id at either side
  --audience URL        the authorization server or the resource
  --issuer URL          the issuer of the token that was shown
  --outcome WORD        granted or refused
  --reason WORD         why, in the audit's own word
  --action WORD         exchange, redeem, call, …
  --token-id HASH       the hash of a token, shown or issued
  --correlation-id ID   the id that the answer carried
  --since, --until T    a date such as 2026-11-23T02:00Z, or a time ago such as 90s, 15m, 2h, 7d
  --json                with query: each line as it stands in the file; with verify: the judgement
  --config FILE         without FILE: the file of its audit setting; otherwise $XAA_CONFIG, otherwise xaa.yaml

Several files are given from the oldest to the newest; verify then follows each instance from one to the next. It cannot see lines cut
from the very end of the newest file: keep the head that it prints (--json) somewhere else. query and tail do not verify.

Exit: 0 the audit is intact, or something was found; 1 it is broken, nothing was found, or a file cannot be read; 2 not understood.
`

const acts: { readonly [act: string]: (args: string[], io: Io) => Promise<number> } = {
  verify: runVerify,
  tail: runTail,
  query: runQuery,
}

/** Runs the command. Resolves to the exit code: 0 intact or found, 1 broken, nothing found or not possible, 2 not understood. */
export async function run([word = '', ...args]: string[], io: Io): Promise<number> {
  if (word === '--help' || word === '-h' || args.includes('--help') || args.includes('-h')) {
    io.out(help)
    return 0
  }
  const act = Object.hasOwn(acts, word) ? acts[word] : undefined
  try {
    if (act === undefined) throw new UsageError('verify, tail or query')
    return await act(args, io)
  } catch (error) {
    const problem = error instanceof UsageError ? error.message : usageProblem(error)
    if (problem !== undefined) {
      io.err(`xaa audit: ${problem}\n\n${help}`)
      return 2
    }
    if (!(error instanceof AuditPlaceError)) throw error
    io.err(`xaa audit: ${error.message}\n`)
    return 1
  }
}
