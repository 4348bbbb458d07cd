/** A connection to one primary: commands of one moment go out together, and one WAIT stands for all of their writes. */

import { createHash } from 'node:crypto'
import type { RedisClientType } from 'redis'
import type { RedisScript } from './redis-scripts.ts'
import { StoreFullError, StoreUnavailableError } from './store.ts'

/** What is needed of a client of the driver. */
export type RedisConnection = Pick<RedisClientType, 'sendCommand' | 'isReady'>

/** Speaks to the server that is the primary for a key. */
export interface RedisPrimary {
  send(command: readonly string[]): Promise<unknown>
  /**
   * Runs a script and resolves once `copies` replicas have its writes too. Throws {@link StoreUnavailableError} when they are
   * fewer: what was written may then be lost, and is not undone.
   */
  run(script: RedisScript, keys: readonly string[], values: readonly string[], copies: number): Promise<unknown>
}

const waitTimeout = 200
const digests = new WeakMap<RedisScript, string>()
const waits = new WeakMap<RedisConnection, Promise<unknown>>()

export function redisPrimary(connection: RedisConnection): RedisPrimary {
  const send = (command: readonly string[]) =>
    connection.sendCommand<unknown>([...command]).catch((cause: unknown) => {
      throw ourErrorFor(cause)
    })
  const copied = async (copies: number): Promise<void> => {
    if (copies === 0) return
    // WAIT speaks of the writes of its own connection, so it has to go out on this one, behind them.
    let wait = waits.get(connection)
    if (wait === undefined) {
      wait = Promise.resolve().then(() => {
        waits.delete(connection)
        return send(['WAIT', String(copies), String(waitTimeout)])
      })
      waits.set(connection, wait)
    }
    if (Number(await wait) < copies) throw new StoreUnavailableError('too few replicas of Redis have the write')
  }
  return {
    send,
    async run(script, keys, values, copies) {
      const rest = [String(keys.length), ...keys, ...values]
      const call = async (command: readonly string[]) => {
        const [answer] = await Promise.all([send([...command, ...rest]), copied(copies)])
        return answer
      }
      return await call(['EVALSHA', digestOf(script)]).catch((cause: unknown) => {
        // A server that was restarted does not know the script; it then did nothing.
        if (cause instanceof UnknownScriptError) return call(['EVAL', script.text])
        throw cause
      })
    },
  }
}

class UnknownScriptError extends Error {
  override readonly name = 'UnknownScriptError'
}

/** The connection went away: what was sent may have arrived or not, and may be asked again by the same request id. */
export class ConnectionLostError extends StoreUnavailableError {}

/** Redis answered that another server is responsible now. */
export class MovedError extends StoreUnavailableError {}

function ourErrorFor(cause: unknown): Error {
  const message = cause instanceof Error ? cause.message : ''
  const [word = ''] = /^[A-Z]{3,}/.exec(message) ?? []
  if (word === 'NOSCRIPT') return new UnknownScriptError()
  if (word === 'OOM') return new StoreFullError('Redis holds as much as its maxmemory allows')
  const said = `Redis answered ${word}`
  if (['MOVED', 'ASK', 'READONLY', 'UNBLOCKED'].includes(word)) return new MovedError(said, { cause })
  if (word !== '' && word !== 'ECONNREFUSED') return new StoreUnavailableError(said, { cause })
  return new ConnectionLostError(`the connection to Redis is lost`, { cause })
}

function digestOf(script: RedisScript): string {
  const known = digests.get(script)
  if (known !== undefined) return known
  // EVALSHA names scripts by SHA-1; nothing secret depends on it.
  const digest = createHash('sha1').update(script.text).digest('hex')
  digests.set(script, digest)
  return digest
}
