/** A stand-in for Cloudflare's KV: the four calls that workers-oauth-provider makes, in memory, in one place, at once consistent. */

export interface KvNamespace {
  get(key: string, options?: { type: 'json' }): Promise<unknown>
  put(key: string, value: string): Promise<void>
  delete(key: string): Promise<void>
  list(options: { prefix?: string }): Promise<{ keys: { name: string }[]; list_complete: boolean }>
  /** The next two readers of a key with this prefix wait for one another: two places that have not heard of each other yet. */
  holdTwoReaders(prefix: string): void
}

/** Does NOT forget: `expirationTtl` is not looked at, because no test lives that long. */
export function kvNamespace(): KvNamespace {
  const entries = new Map<string, string>()
  let held: { prefix: string; meet: () => Promise<void> } | undefined
  return {
    async get(key, options) {
      const value = entries.get(key)
      if (held !== undefined && key.startsWith(held.prefix)) await held.meet()
      if (value === undefined) return null
      return options?.type === 'json' ? (JSON.parse(value) as unknown) : value
    },
    async put(key, value) {
      entries.set(key, value)
    },
    async delete(key) {
      entries.delete(key)
    },
    async list({ prefix = '' }) {
      const keys = [...entries.keys()].filter((name) => name.startsWith(prefix)).map((name) => ({ name }))
      return { keys, list_complete: true }
    },
    holdTwoReaders(prefix) {
      held = { prefix, meet: meetingOfTwo() }
    },
  }
}

function meetingOfTwo(): () => Promise<void> {
  let arrived = 0
  let open = () => {}
  const both = new Promise<void>((resolve) => {
    open = resolve
  })
  return async () => {
    arrived++
    if (arrived >= 2) open()
    await both
  }
}
