/** Spent ids in memory, as numbers in tables: a million take less than 70 MB of arrays, and no single use waits for the others to be sorted. */

import { hash } from 'node:crypto'
import type { Seconds } from '../protocol/ports.ts'

/** Ids with the moment at which each may be forgotten. */
export interface SpentIds {
  /**
   * Remembers an id until `until`, in one step with the look whether it is `known`: remembered until a moment after `at`. Nothing is changed
   * when it is, and when there is no room.
   */
  spend(id: string, until: Seconds, at: Seconds): 'spent' | 'known' | 'no room'
  /** How many it holds, among them those of the last half minute that may be forgotten. */
  readonly size: number
}

/** Which of the tables an id is in: each is small, so that making it anew takes no time that anybody notices. */
const tableCount = 256
const leastSlots = 16
/** Of a slot: 128 bits of a digest. Two ids with the same would be one too few tokens, and never one too many. */
const words = 4
/** How old what may be forgotten gets, and how many slots one call looks through for it. */
const sweepEvery: Seconds = 30
const slotsPerCall = 8192

interface Table {
  digests: Uint32Array
  /** 0 for a free slot. */
  ends: Float64Array
  used: number
  sweptAt: Seconds
}

/** Holds at most `maxEntries`, and never forgets one that is of use. With a `salt` nobody can choose ids that meet in one place. */
export function spentIds(maxEntries: number, salt = ''): SpentIds {
  const tables: (Table | undefined)[] = Array.from({ length: tableCount })
  const digest = new Uint32Array(words)
  let size = 0
  let nextToSweep = 0
  let fullAt = Number.NEGATIVE_INFINITY
  let sweptUntil = Number.NEGATIVE_INFINITY

  const read = (id: string): number => {
    const bytes = hash('sha256', salt + id, 'buffer')
    for (let word = 0; word < words; word++) digest[word] = bytes.readUInt32LE(word * 4)
    return (digest[0] as number) % tableCount
  }
  const sweep = (at: Seconds, age: Seconds, slots: number) => {
    let left = slots
    for (let count = 0; count < tableCount && left > 0; count++) {
      const table = tables[nextToSweep]
      if (table !== undefined && at - table.sweptAt >= age) {
        left -= table.ends.length
        const fresh = remade(table, at, 0)
        tables[nextToSweep] = fresh
        size += fresh.used - table.used
      }
      nextToSweep = (nextToSweep + 1) % tableCount
    }
    // All were looked at: nobody looks again within the second.
    if (left > 0) sweptUntil = at + 1
  }

  /** With room for one more: beyond four fifths, a look takes many steps. */
  const roomier = (table: Table, at: Seconds): Table => {
    if ((table.used + 1) * 5 <= table.ends.length * 4) return table
    const fresh = remade(table, at, 1)
    size += fresh.used - table.used
    return fresh
  }

  return {
    spend(id, until, at) {
      if (at >= sweptUntil) sweep(at, sweepEvery, slotsPerCall)
      const number = read(id)
      let table = tables[number] ?? newTable(leastSlots, at)
      const found = table.ends[slotOf(table, digest)] as number
      if (found > at) return 'known'
      if (found === 0) {
        if (size >= maxEntries && at - fullAt >= 1) {
          sweep(at, 0, Number.POSITIVE_INFINITY)
          fullAt = at
        }
        if (size >= maxEntries) return 'no room'
        table = roomier(tables[number] ?? table, at)
        tables[number] = table
        table.used += 1
        size += 1
      }
      const slot = slotOf(table, digest)
      table.digests.set(digest, slot * words)
      table.ends[slot] = until
      return 'spent'
    },
    get size() {
      return size
    },
  }
}

function newTable(slots: number, at: Seconds): Table {
  return { digests: new Uint32Array(slots * words), ends: new Float64Array(slots), used: 0, sweptAt: at }
}

/** The same without what may be forgotten, with room for so many more. */
function remade(table: Table, at: Seconds, more: number): Table {
  let live = 0
  for (const end of table.ends) if (end > at) live += 1
  let slots = leastSlots
  while ((live + more) * 5 > slots * 4) slots *= 2
  if (live === table.used && slots === table.ends.length) {
    table.sweptAt = at
    return table
  }
  const fresh = newTable(slots, at)
  for (const [slot, end] of table.ends.entries()) {
    if (end <= at) continue
    const digest = table.digests.subarray(slot * words, slot * words + words)
    const place = slotOf(fresh, digest)
    fresh.digests.set(digest, place * words)
    fresh.ends[place] = end
    fresh.used += 1
  }
  return fresh
}

/** Where this digest stands, or the free slot where it would. */
function slotOf({ digests, ends }: Table, digest: Uint32Array): number {
  const mask = ends.length - 1
  let slot = (digest[1] as number) & mask
  while (ends[slot] !== 0) {
    const from = slot * words
    if (
      digests[from] === digest[0] &&
      digests[from + 1] === digest[1] &&
      digests[from + 2] === digest[2] &&
      digests[from + 3] === digest[3]
    )
      return slot
    slot = (slot + 1) & mask
  }
  return slot
}
