/** What every role needs of the process around it, and how far other people's clocks may be off. */

import type { FetchDocument } from '../protocol/issuer-keys.ts'
import type { Seconds } from '../protocol/ports.ts'

export interface Surroundings {
  fetchDocument: FetchDocument
  now(): Seconds
  /** Tells the operator what is wrong with somebody else's documents. */
  warn(message: string): void
}

/** How far other people's clocks may be off. */
export const skew: Seconds = 30
