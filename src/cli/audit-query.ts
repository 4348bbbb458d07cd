/** `xaa audit query`: the events of audit files that fit every condition. */

import { parseArgs } from 'node:util'
import { reasons } from '../protocol/reasons.ts'
import { type ChainedLine, readLine } from '../server/audit-chain.ts'
import { linesOf } from '../server/audit-lines.ts'
import { nearest } from '../server/spelling.ts'
import { auditLineText } from './audit-line.ts'
import { auditFiles, openToRead, unreadable } from './audit-place.ts'
import { UsageError } from './audit-usage.ts'
import type { Io } from './command.ts'

/** For each option, the members of an event of which one must have its value. */
const membersOf: { readonly [option: string]: readonly string[] } = {
  user: ['subject', 'account'],
  client: ['client', 'clientThere'],
  audience: ['audience', 'resource'],
  issuer: ['issuer'],
  outcome: ['outcome'],
  reason: ['reason'],
  action: ['action'],
  'token-id': ['tokenId', 'issuedTokenId'],
  'correlation-id': ['correlationId'],
}

type Condition = (line: ChainedLine) => boolean

/**
 * Resolves to 0 when an event was found and to 1 when none was. Throws {@link UsageError} for a value that no event can have, and
 * {@link AuditPlaceError}. Does NOT verify; what is no line of an audit is counted on standard error.
 */
export async function runQuery(args: string[], io: Io): Promise<number> {
  const text = { type: 'string' } as const
  const conditionOptions = Object.fromEntries(Object.keys(membersOf).map((option) => [option, text]))
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { ...conditionOptions, since: text, until: text, config: text, json: { type: 'boolean' } },
  })
  const { since, until, config, json } = values
  const conditions = conditionsOf(values, Date.now() / 1000, { since, until })
  let found = 0
  for (const path of await auditFiles(positionals, config, io)) {
    const unread = await eachEvent(path, (line, bytes) => {
      if (!conditions.every((fits) => fits(line))) return
      found += 1
      io.out(json === true ? `${bytes.toString()}\n` : auditLineText(line))
    })
    if (unread > 0) io.err(`xaa audit: ${path}: lines that are none of an audit: ${unread}; see xaa audit verify\n`)
  }
  if (found === 0) io.err('xaa audit: no event fits\n')
  return found === 0 ? 1 : 0
}

/** Calls back for each event, without opening and closing lines. Resolves to how many lines could not be read. */
async function eachEvent(path: string, take: (line: ChainedLine, bytes: Buffer) => void): Promise<number> {
  const file = await openToRead(path)
  let unread = 0
  try {
    for await (const lines of linesOf(file)) {
      for (const { bytes } of lines) {
        if (bytes.length === 0) continue
        const read = readLine(bytes)
        if (read === undefined) unread += 1
        else if (read.line.outcome !== undefined) take(read.line, bytes.subarray(read.torn))
      }
    }
  } catch (cause) {
    throw unreadable(path, cause as NodeJS.ErrnoException)
  } finally {
    await file.close()
  }
  return unread
}

function conditionsOf(
  values: { readonly [option: string]: unknown },
  now: number,
  { since, until }: { since: string | undefined; until: string | undefined },
): Condition[] {
  const { outcome, reason } = values
  if (outcome !== undefined && outcome !== 'granted' && outcome !== 'refused')
    throw new UsageError(`--outcome must be granted or refused, and is ${JSON.stringify(outcome)}`)
  if (typeof reason === 'string' && !reasons.some((one) => one === reason)) {
    const meant = nearest(reason, reasons)
    throw new UsageError(
      `--reason ${JSON.stringify(reason)} is no word of the audit${meant === undefined ? '' : `; did you mean "${meant}"?`}`,
    )
  }
  const conditions = Object.entries(membersOf).flatMap(([option, members]): Condition[] => {
    const wanted = values[option]
    if (wanted === undefined) return []
    return [(line) => members.some((member) => [line[member]].flat().includes(wanted))]
  })
  if (since !== undefined) {
    const from = timeOf('since', since, now)
    conditions.push(({ at }) => at >= from)
  }
  if (until !== undefined) {
    const end = timeOf('until', until, now)
    conditions.push(({ at }) => at <= end)
  }
  return conditions
}

const unitSeconds: { readonly [unit: string]: number } = { s: 1, m: 60, h: 3600, d: 86_400 }

/** A moment, in seconds since 1970. */
function timeOf(option: string, text: string, now: number): number {
  const [, amount, unit] = /^(\d{1,9})([smhd])$/.exec(text) ?? []
  if (amount !== undefined && unit !== undefined) return now - Number(amount) * (unitSeconds[unit] ?? 1)
  const at = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) / 1000 : Number.NaN
  if (Number.isNaN(at))
    throw new UsageError(
      `--${option} must be a date such as 2026-11-23T02:00Z or a time ago such as 15m, and is ${JSON.stringify(text)}`,
    )
  return at
}
