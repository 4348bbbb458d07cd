/** A store that counts how its calls end and how long a single use takes. */

import { isPromise } from '../../protocol/awaitable.ts'
import { ConflictError, type Store, StoreFullError } from '../../store/store.ts'
import { counts, durations, gauge, type Readable } from './families.ts'

/** The store in the place of another, and its numbers. */
export interface TimedStore {
  store: Store
  metrics: Readable[]
}

/** `clock` gives milliseconds. A conflict between two administrators is no failure. Answers and errors are the store's own. */
export function timedStore(store: Store, clock: () => number): TimedStore {
  const uses = durations('xaa_single_use_duration_seconds', 'How long the store took to spend an id, by what it said.')
  const failures = counts(
    'xaa_store_failures_total',
    'Calls that the store did not answer, or refused because it is full.',
  )
  const spent = uses.of({ outcome: 'spent' })
  const replayed = uses.of({ outcome: 'replayed' })
  const full = uses.of({ outcome: 'full' })
  const failed = uses.of({ outcome: 'failed' })
  const lost = failures.of({ call: 'once' })
  const watched = (call: 'count' | 'records' | 'check') => {
    const count = failures.of({ call })
    return <Answer>(answer: Promise<Answer>): Promise<Answer> =>
      answer.catch((error: unknown) => {
        if (!(error instanceof ConflictError)) count.count += 1
        throw error
      })
  }
  const [counters, documents, check] = [watched('count'), watched('records'), watched('check')]
  const { records } = store
  const answered = (isFirst: boolean, began: number): boolean => {
    const series = isFirst ? spent : replayed
    series.observe(clock() - began)
    return isFirst
  }
  const failedWith = (error: unknown, began: number): unknown => {
    const series = error instanceof StoreFullError ? full : failed
    series.observe(clock() - began)
    lost.count += 1
    return error
  }
  const once: Store['once'] = (key, until) => {
    const began = clock()
    const failure = (error: unknown): never => {
      throw failedWith(error, began)
    }
    try {
      const isFirst = store.once(key, until)
      if (!isPromise(isFirst)) return answered(isFirst, began)
      return isFirst.then((first) => answered(first, began), failure)
    } catch (error) {
      return failure(error)
    }
  }
  return {
    store: {
      once,
      fence: () => store.fence(),
      count: (key, window) => counters(store.count(key, window)),
      countOf: (key) => counters(store.countOf(key)),
      records: {
        get: (kind, id) => documents(records.get(kind, id)),
        list: (kind) => documents(records.list(kind)),
        change: (changes) => documents(records.change(changes)),
        revision: () => documents(records.revision()),
      },
      check: () => check(store.check()),
      close: () => store.close(),
    },
    metrics: [
      uses,
      failures,
      gauge('xaa_spent_ids', 'Spent ids in the store. A Redis tells its own numbers itself.', () =>
        asSamples(store.spentIds?.()),
      ),
    ],
  }
}

function asSamples(value: number | undefined) {
  return value === undefined ? [] : [{ labels: {}, value }]
}
