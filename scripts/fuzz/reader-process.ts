/** The process of the readers: tries the inputs it is told of, so that they take no time from those that go over HTTP. */

import type { Finding } from './findings.ts'
import { fuzzers } from './fuzzers.ts'
import { tryReader } from './try-input.ts'

/** So many inputs of one fuzzer from a position on. */
export interface ReaderTask {
  fuzzer: string
  seed: number
  first: number
  turns: number
}

async function findingsOf({ fuzzer: name, seed, first, turns }: ReaderTask): Promise<Finding[]> {
  const findings: Finding[] = []
  const fuzzer = fuzzers.find((one) => one.name === name)
  if (fuzzer?.over !== 'reader') throw new TypeError(`${name} is not the fuzzer of a reader`)
  for (let at = first; at < first + turns; at++) {
    const { objection, input, outcome } = await tryReader(fuzzer, seed, at)
    if (objection !== undefined)
      findings.push({ fuzzer: name, seed, at, objection, input, ...(outcome === undefined ? {} : { outcome }) })
  }
  return findings
}

process.on('message', async (tasks: ReaderTask[]) => {
  const findings: Finding[] = []
  for (const task of tasks) findings.push(...(await findingsOf(task)))
  process.send?.(findings)
})
process.send?.('ready')
