/** A copy of what somebody else's server says, which must be young: asked for anew while it is used, and never when it is not. */

import type { Seconds } from '../protocol/ports.ts'

/** The ages of a copy, counted from the moment at which it was asked for. */
export interface Ages {
  /** Younger than this, nobody is asked. From here on a new one is fetched in the background, while this one serves. */
  freshFor: Seconds
  /** From this age on a caller waits for the new one. */
  waitFrom: Seconds
  /** Older than this it does not serve, whatever becomes of the new one. */
  usableFor: Seconds
}

/** After a failure nothing is asked for this time, and whoever has no usable copy is told of the failure at once. */
const retryAfter: Seconds = 0.5

export interface YoungCopyOptions<Copy> {
  /** Asks for a new copy, and is given the one before. However many wait, it runs once. */
  load(known: Copy | undefined): Promise<Copy>
  agesOf(copy: Copy): Ages
  /** What is thrown when no copy is usable. */
  failed(cause: unknown): Error
  now(): Seconds
}

/** Reads one copy. */
export interface YoungCopy<Copy> {
  /** Throws what `failed` makes of the last failure while no copy is usable. */
  read(): Promise<Copy>
  /** The copy while it is so young, at this moment, that nobody is asked. Undefined: {@link read} does what is to be done. */
  fresh(at: Seconds): Copy | undefined
}

/** Makes the reader of one copy. */
export function youngCopy<Copy>({ load, agesOf, failed, now }: YoungCopyOptions<Copy>): YoungCopy<Copy> {
  let held: { copy: Copy; at: Seconds; ages: Ages } | undefined
  let failure: { cause: unknown; at: Seconds } | undefined
  let pending: Promise<void> | undefined

  const ask = async () => {
    const at = now()
    try {
      const copy = await load(held?.copy)
      held = { copy, at, ages: agesOf(copy) }
      failure = undefined
    } catch (cause) {
      failure = { cause, at: now() }
    } finally {
      pending = undefined
    }
  }
  // A clock that was set back says nothing of an age: whatever is from the future is too old.
  const since = (at: Seconds | undefined, until = now()) => {
    const age = at === undefined ? Number.NaN : until - at
    return age >= 0 ? age : Number.POSITIVE_INFINITY
  }

  const read = async () => {
    const ages = held?.ages ?? { freshFor: 0, waitFrom: 0 }
    const age = since(held?.at)
    if (age >= ages.freshFor && (pending !== undefined || since(failure?.at) >= retryAfter)) {
      pending ??= ask()
      if (age >= ages.waitFrom) await pending
    }
    if (held !== undefined && since(held.at) <= held.ages.usableFor) return held.copy
    throw failed(failure?.cause ?? new Error('the answer was too slow'))
  }
  return {
    read,
    fresh: (at) => (held !== undefined && since(held.at, at) < held.ages.freshFor ? held.copy : undefined),
  }
}
