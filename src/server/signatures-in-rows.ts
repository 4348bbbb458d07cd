/** Signatures in rows: all who wait for one at the same time get it one right after the other, and go on so. */

import type { Awaitable } from '../protocol/awaitable.ts'
import { newCohorts } from '../protocol/cohorts.ts'
import type { Signatures } from '../protocol/signatures.ts'

/** The same signatures and the same errors, a turn of the event loop later: code and tables are fetched into the caches once for a row. */
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

/** The same where threads compute: those whose signatures are ready at the same time go on in a row. */
export function goingOnTogether({ verify, sign }: Signatures): Signatures {
  return { verify: andTogether(verify), sign: andTogether(sign) }
}

function andTogether<Input extends unknown[], Output>(
  compute: (...input: Input) => Awaitable<Output>,
): (...input: Input) => Promise<Output> {
  const together = newCohorts()
  return async (...input) => {
    const output = await compute(...input)
    await together()
    return output
  }
}
