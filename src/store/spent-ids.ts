/** Spent ids in memory, as numbers in rows: a million take 32 MB, and no single use waits while others are moved, sorted or forgotten. */

import type { Seconds } from '../protocol/ports.ts'
import { digestWords, readKeyDigest } from './key-digest.ts'
import { pagedNumbers } from './paged-numbers.ts'

/** Ids with the moment at which each may be forgotten. */
export interface SpentIds {
  /**
   * Remembers an id, by {@link readKeyDigest}, until `until`, in one step with the look whether it is `known`: remembered until a moment after `at`. Nothing is changed
   * when it is, and when there is no room.
   */
  spend(id: string, until: Seconds, at: Seconds): 'spent' | 'known' | 'no room'
  /** How many it holds, among them those that may be forgotten and were not yet looked at. */
  readonly size: number
}

/**
 * Of an entry: 128 bits of a digest, its end in two, and the next of its chain. Two ids with the same digest would be one too few tokens,
 * never one too many.
 */
const words = 7
const endWord = digestWords
const nextWord = 6
/** Entries have places from 1 on. */
const none = 0
const leastChains = 64

/** How old what may be forgotten gets before somebody looks, and how many entries one call looks at. */
const sweepEvery: Seconds = 30
const looksPerCall = 128
/** How many one call looks at, and how many it forgets, when there is no room: about a millisecond of each. */
const looksWhenFull = 16_384
const enoughRoom = 128

/**
 * Holds at most `maxEntries`, and never forgets one that is of use. With a secret `salt` nobody can choose ids that meet in one chain.
 *
 * There are as many chains as entries. They grow by linear hashing: with each new entry one chain is split in two, and with each that is
 * forgotten two become one. Entries stand without gaps: the last one takes the place of one that is forgotten.
 */
export function spentIds(maxEntries: number, salt = ''): SpentIds {
  const entries = pagedNumbers()
  const chains = pagedNumbers()
  const digest = new Int32Array(endWord)
  const factors = new Int32Array(digestWords)
  readKeyDigest(salt, factors)
  const number = new Float64Array(1)
  const numberWords = new Int32Array(number.buffer)
  let size = 0
  /** Places up to this one are still to be looked at. */
  let unswept = 0
  let sweptAt = Number.NEGATIVE_INFINITY
  let fullUntil = Number.NEGATIVE_INFINITY

  const read = (place: number, word: number) => entries.get(place * words + word)
  const write = (place: number, word: number, value: number) => entries.set(place * words + word, value)
  const endOf = (place: number) => {
    numberWords[0] = read(place, endWord)
    numberWords[1] = read(place, endWord + 1)
    return number[0] ?? 0
  }
  const setEnd = (place: number, end: Seconds) => {
    number[0] = end
    write(place, endWord, numberWords[0] ?? 0)
    write(place, endWord + 1, numberWords[1] ?? 0)
  }
  /**
   * Puts in place of the first word one from which it follows, given the others, and which says the chain. It is universal hashing: a sum of
   * products with odd factors nobody else knows, of which the upper half is as good as drawn by lot, and laid over the lower one.
   */
  const hideDigest = () => {
    let sum = 0
    for (let word = 0; word < digestWords; word++)
      sum = (sum + Math.imul(digest[word] ?? 0, (factors[word] ?? 0) | 1)) | 0
    digest[0] = sum ^ (sum >>> 16)
  }
  const isDigestAt = (place: number) =>
    read(place, 0) === digest[0] &&
    read(place, 1) === digest[1] &&
    read(place, 2) === digest[2] &&
    read(place, 3) === digest[3]

  const chainOf = (word: number) => {
    const count = Math.max(leastChains, size)
    const round = powerBelow(count)
    const chain = word & (2 * round - 1)
    return chain < count ? chain : chain - round
  }
  const prepend = (chain: number, place: number) => {
    write(place, nextWord, chains.get(chain))
    chains.set(chain, place)
  }
  /** Makes whatever names this place, a chain or the entry before it, name another. */
  const rename = (place: number, other: number) => {
    const chain = chainOf(read(place, 0))
    let before = none
    for (let at = chains.get(chain); at !== place; at = read(at, nextWord)) before = at
    if (before === none) chains.set(chain, other)
    else write(before, nextWord, other)
  }
  /** Gives each entry of one chain to the chain it belongs to, now that there are more or fewer chains. */
  const redistribute = (chain: number) => {
    let place = chains.get(chain)
    chains.set(chain, none)
    while (place !== none) {
      const following = read(place, nextWord)
      prepend(chainOf(read(place, 0)), place)
      place = following
    }
  }

  const find = () => {
    let place = chains.get(chainOf(digest[0] ?? 0))
    while (place !== none && !isDigestAt(place)) place = read(place, nextWord)
    return place
  }
  const add = (end: Seconds) => {
    size += 1
    if (size > leastChains) redistribute(size - 1 - powerBelow(size - 1))
    for (let word = 0; word < digestWords; word++) write(size, word, digest[word] ?? 0)
    setEnd(size, end)
    prepend(chainOf(digest[0] ?? 0), size)
  }
  const forget = (place: number) => {
    rename(place, read(place, nextWord))
    if (place !== size) {
      rename(size, place)
      for (let word = 0; word < words; word++) write(place, word, read(size, word))
    }
    size -= 1
    if (size >= leastChains) redistribute(size)
    entries.trim((size + 1) * words)
    chains.trim(size)
  }
  /** Goes on where it ended the last time, from the last entry to the first: what comes to a place of one forgotten was looked at. */
  const sweep = (at: Seconds, looks: number, enough: number) => {
    if (unswept === 0) unswept = size
    const goal = size - enough
    for (let left = looks; left > 0 && unswept > 0 && size > goal; left--) {
      if (endOf(unswept) <= at) forget(unswept)
      unswept -= 1
    }
    if (unswept === 0) sweptAt = at
  }
  const makeRoom = (at: Seconds) => {
    if (at < fullUntil) return
    sweep(at, looksWhenFull, enoughRoom)
    // All were looked at: nobody looks again within the second.
    if (unswept === 0 && size >= maxEntries) fullUntil = at + 1
  }

  return {
    spend(id, until, at) {
      if (unswept > 0 || at - sweptAt >= sweepEvery) sweep(at, looksPerCall, looksPerCall)
      readKeyDigest(id, digest)
      hideDigest()
      const known = find()
      if (known !== none && endOf(known) > at) return 'known'
      if (known !== none) {
        setEnd(known, until)
        return 'spent'
      }
      if (size >= maxEntries) makeRoom(at)
      if (size >= maxEntries) return 'no room'
      add(until)
      return 'spent'
    },
    get size() {
      return size
    },
  }
}

/** Of a whole number above 0: the greatest power of two that is no more. */
function powerBelow(count: number): number {
  return 2 ** (31 - Math.clz32(count))
}
