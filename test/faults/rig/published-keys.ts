/** The keys that instances publish together, and a record of how they change. */

import type { JSONWebKeySet, JWK } from 'jose'
import { generatorNow } from './clock.ts'
import type { FaultEnterprise } from './enterprise.ts'
import type { Instance } from './instance.ts'

/** Every key that one of the instances publishes: each of them signs by its own knowledge of the file. */
export async function keysOf(instances: readonly Pick<Instance, 'address'>[]): Promise<JSONWebKeySet> {
  const sets = await Promise.all(
    instances.map(async ({ address }) => (await (await fetch(`${address}/jwks`)).json()) as JSONWebKeySet),
  )
  const keys = new Map<string, JWK>(sets.flatMap((set) => set.keys.map((key) => [String(key.kid), key] as const)))
  return { keys: [...keys.values()] }
}

/** Notes in the history of an enterprise what its instances publish, ten times a second, until the function it gives is called. */
export function followKeys(enterprise: FaultEnterprise): () => Promise<void> {
  let over = false
  const follow = async () => {
    let known = ''
    while (!over) {
      const from = generatorNow()
      const jwks = await keysOf(enterprise.instances.filter((one) => one.isUp()))
      const kids = jwks.keys.map(({ kid }) => kid).join(' ')
      if (kids !== known) enterprise.keysChanged({ from, jwks })
      known = kids
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
  const following = follow()
  following.catch(() => {})
  return async () => {
    over = true
    await following
  }
}
