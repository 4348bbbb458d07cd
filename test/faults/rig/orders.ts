/** What a rigged instance can be told over IPC. */

import type { Seconds } from '../../../src/protocol/ports.ts'

/** Where a redemption can be cut off, in the order in which it comes by. */
export const failpoints = ['before-consume', 'after-consume', 'while-audit', 'after-audit', 'before-answer'] as const
export type Failpoint = (typeof failpoints)[number]

/** Die at the next redemption that comes by the failpoint, or have a clock that is this far ahead. */
export type Order = { dieAt: Failpoint } | { clockAhead: Seconds }
