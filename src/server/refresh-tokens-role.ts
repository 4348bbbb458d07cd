/** Gives an identity provider refresh tokens of its own, where the configuration has them. */

import { namesOf, type User } from '../idp/connections.ts'
import type { IdentityProvider } from '../idp/exchange.ts'
import type { Records } from '../store/store.ts'
import type { IdpConfig } from './config-schema.ts'
import type { PolicyFeed } from './policy/policy-feed.ts'
import { type SignInSource, storedRefreshTokens } from './stored-refresh-tokens.ts'

/** What the role is around them. */
export interface RefreshTokenParts {
  records: Records
  policy: Pick<PolicyFeed, 'isOff'>
  /** By `sub`. */
  directory: ReadonlyMap<string, User>
}

/** Of the configuration, what they go by. */
export type RefreshTokenConfig = Pick<IdpConfig, 'issuer' | 'refreshTokens'> & {
  subjectIssuers: readonly Pick<IdpConfig['subjectIssuers'][number], 'issuer' | 'users'>[]
  samlIssuers?: readonly Pick<NonNullable<IdpConfig['samlIssuers']>[number], 'entityId' | 'users'>[] | undefined
  resourceServers: readonly Pick<IdpConfig['resourceServers'][number], 'issuer'>[]
}

/** The members of the provider that they need; none where they are not configured, and then the type is refused everywhere. */
export function refreshTokensOf(
  { issuer, refreshTokens, subjectIssuers, samlIssuers = [], resourceServers }: RefreshTokenConfig,
  { records, policy, directory }: RefreshTokenParts,
): Pick<IdentityProvider, 'refreshTokens' | 'refreshTokenIssue'> {
  if (refreshTokens === undefined) return {}
  const findUser = (sub: string) => directory.get(sub)
  const sources = new Map([
    ...samlIssuers.map(({ entityId, users }) => [entityId, users] as const),
    ...subjectIssuers.map(({ issuer: source, users }) => [source, users] as const),
  ])
  const findSource = (source: string): SignInSource | undefined => {
    const users = sources.get(source)
    if (users === undefined) return undefined
    const enabled = !policy.isOff({ issuer: source }, { issuer: source, audience: issuer })
    return { enabled, ...(users === 'directory' ? { findUser } : {}) }
  }
  const isOff = (user: User) => namesOf(user).some((name) => policy.isOff({ user: name }))
  const { find, findUser: findAgain, keep, end } = storedRefreshTokens({ records, issuer, findSource, isOff })
  const audiences = resourceServers.map((server) => server.issuer)
  const { sessionAge } = refreshTokens
  return {
    refreshTokens: { find, findUser: findAgain },
    refreshTokenIssue: { sessionAge, audiences: () => audiences, keep, end },
  }
}
