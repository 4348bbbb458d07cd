/** Which resource an address belongs to: learnt from the resource's metadata, remembered for the next call. */

import type { Target } from './access.ts'
import { isWithin } from './address.ts'
import type { Challenge } from './challenge.ts'
import type { Settings } from './options.ts'
import { discoverResource } from './protected-resource.ts'
import { scopesOf, unionOf } from './scopes.ts'
import type { Send } from './sending.ts'

export interface Targets {
  /** The remembered target that an address lies within, the nearest if there are several. */
  known(url: string): Target | undefined
  /** Asks the resource's metadata; calls at the same time share one request. Throws {@link CrossAppError} `discovery`. */
  discover(url: string, challenge: Challenge | undefined): Promise<Target>
  /** Remembers a target for which an access token was issued. */
  remember(target: Target): void
}

/** No application calls more resources than this with one person's credentials. */
const maxTargets = 100

export function targetsOf({ resourceServers }: Settings, send: Send): Targets {
  const remembered = new Map<string, Target>()
  const pending = new Map<string, ReturnType<typeof discoverResource>>()

  async function resourceAt(url: string, challenge: Challenge | undefined) {
    const key = JSON.stringify([url, challenge?.get('resource_metadata') ?? null])
    const waiting = pending.get(key)
    if (waiting !== undefined) return await waiting
    const found = discoverResource(url, challenge, resourceServers, send).finally(() => pending.delete(key))
    pending.set(key, found)
    return await found
  }

  return {
    known(url) {
      const around = [...remembered.values()].filter(({ resource }) => isWithin(url, resource))
      return around.sort((one, other) => other.resource.length - one.resource.length)[0]
    },
    async discover(url, challenge) {
      const { scopes: supported, ...found } = await resourceAt(url, challenge)
      const before = remembered.get(found.resource)?.scopes ?? []
      const named = scopesOf(challenge?.get('scope'))
      // MCP authorization, scope selection: the challenge knows best, then the application, then the metadata.
      const choices = [named, before, scopesOf(found.entry.scope), supported]
      // A scope that a step-up has won is asked for again, or every renewal would need its own step-up.
      return { ...found, scopes: unionOf(choices.find((one) => one.length > 0) ?? [], before) }
    },
    remember(target) {
      remembered.delete(target.resource)
      const [oldest] = remembered.keys()
      if (oldest !== undefined && remembered.size >= maxTargets) remembered.delete(oldest)
      remembered.set(target.resource, target)
    },
  }
}
