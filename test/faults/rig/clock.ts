/** The clock of the generator: the only one by which moments of a run are compared. */

import type { Seconds } from '../../../src/protocol/ports.ts'

/** Seconds since 1970 that never go back, also when somebody sets the system's clock. */
export function generatorNow(): Seconds {
  return (performance.timeOrigin + performance.now()) / 1000
}

/** Resolves after a number of seconds, for faults that last. */
export function lasting(seconds: Seconds): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000))
}
