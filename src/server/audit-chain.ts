/** The lines of an audit: each names the one before it by its hash, so that none can be changed or taken out unseen. */

import { hash } from 'node:crypto'
import type { AuditEvent, Seconds } from '../protocol/ports.ts'
import { jsonText } from './json-line.ts'

/** How far a chain has come: the number of its newest line, from 1, and that line's hash. Zero and no hash before the first. */
export interface Link {
  sequence: number
  hash?: string
}

/** What an instance found at the end of a file that it opened. */
export interface FileEnd {
  /** Bytes from the start of the file to the end of its last line that has a line break. */
  offset: number
  /** The hash of that line and those before it, of 64 KiB in all. Absent when there is none. */
  hash?: string
  /** Bytes after it: a line that was cut short. */
  torn: number
}

/** The chain of one instance, which is one process from its start to its end. Makes lines, and writes them nowhere. */
export interface Chain {
  /**
   * The line by which an instance says that it opened a file: at its start, after a failed write, after the file was replaced.
   * It goes on from the last line that was settled, and skips the numbers of those that may or may not be in the file
   * (`uncertain`). It names what stood before it (`follows`, `offset`), so that no whole chain can vanish unseen.
   */
  opening(at: Seconds, end?: FileEnd): string
  /** One event, with `instance`, `sequence` and `previous` beside its own members. */
  event(event: AuditEvent): string
  /** The last line of an instance that was stopped in an orderly way. */
  closing(at: Seconds): string
  /** How far it has come. */
  head(): Link
  /** Says that every line up to this one is on stable storage. */
  settle(link: Link): void
}

/** The most lines that are written at once, and so the most whose fate one failure can leave open. */
export const batchLimit = 1000

/** The chain of an instance that has written nothing yet. */
export function newChain(instance: string): Chain {
  const named = jsonText(instance)
  let head: Link = { sequence: 0 }
  let settled = head
  const add = (members: object, previous: string | undefined): string => {
    const sequence = head.sequence + 1
    const text = jsonText(members)
    const linked = previous === undefined ? '' : `,"previous":"${previous}"`
    // Every line has members of its own, and the others are of letters and digits.
    const line = `${text.slice(0, -1)},"instance":${named},"sequence":${sequence}${linked}}`
    head = { sequence, hash: hashOf(line) }
    return `${line}\n`
  }
  return {
    opening(at, end) {
      const uncertain = head.sequence - settled.sequence
      const found = end === undefined ? {} : { follows: end.hash, offset: end.offset, torn: end.torn || undefined }
      const opened = settled.sequence === 0 ? 'start' : 'again'
      return add({ at, opened, ...found, uncertain: uncertain || undefined }, settled.hash)
    },
    event: (event) => add(beginsWithTime(event) ? event : Object.assign({ at: event.at }, event), head.hash),
    closing: (at) => add({ at, closed: true }, head.hash),
    head: () => head,
    settle(link) {
      settled = link
    },
  }
}

/** By `at` at its beginning, a line is found behind the rest of another. */
function beginsWithTime(event: AuditEvent): boolean {
  for (const first in event) return first === 'at'
  return false
}

/** SHA-256 in base64url. A line is named by that of its bytes without the line break. */
export function hashOf(bytes: string | Buffer): string {
  return hash('sha256', bytes, 'base64url')
}

/** A line that was read: its place in a chain, and whatever else it says. */
export interface ChainedLine {
  at: Seconds
  instance: string
  sequence: number
  previous?: string
  /** What an opening line found: see {@link Chain.opening}. */
  opened?: 'start' | 'again'
  follows?: string
  offset?: number
  uncertain?: number
  closed?: true
  readonly [member: string]: unknown
}

/** What the bytes between two line breaks turned out to be. */
export interface ReadLine {
  line: ChainedLine
  hash: string
  /** Bytes in front of it that are the rest of another process's line, which was cut short by its end. */
  torn: number
}

const lineStart = Buffer.from('{"at":')

/**
 * Reads one line, given without its line break. Undefined when it is none of an audit. A line that was glued to one that was cut
 * short is found behind it. Does NOT check its hash or number, nor the members that make it an event.
 */
export function readLine(bytes: Buffer): ReadLine | undefined {
  for (let from = bytes.indexOf(lineStart); from >= 0; from = bytes.indexOf(lineStart, from + 1)) {
    const own = from === 0 ? bytes : bytes.subarray(from)
    const line = chainedLine(own.toString())
    if (line !== undefined) return { line, hash: hashOf(own), torn: from }
  }
  return undefined
}

function chainedLine(text: string): ChainedLine | undefined {
  let value: { readonly [member: string]: unknown }
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  const { at, instance, sequence, previous, opened, follows, offset, uncertain, closed } = value
  const isLine =
    typeof at === 'number' &&
    typeof instance === 'string' &&
    isCount(sequence) &&
    (previous === undefined || typeof previous === 'string') &&
    (opened === undefined || opened === 'start' || opened === 'again') &&
    (follows === undefined || typeof follows === 'string') &&
    (offset === undefined || isCount(offset)) &&
    (uncertain === undefined || isCount(uncertain)) &&
    (closed === undefined || closed === true)
  return isLine ? (value as ChainedLine) : undefined
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}
