/** What an administrator changes at run time, as records of the store: blocks, keys that are no longer believed, and entries. */

import { createHash } from 'node:crypto'
import * as z from 'zod'
import { type Block, blockMembers, type LiftedBlock } from '../../protocol/blocks.ts'
import type { Seconds } from '../../protocol/ports.ts'
import { type RecordChange, type Records, type StoredRecord, StoreUnavailableError } from '../../store/store.ts'
import { readChangedEntries, readEntries } from './entry-reading.ts'
import { entryKinds, noEntries, type PolicyEntries } from './entry-records.ts'

/** The kinds of records beside those of entries. All but `access` are few. */
export const kinds = {
  /** One record, `head`, changed with every administrator's change: its version names the policy. */
  policy: 'policy',
  block: 'block',
  lifted: 'lifted-block',
  purgedKey: 'purged-key',
  purgedIssuer: 'purged-issuer',
  /** One for each access that tokens were issued for. Its version is the index of their status. */
  access: 'access',
  /** An index whose tokens ended before their time. */
  ended: 'ended-access',
} as const

export const headId = 'head'

/** Who changed something, when, and why: kept beside it. */
export interface Change {
  at: Seconds
  by: string
  note?: string | undefined
}

/** A block in force. */
export type BlockRecord = Block & Change

const text = z.string()
const names = {
  user: text.optional(),
  client: text.optional(),
  audience: text.optional(),
  tenant: text.optional(),
  issuer: text.optional(),
}
const BlockValue = z.object({ ...names, at: z.number(), by: text, note: text.optional() })
const LiftedValue = z.object({ ...names, liftedAt: z.number() })
const PurgedKeyValue = z.object({ kid: text })
const PurgedIssuerValue = z.object({ issuer: text, at: z.number() })

/** Everything an administrator changed, as one reading of the store. */
export interface PolicyRecords {
  /** The revision of the latest administrator's change; 0 when there was none. */
  version: number
  blocks: readonly BlockRecord[]
  lifted: readonly LiftedBlock[]
  /** Ids of keys that are refused although a set may still name them. */
  purgedKeys: ReadonlySet<string>
  /** For each issuer, the moment before which its key sets were fetched in vain. */
  keysPurgedAt: ReadonlyMap<string, Seconds>
  /** Indexes of tokens that were ended one by one. */
  ended: ReadonlySet<number>
  /** What was made, changed and removed at run time; the same value until an administrator changes something. */
  entries: PolicyEntries
  /** All of these as records, so that they can be written again to a store that lost them. */
  records: readonly { kind: string; record: StoredRecord }[]
  /** Those among them that hold {@link PolicyRecords.entries}. */
  entryRecords: readonly { kind: string; record: StoredRecord }[]
}

/** Before anything was changed. */
export const noPolicy: PolicyRecords = {
  version: 0,
  blocks: [],
  lifted: [],
  purgedKeys: new Set(),
  keysPurgedAt: new Map(),
  ended: new Set(),
  entries: noEntries,
  records: [],
  entryRecords: [],
}

const followed = [kinds.policy, kinds.block, kinds.lifted, kinds.purgedKey, kinds.purgedIssuer, kinds.ended]
const mostAttempts = 20

/**
 * Reads all of it, as one administrator's change left it: whatever a change touches, it changes the head with it. Entries are read
 * again only when the head is another than in `before`, and then, while the head still tells which they are, only those that changed. A record of a form that this version does not know rejects: what it says must
 * not be overlooked.
 */
export async function readPolicyRecords(records: Records, before: PolicyRecords = noPolicy): Promise<PolicyRecords> {
  for (let attempt = 0; attempt < mostAttempts; attempt++) {
    const head = await readHead(records)
    const found = await readAll(records, before, head)
    if ((await headVersion(records)) === head.version) return found
  }
  throw new StoreUnavailableError('the policy is being changed by others all the time')
}

