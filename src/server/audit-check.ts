/** Judges the chains of audit files, one line after the other: what is missing, was changed, doubled, moved or cut short. */

import { batchLimit, type ChainedLine, type Link, type ReadLine, readLine } from './audit-chain.ts'

/** Where a line is: its file, and its number in it, from 1. */
export interface Place {
  file: string
  line: number
}

/** Something about one line, in a sentence. */
export interface Remark extends Place {
  says: string
}

/** What was read of one instance. */
export interface CheckedInstance {
  instance: string
  /** Numbers of its first and its newest line. */
  first: number
  last: number
  /** The hash of its newest line. Whoever keeps it elsewhere will see when the file was written anew. */
  head: string
  /** False while it runs, when it was killed, and when its last lines were cut off. */
  closed: boolean
}

/** The judgement. It is good when there are no problems; `notes` are what an honest file may have, such as a line cut short by a kill. */
export interface AuditJudgement {
  lines: number
  instances: CheckedInstance[]
  /** The first 1 000. */
  problems: Remark[]
  /** The first 1 000. */
  notes: Remark[]
  /** How many more there are of both. */
  unlisted: number
}

/** Takes lines in the order of the files, the older file first. */
export interface AuditCheck {
  /**
   * The next line. Gives it back when it is one of an audit. Does NOT check what an opening line says of the file before it
   * (`offset`, `follows`): that needs the file.
   */
  line(bytes: Buffer, place: Place): ReadLine | undefined
  /** The end of a file. `torn`: its last line has no line break. */
  endFile(torn: boolean): void
  /** Adds a problem that was found in the file itself. */
  problem(place: Place, says: string): void
  judgement(): AuditJudgement
}

interface Known extends Link {
  hash: string
  index: number
}

interface CheckedChain {
  first: number
  last: Known
  /** The line its newest opening goes on from. */
  base: Known | undefined
  /** Its newest lines: one of them, or the base, is what its next opening will go on from. */
  recent: Map<number, Known>
  closed: boolean
}

interface Doubt {
  index: number
  remark: Remark
  /** Both absent for what is no line of an audit. */
  instance?: string
  sequence?: number
}

/** A longer list than anybody reads; an honest file fills neither. */
const mostRemarks = 1000
/** More lines in a row that are none of an audit were not left by a kill. */
const mostGarbage = 100

/** A check that has seen nothing yet. */
export function auditCheck(): AuditCheck {
  const chains = new Map<string, CheckedChain>()
  const notes: Remark[] = []
  let problems: Doubt[] = []
  /** Lines that are none of an audit, until the next line says whether somebody was cut short there. */
  let garbage: (Place & { bytes: number; index: number })[] = []
  let index = 0
  let lines = 0
  let unlisted = 0

  const note = (remark: Remark) => {
    if (notes.length < mostRemarks) notes.push(remark)
    else unlisted += 1
  }

  const object = (doubt: Doubt) => {
    if (problems.length < mostRemarks) problems.push(doubt)
    else unlisted += 1
  }

  const takeGarbage = (explained: boolean) => {
    for (const { file, line, bytes, index: at } of garbage) {
      if (explained) note({ file, line, says: `${bytes} bytes of a line that was cut short` })
      else object({ index: at, remark: { file, line, says: 'is no line of an audit' } })
    }
    garbage = []
  }

  /** A failed write leaves any part of what it was to write. The opening after it says how many lines that was. */
  const explain = (instance: string, from: Known, before: number) => {
    const isExplained = (doubt: Doubt) =>
      doubt.index > from.index &&
      (doubt.sequence === undefined ||
        (doubt.instance === instance && doubt.sequence > from.sequence && doubt.sequence < before))
    for (const { remark } of problems.filter(isExplained))
      note({ ...remark, says: `${remark.says}: left by a write that failed` })
    problems = problems.filter((doubt) => !isExplained(doubt))
  }

  const checkLine = (line: ChainedLine, link: Known, place: Place) => {
    const { instance, sequence, previous, opened, uncertain = 0 } = line
    const name = `instance ${instance}`
    const wrong = (says: string) =>
      object({ index: link.index, instance, sequence, remark: { ...place, says: `${name}: ${says}` } })
    const chain = chains.get(instance)
    if (chain === undefined) {
      if (opened === undefined) wrong(`begins with line ${sequence}; what it wrote before is missing`)
      else if (previous === undefined && sequence !== 1) wrong(`begins with line ${sequence}`)
      else if (previous !== undefined)
        note({
          ...place,
          says: `${name} goes on with line ${sequence}; its earlier lines are in a file that was not read`,
        })
      chains.set(instance, {
        first: sequence,
        last: link,
        base: undefined,
        recent: new Map([[sequence, link]]),
        closed: line.closed === true,
      })
      return
    }
    const { last } = chain
    if (sequence <= last.sequence) {
      wrong(`line ${sequence} stands behind line ${last.sequence}: it was doubled or moved`)
      return
    }
    if (chain.closed) wrong(`line ${sequence} stands behind its closing line`)
    if (opened !== undefined) {
      const from = sequence - 1 - uncertain
      const base = chain.base?.sequence === from ? chain.base : chain.recent.get(from)
      if (base === undefined) wrong(`line ${sequence} goes on from line ${from}, which is missing`)
      else if (base.hash !== previous)
        wrong(`line ${sequence} goes on from line ${from}, and one of the two was changed`)
      else if (uncertain > 0) explain(instance, base, sequence)
      chain.base = base
    } else if (sequence > last.sequence + 1) {
      wrong(`line ${sequence} follows line ${last.sequence}: ${missing(sequence - last.sequence - 1)} missing`)
    } else if (previous !== last.hash) {
      wrong(`line ${sequence} does not fit line ${last.sequence} before it: one of the two was changed`)
    }
    chain.last = link
    chain.closed = line.closed === true
    chain.recent.set(sequence, link)
    // An opening, a whole batch and the line before them.
    if (chain.recent.size > batchLimit + 2) chain.recent.delete(chain.recent.keys().next().value ?? 0)
    if (chain.closed) chain.recent.clear()
  }

  return {
    line(bytes, place) {
      index += 1
      if (bytes.length === 0) return undefined
      const read = readLine(bytes)
      if (read === undefined) {
        if (garbage.length === mostGarbage) takeGarbage(false)
        garbage.push({ ...place, bytes: bytes.length, index })
        return undefined
      }
      lines += 1
      takeGarbage(read.line.opened !== undefined)
      if (read.torn > 0)
        note({ ...place, says: `${read.torn} bytes of a line that was cut short, and a whole line behind them` })
      checkLine(read.line, { sequence: read.line.sequence, hash: read.hash, index }, place)
      return read
    },
    endFile: takeGarbage,
    problem(place, says) {
      object({ index, instance: '', sequence: 0, remark: { ...place, says } })
    },
    judgement() {
      return {
        lines,
        instances: [...chains].map(([instance, { first, last, closed }]) => ({
          instance,
          first,
          last: last.sequence,
          head: last.hash,
          closed,
        })),
        problems: problems.map(({ remark }) => remark),
        notes,
        unlisted,
      }
    },
  }
}

function missing(count: number): string {
  return count === 1 ? '1 line is' : `${count} lines are`
}
