/** Calls to something that may hang: each has a deadline, and only so many wait at once. */

import { ConflictError, StoreFullError, StoreUnavailableError, StoreUnsafeError } from './store.ts'

export interface BoundedCalls {
  /**
   * The answer of a call. Rejects with {@link StoreUnavailableError} at the deadline, at once when too many calls wait already,
   * and instead of whatever foreign error the call ends with; our own errors pass.
   */
  run<Answer>(call: () => Promise<Answer>): Promise<Answer>
}

export interface CallLimits {
  /** Milliseconds. */
  deadline?: number
  /** A call that missed its deadline counts until it ends: a store that hangs cannot fill the memory. */
  mostAtOnce?: number
  /** Told of each missed deadline. */
  late?(): void
}

/** By default 300 ms and 1 000 calls. */
export function boundedCalls({ deadline = 300, mostAtOnce = 1000, late }: CallLimits = {}): BoundedCalls {
  let waiting = 0
  return {
    run: (call) =>
      new Promise((resolve, reject) => {
        if (waiting >= mostAtOnce) {
          reject(new StoreUnavailableError(`${mostAtOnce} calls wait for the store already`))
          return
        }
        waiting += 1
        const timer = setTimeout(() => {
          reject(new StoreUnavailableError(`the store did not answer within ${deadline} ms`))
          late?.()
        }, deadline)
        const done = () => {
          waiting -= 1
          clearTimeout(timer)
        }
        asked(call).then(
          (answer) => {
            done()
            resolve(answer)
          },
          (cause: unknown) => {
            done()
            reject(isOurs(cause) ? cause : new StoreUnavailableError(`the store failed: ${nameOf(cause)}`, { cause }))
          },
        )
      }),
  }
}

/** What a call throws before it has a promise counts as what it rejects with. */
function asked<Answer>(call: () => Promise<Answer>): Promise<Answer> {
  try {
    return call()
  } catch (cause) {
    return Promise.reject(cause)
  }
}

function isOurs(error: unknown): boolean {
  return [StoreFullError, StoreUnavailableError, StoreUnsafeError, ConflictError, TypeError].some(
    (kind) => error instanceof kind,
  )
}

/** Names a foreign error without its message, which may hold a key or an address with a password. */
function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error
  const { code } = error as NodeJS.ErrnoException
  return code === undefined ? error.name : `${error.name} ${code}`
}
