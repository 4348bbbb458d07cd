/** Chance by a number: the same choices for the same seed, fuzzer and position, so that each input can be made again. */

import { randomOf } from '../../test/fixture/mutations.ts'

/** Choices of one input. */
export interface Random {
  /** A whole number from 0 to `end - 1`. */
  below(end: number): number
  /** One of a list that is not empty; throws TypeError for one that is. */
  pick<Value>(list: readonly Value[]): Value
  /** True once in so many times. */
  oneIn(times: number): boolean
}

/** The choices for the input at this position of a fuzzer. */
export function randomAt(seed: number, fuzzer: string, at: number): Random {
  // FNV-1a over the three, so that neighbours share nothing.
  let state = 0x811c9dc5
  for (const character of `${seed}/${fuzzer}/${at}`)
    state = Math.imul(state ^ (character.codePointAt(0) ?? 0), 0x01000193)
  const below = randomOf(state)
  return {
    below,
    pick(list) {
      if (list.length === 0) throw new TypeError('nothing to pick from')
      return list[below(list.length)] as (typeof list)[number]
    },
    oneIn: (times) => below(times) === 0,
  }
}
