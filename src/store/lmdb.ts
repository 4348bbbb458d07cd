/** The embedded store: one directory, any number of processes on one machine, durable before it answers (LMDB). */

import { hash } from 'node:crypto'
import { mkdir, stat } from 'node:fs/promises'
import type { Database } from 'lmdb'
import type { Seconds } from '../protocol/ports.ts'
import { type BoundedCalls, boundedCalls } from './bounded-calls.ts'
import { type LmdbPlaces, lmdbRecords } from './lmdb-records.ts'
import { networkDiskOf } from './network-disk.ts'
import { type Store, StoreFullError, StoreUnavailableError, StoreUnsafeError } from './store.ts'

export interface LmdbStoreOptions {
  /** Made, for its owner alone, when it is not there. On a disk of this machine: locks do not work over a network. */
  directory: string
  now(): Seconds
  /** How far ahead of ours the clocks of issuers may be. */
  skew: Seconds
  /** How many spent ids it holds before it refuses another. It never forgets one that is of use. */
  maxEntries?: number
}

/**
 * Opens the store; loads its driver only now. A new directory knows nothing, so its fence is the moment of its making plus the
 * skew; after that nothing is lost, also by `kill -9`. Throws {@link StoreUnsafeError} for a directory that others may read and
 * {@link StoreUnavailableError} for one that cannot be used. An older copy of the directory must NOT be put in its place: delete
 * it instead, which raises the fence.
 */
export async function lmdbStore(options: LmdbStoreOptions): Promise<Store> {
  const { directory, now, skew, maxEntries = 5_000_000 } = options
  await prepareDirectory(directory)
  const places = await openPlaces(directory)
  const { root, spent, counters, facts } = places
  const bounded = boundedCalls()
  let closed = false
  const isOpen = () => !closed
  // The driver must not be asked anything once it was closed.
  const calls: BoundedCalls = {
    run: (call) =>
      bounded.run(() => (closed ? Promise.reject(new StoreUnavailableError('the store is closed')) : call())),
  }
  const fence = await firstFence(facts, now() + skew)
  const sweepSpent = sweeper(spent, now, isOpen)
  const sweepCounters = sweeper(counters, now, isOpen)
  const hasRoom = roomWatch(() => maxEntries - entriesOf(spent), now)

  const spend = async (key: string, until: Seconds): Promise<boolean> => {
    sweepSpent()
    if (!hasRoom() && spent.get(key) === undefined)
      throw new StoreFullError(`the store holds ${maxEntries} spent ids that are still of use`)
    // Whoever comes while a transaction is written goes into the next one with all others, which costs one wait for the disk.
    await places.commit()
    if (await spent.put(key, [until], onlyNew)) return true
    if (endOf(spent.get(key)) > now()) return false
    // What is there has ended and was not swept yet. Two callers may see that at once, so it is looked at again inside.
    return root.transactionSync(() => {
      if (endOf(spent.get(key)) > now()) return false
      spent.putSync(key, [until])
      return true
    })
  }
  return {
    once: (key, until) => calls.run(() => spend(digestOf(key), until)),
    fence: () => fence,
    count: (key, window) =>
      calls.run(async () => {
        sweepCounters()
        const name = digestOf(key)
        return root.transactionSync(() => {
          const at = now()
          const [end = 0, before = 0] = counters.get(name) ?? []
          const [resetsAt, count] = end > at ? [end, before + 1] : [at + window, 1]
          counters.putSync(name, [resetsAt, count])
          return { count, resetsAt }
        })
      }),
    countOf: (key) =>
      calls.run(async () => {
        const [resetsAt = 0, count = 0] = counters.get(digestOf(key)) ?? []
        return resetsAt > now() ? { count, resetsAt } : undefined
      }),
    records: lmdbRecords(places, now, calls),
    spentIds: () => (closed ? 0 : entriesOf(spent)),
    check: () => calls.run(async () => void (await facts.put('checked', now()))),
    async close() {
      closed = true
      await root.close()
    },
  }
}

async function prepareDirectory(directory: string): Promise<void> {
  const found = await mkdir(directory, { recursive: true, mode: 0o700 })
    .then(async () => ({ mode: (await stat(directory)).mode, network: await networkDiskOf(directory) }))
    .catch((cause: NodeJS.ErrnoException) => {
      const { code = 'unknown' } = cause
      throw new StoreUnsafeError(`store: the directory ${directory} cannot be used (${code}). Name another one.`, {
        cause,
      })
    })
  if ((found.mode & 0o077) !== 0)
    throw new StoreUnsafeError(`store: others may read the directory ${directory}. Run chmod 700 ${directory}.`)
  if (found.network !== undefined)
    throw new StoreUnsafeError(
      `store: the directory ${directory} is on a network disk (${found.network}), where locks do not hold. Name one on a disk of this machine, or set store to redis://….`,
    )
}

