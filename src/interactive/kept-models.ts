/** Where oidc-provider keeps what it must remember: records of the store, which every process of the server shares. */

import type { Adapter, AdapterFactory, AdapterPayload } from 'oidc-provider'
import type { Seconds } from '../protocol/ports.ts'
import type { RecordValue } from './sign-in/contract.ts'
import { type InteractiveState, isConflict, type KeptChange, put, recordId, remove, untilUncontested } from './state.ts'

export interface KeptModelsOptions {
  issuer: string
  state: InteractiveState
  now(): Seconds
  /** How long a code is remembered beyond its end, so that its reuse is noticed: the life of the access token that came of it. */
  accessTokenLifetime: Seconds
  /** How long a refresh token that was replaced is still taken, and replaced by one more. 0: it is theft at once. */
  refreshTokenReuse: Seconds
  /** Where clients are looked for, and where those are kept that register themselves. */
  clients: Pick<Adapter, 'find' | 'upsert' | 'destroy'>
  /**
   * Called when a code or refresh token is to be marked as used: decides whether it may be, and makes the change together with its own.
   * Throws what a caller is to be told, and {@link SpentError} when somebody else was faster.
   */
  spend(payload: AdapterPayload, mark: KeptChange): Promise<void>
  /** Ends the access tokens of a grant. */
  endGrant(grantId: string): Promise<void>
}

/** Somebody else used the code or refresh token in the same moment. */
export class SpentError extends Error {
  override readonly name = 'SpentError'
}

/** The adapters, and what the provider itself has no word for. */
export interface KeptModels {
  adapter: AdapterFactory
  /** Makes a refresh token good again, and the one in its place nothing: for an answer that could not be given. */
  unspend(before: string, after: string): Promise<void>
}

/** For every model of oidc-provider. Access tokens are NOT kept: the server issues its own in their place. */
export function keptModels(options: KeptModelsOptions): KeptModels {
  const { state, issuer, clients, endGrant } = options
  return {
    adapter: (model) => {
      if (model === 'Client') return { ...unused, ...clients }
      // Ending a grant comes here first, and with it everything that was issued for it.
      return model === 'AccessToken' ? { ...unused, revokeByGrantId: endGrant } : recordAdapter(model, options)
    },
    async unspend(before, after) {
      const { kind, id } = placeOf(issuer, 'RefreshToken', before)
      const record = await state.get(kind, id)
      if (record === undefined) return
      const { consumed: _, ...value } = record.value
      const next = placeOf(issuer, 'RefreshToken', after)
      const { version = 0 } = (await state.get(next.kind, next.id)) ?? {}
      await state.change([
        { kind, id, expected: record.version, value, ...endOf(record.until) },
        { ...next, expected: version },
      ])
    },
  }
}

const unused: Adapter = {
  async upsert() {},
  find: async () => undefined,
  findByUid: async () => undefined,
  findByUserCode: async () => undefined,
  async consume() {},
  async destroy() {},
  async revokeByGrantId() {},
}

function recordAdapter(model: string, options: KeptModelsOptions): Adapter {
  const { issuer, state, now, accessTokenLifetime, refreshTokenReuse, spend } = options
  const place = (id: string) => placeOf(issuer, model, id)
  const read = async (kind: string, id: string) => await state.get(kind, id)
  const mayComeAgain = model === 'RefreshToken' && refreshTokenReuse > 0
  const isTakenAgain = (consumed: unknown) =>
    mayComeAgain && typeof consumed === 'number' && now() - consumed < refreshTokenReuse
  return {
    ...unused,
    async upsert(id, payload, expiresIn) {
      const extra = model === 'AuthorizationCode' ? accessTokenLifetime : 0
      const until = endOf(expiresIn === undefined ? undefined : now() + expiresIn + extra)
      const { jti: _, ...value } = payload
      // By our own clock, as the moments are that it is compared with.
      const record = { ...place(id), value: { ...plain(value), issuedAt: now() }, ...until }
      const { uid } = payload
      // A session is looked for by another name, too. What is found under it is no key to the session.
      const pointer = { ...sessionPlace(issuer, uid ?? ''), value: { id: record.id }, ...until }
      await put(state, model === 'Session' && uid !== undefined ? [record, pointer] : [record])
    },
    async find(id) {
      const { kind, id: recordId } = place(id)
      const record = await read(kind, recordId)
      if (record === undefined) return undefined
      const { consumed, ...unused } = record.value
      return { ...(isTakenAgain(consumed) ? unused : record.value), jti: id }
    },
    async findByUid(uid) {
      const { kind, id } = sessionPlace(issuer, uid)
      const pointer = await read(kind, id)
      return pointer === undefined ? undefined : (await read(place('').kind, String(pointer.value.id)))?.value
    },
    async consume(id) {
      const { kind, id: recordId } = place(id)
      const once = async () => {
        const record = await read(kind, recordId)
        const { consumed = Math.floor(now()) } = record?.value ?? {}
        if (record === undefined || (record.value.consumed !== undefined && !isTakenAgain(consumed)))
          throw new SpentError('was used before')
        // The first use counts: who comes again does not prolong it.
        const value = { ...record.value, consumed }
        await spend(
          { ...record.value, jti: id },
          { kind, id: recordId, expected: record.version, value, ...endOf(record.until) },
        )
      }
      try {
        await (mayComeAgain ? untilUncontested(once) : once())
      } catch (error) {
        throw isConflict(error) ? new SpentError('is being used by somebody else', { cause: error }) : error
      }
    },
    async destroy(id) {
      const { kind, id: recordId } = place(id)
      await remove(state, kind, recordId)
    },
    // Neither a code nor a refresh token is good without its grant, which ends at the same time.
  }
}

function placeOf(issuer: string, model: string, id: string): { kind: string; id: string } {
  const name = model.replace(/\B[A-Z]/g, (letter) => `-${letter}`).toLowerCase()
  return { kind: `interactive-${name}`, id: recordId(issuer, model, id) }
}

function sessionPlace(issuer: string, uid: string): { kind: string; id: string } {
  return { kind: 'interactive-session-uid', id: recordId(issuer, 'session uid', uid) }
}

function endOf(until: Seconds | undefined): { until?: Seconds } {
  return until === undefined ? {} : { until }
}

/** As every store keeps it: without members that are undefined. */
function plain(payload: object): RecordValue {
  return JSON.parse(JSON.stringify(payload)) as RecordValue
}