/** The version of the policy as it is in the store; 0 when nothing was ever changed. */
export async function headVersion(records: Records): Promise<number> {
  return (await readHead(records)).version
}

/** The head as it stands. */
export interface Head {
  /** 0 when nothing was ever changed. */
  version: number
  /** The latest changes, the oldest first: the version each was made on, and the entries it touched. */
  recent: readonly { on: number; entries: readonly (readonly [kind: string, id: string])[] }[]
}

const Recent = z.array(z.object({ on: z.number(), entries: z.array(z.tuple([text, text])) })).catch([])
/** Whoever looks twice a second misses none of so many, unless a program makes them. */
const mostRecent = 50
const kindsOfEntries: readonly string[] = Object.values(entryKinds)

/** Reads the head. */
export async function readHead(records: Records): Promise<Head> {
  const record = await records.get(kinds.policy, headId)
  return { version: record?.version ?? 0, recent: Recent.parse(record?.value.recent ?? []) }
}

/** The entries that were touched since a version; undefined when the head does not go back so far. */
function touchedSince(version: number, { recent }: Head): (readonly [kind: string, id: string])[] | undefined {
  const from = recent.findIndex(({ on }) => on === version)
  return from === -1 ? undefined : recent.slice(from).flatMap(({ entries }) => entries)
}

async function readAll(records: Records, before: PolicyRecords, head: Head): Promise<PolicyRecords> {
  const { version } = head
  const lists = await Promise.all(followed.map((kind) => records.list(kind)))
  const few = lists.flatMap((list, at) => list.map((record) => ({ kind: followed[at] ?? '', record })))
  const values = <Shape extends z.ZodType>(kind: string, shape: Shape): z.output<Shape>[] =>
    few.filter((one) => one.kind === kind).map(({ record }) => shape.parse(record.value))
  const earlier = { entries: before.entries, records: before.entryRecords }
  const touched = before === noPolicy ? undefined : version === before.version ? [] : touchedSince(before.version, head)
  const { entries, records: entryRecords } =
    touched === undefined
      ? await readEntries(records, before.entries)
      : await readChangedEntries(records, earlier, touched)
  return {
    version,
    blocks: values(kinds.block, BlockValue).map(withoutAbsent),
    lifted: values(kinds.lifted, LiftedValue).map(withoutAbsent),
    purgedKeys: new Set(values(kinds.purgedKey, PurgedKeyValue).map(({ kid }) => kid)),
    keysPurgedAt: new Map(values(kinds.purgedIssuer, PurgedIssuerValue).map(({ issuer, at }) => [issuer, at])),
    ended: new Set(few.filter((one) => one.kind === kinds.ended).map(({ record }) => Number(record.id))),
    entries,
    records: [...few, ...entryRecords],
    entryRecords,
  }
}

/** The id of a block: the same names, the same block. */
export function blockId(block: Block): string {
  const named = blockMembers.map((member) => block[member] ?? null)
  return createHash('sha256').update(JSON.stringify(named)).digest('base64url')
}

/** The names of a block and nothing else, in their order. */
export function namesOfBlock(block: Block): Block {
  return withoutAbsent(Object.fromEntries(blockMembers.map((member) => [member, block[member]])) as Block)
}

/** The change of the head that belongs to every administrator's change, and tells which entries that touches. */
export function headChange(
  { version, recent }: Head,
  change: Change & { what: string },
  changes: readonly RecordChange[],
): RecordChange {
  const entries = changes.filter(({ kind }) => kindsOfEntries.includes(kind)).map(({ kind, id }) => [kind, id] as const)
  const value = { ...withoutAbsent({ ...change }), recent: [...recent, { on: version, entries }].slice(-mostRecent) }
  return { kind: kinds.policy, id: headId, expected: version, value }
}

type Present<Value> = { [Member in keyof Value]: Exclude<Value[Member], undefined> }

function withoutAbsent<Value extends object>(value: Value): Present<Value> {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as Present<Value>
}