async function openPlaces(directory: string): Promise<LmdbPlaces> {
  const { open } = await import('lmdb')
  try {
    // Without overlapping sync, a write resolves when it is on disk and not before.
    const root = open<unknown, string>({ path: directory, noSubdir: false, overlappingSync: false, maxDbs: 8 })
    // The driver rejects promises of its own that nobody holds when a commit fails: a full disk would end the process.
    const heard = () => {}
    let commit: Promise<unknown> | undefined
    root.on('beforecommit', () =>
      queueMicrotask(() => {
        const ended = root.committed
          .then(heard, (error: { commitError?: Promise<unknown> }) => void error.commitError?.catch(heard))
          .then(() => {
            if (commit === ended) commit = undefined
          })
        commit = ended
      }),
    )
    return {
      root,
      commit: () => commit,
      spent: root.openDB<number[], string>({ name: 'spent' }) as LmdbPlaces['spent'],
      counters: root.openDB<number[], string>({ name: 'counters' }),
      facts: root.openDB<number, string>({ name: 'facts' }),
      records: root.openDB({ name: 'records', encoding: 'json' }),
    }
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause)
    throw new StoreUnsafeError(`store: the directory ${directory} cannot be opened (${message}). Name another one.`, {
      cause,
    })
  }
}

/** Another name than before: where keys were made in another way, what was spent is not found, and the fence rises once. */
const fenceName = 'fence 2'

/** The fence of the process that made the directory, for all that come after. */
async function firstFence(facts: Database<number, string>, fence: Seconds): Promise<Seconds> {
  await facts.ifNoExists(fenceName, () => void facts.put(fenceName, fence))
  const kept = facts.get(fenceName)
  if (kept === undefined) throw new StoreUnavailableError('the store lost what was just written to it')
  return kept
}

const batch = 500

/** A function that, at most twice a minute, starts to forget what has ended: a few hundred entries in each turn of the loop. */
function sweeper(database: Database<number[], string>, now: () => Seconds, isOpen: () => boolean): () => void {
  let sweptAt = now()
  const sweepFrom = (start: string | undefined) => {
    const range = { limit: batch, ...(start === undefined ? {} : { start }) }
    let last: string | undefined
    let seen = 0
    const ended: string[] = []
    for (const { key, value } of database.getRange(range)) {
      seen += 1
      last = key
      if (endOf(value) <= now()) ended.push(key)
    }
    if (ended.length > 0)
      database.transactionSync(() => {
        for (const key of ended) if (endOf(database.get(key)) <= now()) database.removeSync(key)
      })
    if (seen === batch && last !== undefined) later(last)
  }
  const later = (start: string | undefined) => {
    setImmediate(() => {
      try {
        if (isOpen()) sweepFrom(start)
      } catch {
        // A full disk: what has ended stays until the next sweep.
      }
    }).unref()
  }
  return () => {
    if (now() - sweptAt < 30) return
    sweptAt = now()
    later(undefined)
  }
}

const onlyNew = { noOverwrite: true } as const
/** How many ids one process spends, and for how long, before it counts again. */
const mostUncounted = 1000
const longestUncounted: Seconds = 1

/**
 * A function that says whether there is room for one more: it counts anew, at the price of a transaction, before it has given away half of
 * what was left. The other half is for other processes.
 */
function roomWatch(left: () => number, now: () => Seconds): () => boolean {
  let uncounted = 0
  let countedAt = Number.NEGATIVE_INFINITY
  return () => {
    const at = now()
    if (uncounted > 0 && at >= countedAt && at - countedAt < longestUncounted) {
      uncounted -= 1
      return true
    }
    const room = left()
    uncounted = Math.min(mostUncounted, room >> 1)
    countedAt = at
    return room > 0
  }
}

function endOf(entry: number[] | undefined): Seconds {
  return entry?.[0] ?? 0
}

function entriesOf(database: Database<number[], string>): number {
  return (database.getStats() as { entryCount: number }).entryCount
}

/** Keys of any length and alphabet become short ones. */
function digestOf(key: string): string {
  return hash('sha256', key, 'base64url').slice(0, 22)
}
