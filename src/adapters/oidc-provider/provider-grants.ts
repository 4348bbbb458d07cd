/** What oidc-provider offers to grants that it does not know, and the application hands to ours. */

import type { Provider } from 'oidc-provider'
import type * as all from 'oidc-provider/lib/helpers/grants.js'

const needed = [
  'checkDpopReplay',
  'checkDpopRequired',
  'checkMtlsCert',
  'findAccount',
  'resolveRequestedResources',
  'validateClientScope',
  'validateDpop',
] as const

/**
 * The functions of `oidc-provider/lib/helpers/grants.js`, to be imported by the application: they work only on a provider of the very
 * same copy of the package, and this package may have another. Their author does not cover them by semantic versioning; what is said
 * here was run with 9.13.3.
 */
export type ProviderGrants = Pick<typeof all, (typeof needed)[number]>

/** Throws TypeError when a function is missing, or when they are of another copy of the package than the provider. */
export function checkGrants(provider: Provider, grants: ProviderGrants): void {
  const missing = needed.filter((name) => typeof grants[name] !== 'function')
  if (missing.length > 0)
    throw new TypeError(
      `grants has no ${missing.join(', ')}: give all of oidc-provider/lib/helpers/grants.js, 9.13.3 or later`,
    )
  try {
    // The one function that asks the provider for its settings at once, and nothing else. It is given no scope to judge.
    const context = { oidc: { provider, client: { scope: 'openid' } } } as unknown as Parameters<
      ProviderGrants['validateClientScope']
    >[1]
    grants.validateClientScope(provider, context, [])
  } catch (cause) {
    throw new TypeError('grants are of another copy of oidc-provider than the provider', { cause })
  }
}
