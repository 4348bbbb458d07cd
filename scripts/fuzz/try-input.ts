/** Tries one input of a fuzzer, and gives what is wrong with what came of it. */

import { objectionTo } from './contract.ts'
import type { Fuzzer, HttpFuzzer, ReaderFuzzer } from './fuzzer.ts'
import type { Genuine } from './genuine.ts'
import { randomAt } from './random.ts'
import { type Connection, NoAnswerError } from './wire.ts'

/** What one input came to. */
export interface Tried {
  /** Undefined: nothing is wrong. */
  objection?: string | undefined
  input: Buffer
  outcome?: string
  /** True when it was granted or read. */
  accepted: boolean
}

/** The connections of one worker. */
export interface Lines {
  idp: Connection
  chat: Connection
}

/** Tries the input at this position over HTTP. */
export async function tryShot(
  fuzzer: HttpFuzzer,
  seed: number,
  at: number,
  genuine: Genuine,
  lines: Lines,
): Promise<Tried> {
  const shot = fuzzer.make(randomAt(seed, fuzzer.name, at), genuine)
  const line = lines[shot.to]
  const input = shot.request
  try {
    const answer = await line.ask(input)
    const objection = objectionTo(answer, shot)
    const accepted = answer.status < 300
    if (shot.last === true) line.drop()
    if (objection === undefined) return { input, accepted }
    return { objection, input, accepted, outcome: `${answer.status}\n${answer.body.slice(0, 4000)}` }
  } catch (error) {
    if (!(error instanceof NoAnswerError)) throw error
    line.drop()
    return { objection: error.message, input, accepted: false }
  }
}

/** Tries the input at this position in this process. What the reader throws beyond what it promises is a finding. */
export async function tryReader(fuzzer: ReaderFuzzer, seed: number, at: number): Promise<Tried> {
  const { input, read } = fuzzer.make(randomAt(seed, fuzzer.name, at))
  const bytes = Buffer.from(input)
  const began = performance.now()
  try {
    const outcome = read()
    const objection = outcome instanceof Promise ? await outcome : outcome
    const took = performance.now() - began
    // Far beyond what a busy machine makes of a reader that takes a millisecond.
    if (took > 5000) return { objection: `it took ${Math.round(took)} ms to read`, input: bytes, accepted: false }
    return { objection, input: bytes, accepted: false }
  } catch (error) {
    const outcome = error instanceof Error ? (error.stack ?? error.message) : String(error)
    return { objection: `throws ${outcome.split('\n', 1)[0]}`, input: bytes, outcome, accepted: false }
  }
}

/** Tries one input of either kind. */
export async function tryInput(
  fuzzer: Fuzzer,
  seed: number,
  at: number,
  genuine: Genuine,
  lines: Lines,
): Promise<Tried> {
  return fuzzer.over === 'http' ? await tryShot(fuzzer, seed, at, genuine, lines) : await tryReader(fuzzer, seed, at)
}
