/** The records in Redis: a hash for each kind, changed by one script together with the revision. */

import * as z from 'zod'
import type { Seconds } from '../protocol/ports.ts'
import type { BoundedCalls } from './bounded-calls.ts'
import type { RedisPrimary } from './redis-primary.ts'
import { changeScript, forgetScript } from './redis-scripts.ts'
import { checkNames, conflict, type Records, type StoredRecord, StoreUnavailableError } from './store.ts'

export interface RedisRecordsOptions {
  primary(): RedisPrimary
  /** The key of a hash, or of the revision. */
  keyOf(kind: string | undefined): string
  now(): Seconds
  copies(): number
  calls: BoundedCalls
}

const Changed = z.union([z.tuple([z.literal(1), z.number()]), z.tuple([z.literal(0), z.number(), z.string()])])
const Value = z.record(z.string(), z.unknown())

/** {@link Records} in Redis. A field of a hash holds `UNTIL VERSION DOCUMENT`. */
export function redisRecords({ primary, keyOf, now, copies, calls }: RedisRecordsOptions): Records {
  const read = (id: string, held: unknown): StoredRecord => {
    const [, until, version, document = ''] = /^([^ ]*) (\d+) (.*)$/s.exec(String(held)) ?? []
    if (version === undefined) throw new StoreUnavailableError('a record in Redis cannot be read')
    const value = Value.parse(JSON.parse(document))
    return { id, version: Number(version), value, ...(until === '' ? {} : { until: Number(until) }) }
  }
  const isLive = ({ until }: StoredRecord) => until === undefined || until > now()
  return {
    get: (kind, id) =>
      calls.run(async () => {
        const held = await primary().send(['HGET', keyOf(kind), id])
        if (held === null) return undefined
        const record = read(id, held)
        return isLive(record) ? record : undefined
      }),
    list: (kind) =>
      calls.run(async () => {
        const all = await primary().send(['HGETALL', keyOf(kind)])
        const records = pairsOf(all).map(([id, held]) => read(id, held))
        const ended = records.filter((record) => !isLive(record)).slice(0, 500)
        if (ended.length > 0)
          await primary().run(forgetScript, [keyOf(kind)], [String(now()), ...ended.map(({ id }) => id)], 0)
        return records.filter(isLive)
      }),
    change: (changes) =>
      calls.run(async () => {
        checkNames(changes)
        const values = changes.flatMap(({ id, expected, value, until }) => [
          id,
          String(expected),
          value === undefined ? '' : `${until ?? ''} ${JSON.stringify(value)}`,
        ])
        const keys = [keyOf(undefined), ...changes.map(({ kind }) => keyOf(kind))]
        const answer = Changed.parse(await primary().run(changeScript, keys, [String(now()), ...values], copies()))
        if (answer[0] === 1) return answer[1]
        const late = changes[answer[1] - 1]
        if (late === undefined) throw new StoreUnavailableError('Redis answered with an unknown change')
        throw conflict(late, Number(answer[2]))
      }),
    revision: () => calls.run(async () => Number((await primary().send(['GET', keyOf(undefined)])) ?? 0)),
  }
}

/** RESP3 answers with a map, RESP2 with fields and values in turn. */
function pairsOf(answer: unknown): [string, unknown][] {
  if (!Array.isArray(answer)) return Object.entries(answer ?? {})
  return answer.flatMap((field, at) => (at % 2 === 0 ? [[String(field), answer[at + 1]] as [string, unknown]] : []))
}
