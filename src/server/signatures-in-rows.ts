/** Signatures without threads, computed in rows: those of all who wait for one at the same time, one right after the other. */

import type { Awaitable } from '../protocol/awaitable.ts'
import type { Signatures } from '../protocol/signatures.ts'

/** The same signatures and the same errors, a turn of the event loop later: a row takes half the time for what the processor has to fetch. */
export function inRows({ verify, sign }: Signatures): Signatures {
  return { verify: inOneRow(verify), sign: inOneRow(sign) }
}

function inOneRow<Input extends unknown[], Output>(
  compute: (...input: Input) => Awaitable<Output>,
): (...input: Input) => Promise<Output> {
  let row: (() => void)[] = []
  const computeRow = () => {
    const all = row
    row = []
    for (const one of all) one()
  }
  return (...input) =>
    new Promise((resolve, reject) => {
      if (row.length === 0) setImmediate(computeRow)
      row.push(() => {
        try {
          resolve(compute(...input))
        } catch (cause) {
          reject(cause)
        }
      })
    })
}
