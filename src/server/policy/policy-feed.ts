/** Follows what administrators change: every process has it within a second, and none decides by what is older than half a minute. */

import { type Block, BlockIndex, type Blocks, blockOf } from '../../protocol/blocks.ts'
import { unavailable } from '../../protocol/errors.ts'
import type { Seconds } from '../../protocol/ports.ts'
import type { Records } from '../../store/store.ts'
import { knownAccesses } from './access-records.ts'
import type { PolicyEntries } from './entry-records.ts'
import { noPolicy, type PolicyRecords, readPolicyRecords } from './policy-records.ts'
import { restorePolicy } from './restoration.ts'

export interface PolicyFeedOptions {
  records: Records
  now(): Seconds
  /** Told, once each, of what went wrong and that it is over, and of each policy that came into force. */
  say(message: string): void
  /** What the configuration and these entries have switched off, so that tokens issued before that end too. */
  switchedOff?(entries: PolicyEntries): readonly Block[]
  /** Milliseconds between two questions to the store; 500 unless given. */
  interval?: number
}

/** What is in force in this process. `blocks`, `isOff`, `entries` and the questions for tokens throw `temporarily_unavailable` when that is too old. */
export interface PolicyFeed {
  blocks: Blocks
  /** True when a block names exactly one of these: then whoever is named counts as disabled. */
  isOff(...names: readonly Block[]): boolean
  /** What was made, changed and removed at run time: the same value until an administrator changes something. */
  entries(): PolicyEntries
  isEnded(index: number): boolean
  endedBetween(from: number, to: number): readonly number[]
  /** By what was read last, however old. */
  isPurgedKey(kid: string): boolean
  /** Key sets of this issuer that were fetched earlier are not to be used. */
  keysPurgedAt(issuer: string): Seconds
  /** The revision of the latest administrator's change that was read, however old that is. */
  version(): number
  /** Reads the store now. Rejects when it cannot be read. */
  refresh(): Promise<void>
  /** Throws an error with a sentence when what is known is too old. */
  check(): void
  close(): void
}

/** Older than this, what is known is no ground for a decision. */
const usableFor: Seconds = 30
/** How long after a block another process may still issue by what it knew before. */
const settling: Seconds = usableFor + 10

/** Starts to follow. Rejects when the store cannot be read now. */
export async function followPolicy(options: PolicyFeedOptions): Promise<PolicyFeed> {
  const { records, now, say, switchedOff = () => [], interval = 500 } = options
  let known = noPolicy
  let inForce = new BlockIndex(known.blocks)
  let revision = 0
  let readAt: Seconds = Number.NEGATIVE_INFINITY
  /** Indexes that a block ended. They stay ended: when it is lifted they are recorded one by one. */
  let blocked: ReadonlySet<number> = new Set()
  let scannedFor = ''
  let changedAt: Seconds = Number.NEGATIVE_INFINITY
  let trouble: string | undefined
  let pending: Promise<void> | undefined

  let off: { entries: PolicyEntries; blocks: readonly Block[] } | undefined
  /** Looked for among thousands of entries only when they are others. */
  const offNow = (entries: PolicyEntries): readonly Block[] => {
    if (off?.entries !== entries) off = { entries, blocks: switchedOff(entries) }
    return off.blocks
  }

  const scan = async (found: PolicyRecords): Promise<void> => {
    const all = [...found.blocks, ...offNow(found.entries)]
    const fingerprint = JSON.stringify(all)
    if (fingerprint !== scannedFor) changedAt = now()
    // Whoever has not heard of a block yet may still issue under it, so it is looked for again for a while.
    if (fingerprint === scannedFor && now() - changedAt > settling) return
    const accesses = all.length === 0 ? [] : await knownAccesses(records)
    const stopping = new BlockIndex(all)
    blocked = new Set(
      accesses.filter(({ access }) => blockOf(stopping, access) !== undefined).map(({ index }) => index),
    )
    scannedFor = fingerprint
  }
  const read = async (): Promise<void> => {
    const at = now()
    const latest = await records.revision()
    // The versions of a store that lost its memory say nothing about what was read before.
    const lost = latest < revision
    if (lost) await restorePolicy(records, known, blocked)
    if (latest !== revision || readAt === Number.NEGATIVE_INFINITY) {
      const before = readAt === Number.NEGATIVE_INFINITY ? undefined : known.version
      const found = await readPolicyRecords(records, lost ? noPolicy : known)
      await scan(found)
      known = found
      inForce = new BlockIndex(found.blocks)
      revision = latest
      if (before !== undefined && found.version !== before) say(`policy ${found.version} is in force`)
    }
    readAt = at
  }
  const refresh = async (): Promise<void> => {
    // A reading that began before the change which is asked for may have missed it.
    while (pending !== undefined) await pending.catch(() => {})
    pending = read().finally(() => {
      pending = undefined
    })
    await pending
  }
  const poll = async (): Promise<void> => {
    const before = trouble
    try {
      await refresh()
      trouble = undefined
    } catch (cause) {
      trouble = cause instanceof Error ? cause.message : typeof cause
    }
    if (trouble !== before)
      say(trouble === undefined ? 'the policy can be read again' : `the policy cannot be read: ${trouble}`)
  }
  const age = () => now() - readAt
  const current = (): PolicyRecords => {
    if (age() > usableFor) throw unavailable('policy_stale', `the policy was last read ${Math.round(age())} s ago`)
    return known
  }

  const blocksInForce = () => {
    current()
    return inForce
  }

  await refresh()
  const timer = setInterval(() => {
    if (pending === undefined) void poll()
  }, interval)
  timer.unref()
  return {
    blocks: { inForce: blocksInForce, lifted: () => current().lifted },
    isOff: (...names) => current().blocks.length > 0 && names.some((one) => inForce.has(one)),
    entries: () => current().entries,
    isEnded: (index) => current().ended.has(index) || blocked.has(index),
    endedBetween: (from, to) => [...new Set([...current().ended, ...blocked])].filter((one) => one >= from && one < to),
    isPurgedKey: (kid) => known.purgedKeys.has(kid),
    keysPurgedAt: (issuer) => current().keysPurgedAt.get(issuer) ?? 0,
    version: () => known.version,
    refresh,
    check() {
      if (age() > usableFor) throw new Error(`the policy was last read ${Math.round(age())} s ago`)
    },
    close: () => clearInterval(timer),
  }
}
