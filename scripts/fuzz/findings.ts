/** What was found: kept as a file with the input, and said with the command that makes it again. */

import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

export interface Finding {
  fuzzer: string
  seed: number
  /** The position of the input. */
  at: number
  /** What is wrong. */
  objection: string
  input: Buffer
  /** What came of it, where there is more to see. */
  outcome?: string
}

/** The command that tries the same input again. */
export function commandOf({ fuzzer, seed, at }: Pick<Finding, 'fuzzer' | 'seed' | 'at'>): string {
  return `npm run fuzz -- --only ${fuzzer} --seed ${seed} --at ${at}`
}

/** Writes a finding into a folder, which is made when it is needed, and gives the path. The input is there as it went out. */
export async function saveFinding(folder: string, finding: Finding): Promise<string> {
  const { fuzzer, seed, at, objection, input, outcome = '' } = finding
  await mkdir(folder, { recursive: true })
  const path = join(folder, `${fuzzer}-${seed}-${at}`)
  await writeFile(`${path}.input`, input)
  await writeFile(`${path}.txt`, `${objection}\n\n${commandOf(finding)}\n\n${outcome}\n`)
  return `${path}.txt`
}
