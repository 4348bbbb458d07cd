/** Whether the memory of the server process stays flat under the inputs: what it keeps after a collection, and what its garbage may add. */

import { median } from '../bench/statistics.ts'
import type { Figure } from './figure.ts'
import type { Collected } from './target.ts'

/** Bytes: before the inputs, and the medians of the second and of the last third of them. */
interface Course {
  before: number
  between: number
  after: number
}

/** What a run needed. */
export interface Memory {
  /** As {@link Collected} has both. */
  kept: Course
  taken: Course
  /** The most that the process took at any moment, garbage included. */
  most: number
}

/** How often in a run garbage is collected: four times in each third. */
export const collections = 12

/** What "flat" means, for people. */
export const flatness =
  'Memory is flat when the server process, with all garbage collected, keeps in the last third of the inputs less than 1.1 × and takes less than 1.2 × what it did in the second third, and garbage that V8 has not collected yet never makes it twice as large.'

/**
 * Of a collection before the inputs, those at each of {@link collections} equal steps among them, fewer where a run is short, and the
 * resident memory that was seen in between. Throws TypeError when there was no collection among the inputs.
 */
export function memoryOf(first: Collected, among: readonly Collected[], resident: readonly number[]): Memory {
  if (among.length === 0) throw new TypeError('nothing was measured among the inputs')
  const thirds = (member: keyof Collected) => {
    const values = among.map((one) => one[member])
    const third = values.length / 3
    return {
      before: first[member],
      between: median(values.slice(Math.floor(third), Math.ceil(2 * third))),
      after: median(values.slice(-Math.ceil(third))),
    }
  }
  return {
    kept: thirds('kept'),
    taken: thirds('taken'),
    most: Math.max(...resident, ...among.map(({ taken }) => taken)),
  }
}

/** Each bound of {@link flatness}, and whether it was kept. */
export function memoryFigures({ kept, taken, most }: Memory): Figure[] {
  return [
    {
      what: 'memory that is kept, in the last third',
      bound: '1.1 × that of the second third',
      figure: growing(kept),
      holds: kept.after < 1.1 * kept.between,
    },
    {
      what: 'memory of the whole process without garbage, in the last third',
      bound: '1.2 × that of the second third',
      figure: growing(taken),
      holds: taken.after < 1.2 * taken.between,
    },
    {
      what: 'memory of the whole process with garbage, at any moment',
      bound: '2 × that without, at the end',
      figure: `${megabytes(most)} at most (${(most / taken.after).toFixed(2)} ×)`,
      holds: most < 2 * taken.after,
    },
  ]
}

function growing({ before, between, after }: Course): string {
  return `${megabytes(after)} (${(after / between).toFixed(2)} ×); ${megabytes(before)} before the inputs`
}

function megabytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MB`
}
