/** Where oidc-provider keeps what it must remember: a Map in this process, each entry until it expires. */

import type { Adapter, AdapterFactory, AdapterPayload } from 'oidc-provider'

interface Entry {
  model: string
  payload: AdapterPayload
  expiresAt: number
}

const maxEntries = 50_000
/** What ends with its grant. A sign-in under way names a grant too, and goes on without it. */
const endsWithGrant = ['AccessToken', 'AuthorizationCode', 'RefreshToken']

/** Makes an adapter for every model over one Map. Throws RangeError when 50 000 entries live: nothing alive is evicted. */
export function memoryAdapter(): AdapterFactory {
  const entries = new Map<string, Entry>()
  const live = (key: string): Entry | undefined => {
    const entry = entries.get(key)
    if (entry !== undefined && entry.expiresAt > Date.now()) return entry
    entries.delete(key)
    return undefined
  }
  const sweep = () => {
    for (const key of entries.keys()) live(key)
  }
  return (model): Adapter => {
    const keyOf = (id: string) => `${model}:${id}`
    const search = async (matches: (payload: AdapterPayload) => boolean) =>
      [...entries.values()].find(
        (entry) => entry.model === model && entry.expiresAt > Date.now() && matches(entry.payload),
      )?.payload
    return {
      async upsert(id, payload, expiresIn) {
        if (entries.size >= maxEntries) sweep()
        if (entries.size >= maxEntries) throw new RangeError(`the sign-in holds ${maxEntries} entries that are alive`)
        const expiresAt = expiresIn === undefined ? Number.POSITIVE_INFINITY : Date.now() + expiresIn * 1000
        entries.set(keyOf(id), { model, payload, expiresAt })
      },
      find: async (id) => live(keyOf(id))?.payload,
      findByUid: (uid) => search((payload) => payload.uid === uid),
      findByUserCode: (userCode) => search((payload) => payload.userCode === userCode),
      async consume(id) {
        const entry = live(keyOf(id))
        if (entry !== undefined) entry.payload.consumed = Math.floor(Date.now() / 1000)
      },
      async destroy(id) {
        entries.delete(keyOf(id))
      },
      async revokeByGrantId(grantId) {
        for (const [key, entry] of entries)
          if (endsWithGrant.includes(entry.model) && entry.payload.grantId === grantId) entries.delete(key)
      },
    }
  }
}
