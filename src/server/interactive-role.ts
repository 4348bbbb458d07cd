/** Builds the code grant that a configuration describes. */

import { createHash } from 'node:crypto'
import type { InteractiveEndpoints } from '../http/interactive-endpoints.ts'
import type { EndpointLimits } from '../http/throttle.ts'
import type { SignInPlace } from '../interactive/options.ts'
import { guardedFetch } from '../outbound/guarded-fetch.ts'
import { personRules } from '../protocol/person.ts'
import type { Ports } from '../protocol/ports.ts'
import type { Store } from '../store/store.ts'
import { answered } from './answered.ts'
import type { ResourceAsConfig } from './config-schema.ts'
import { isLoopbackUrl } from './config-values.ts'
import type { ResourceAsRole } from './resource-as-role.ts'

/** What the code grant needs of the process around it. */
export interface CodeGrantSurroundings extends ResourceAsRole {
  ports: Ports
  policyVersion(): string
  limits?: EndpointLimits | undefined
  report(error: unknown, correlationId: string): void
}

/** Undefined for a server that is managed only: then nothing of the code grant is loaded. */
export async function codeGrantOf(
  { issuer, interactive }: Pick<ResourceAsConfig, 'issuer' | 'interactive'>,
  { resourceAuthorizationServer, accounts, findRegistered, documentClients, ...shared }: CodeGrantSurroundings,
  { store, config }: { store: Store; config: { outbound: { allowAddresses: readonly string[] } } },
): Promise<InteractiveEndpoints | undefined> {
  if (interactive === undefined) return undefined
  const { interactiveGrant } = await import('../interactive/interactive-grant.ts')
  const allowLoopback = isLoopbackUrl(issuer)
  const {
    registration,
    refreshTokenLifetime,
    refreshTokenReuse,
    scopes: scopeTexts,
    cookieSecret,
    signIn,
  } = interactive
  const { ports, policyVersion, limits, report } = shared
  return await interactiveGrant({
    resourceAuthorizationServer,
    signIn: signIn.map(signInPlace),
    accounts,
    findRegistered,
    metadataDocuments: { documents: documentClients.documents, allowLoopback, reachOf: documentClients.reachOf },
    registration,
    state: {
      get: (kind, id) => answered(() => store.records.get(kind, id)),
      change: (changes) => answered(() => store.records.change(changes)),
      count: (key, window) => answered(() => store.count(key, window)),
    },
    ports,
    fetch: guardedFetch({ allowLoopback, allowAddresses: config.outbound.allowAddresses }),
    // Only in development there is none. What cookies hold cannot be guessed anyway, and every worker must read them.
    cookieKey: cookieSecret ?? createHash('sha256').update(`development ${issuer}`).digest('base64url'),
    refreshTokenLifetime,
    refreshTokenReuse,
    scopeTexts,
    policyVersion,
    limits,
    report,
  })
}

function signInPlace({
  clientSecret,
  name,
  issuer,
  clientId,
  emailDomains,
  unknownUsers,
  ...naming
}: NonNullable<ResourceAsConfig['interactive']>['signIn'][number]): SignInPlace {
  return {
    issuer,
    clientId,
    emailDomains,
    unknownUsers,
    person: personRules(naming),
    ...(clientSecret === undefined ? {} : { clientSecret }),
    ...(name === undefined ? {} : { name }),
  }
}
