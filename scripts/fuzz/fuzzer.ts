/** What a fuzzer is: inputs by number, over HTTP or for a reader in this process, each with what may come of it. */

import type { Genuine } from './genuine.ts'
import type { Random } from './random.ts'
import type { Answer } from './wire.ts'

/** One request over HTTP. */
export interface Shot {
  to: 'idp' | 'chat'
  /** The whole request as it goes out. */
  request: Buffer
  /**
   * Says what is wrong with an answer 2xx; undefined when the input had a right to it. Absent: nothing 2xx is right.
   */
  judge?: ((answer: Answer) => string | undefined) | undefined
  /**
   * `oauth`: a refusal keeps the contract of an OAuth endpoint. `http`: the request may be broken as HTTP or go elsewhere, and then a
   * plain 4xx will do.
   */
  contract: 'oauth' | 'http'
  /** The connection is not used again: what stands behind the request is nobody's. */
  last?: boolean
}

interface Named {
  /** As in `--only`. */
  name: string
  /** What it changes, for people. */
  title: string
  /** Its share of the inputs, beside those of the others. */
  weight: number
}

/** Throws nothing: an input is made of chance and genuine material. */
export interface HttpFuzzer extends Named {
  over: 'http'
  make(random: Random, genuine: Genuine): Shot
}

/** An input for a reader in this process. */
export interface ReaderInput {
  input: string | Buffer
  /** Reads it. Gives what is wrong with the outcome; undefined when it was refused as it should be, or read with right. */
  read(): Promise<string | undefined> | string | undefined
}

export interface ReaderFuzzer extends Named {
  over: 'reader'
  make(random: Random): ReaderInput
}

export type Fuzzer = HttpFuzzer | ReaderFuzzer
