/** Builds the resource authorization server that a configuration describes. */

import type { Client } from '../protocol/client-auth.ts'
import { issuerKeys } from '../protocol/issuer-keys.ts'
import type { Seconds } from '../protocol/ports.ts'
import { accountsBySubject } from '../resource-as/accounts.ts'
import { jwtAccessTokens } from '../resource-as/issue.ts'
import type { ResourceAuthorizationServer } from '../resource-as/redeem.ts'
import type { TrustedIssuer } from '../resource-as/trust.ts'
import type { Records } from '../store/store.ts'
import { clientFinder } from './clients.ts'
import type { ResourceAsConfig } from './config-schema.ts'
import { storedAccounts } from './stored-accounts.ts'
import { type Surroundings, skew } from './surroundings.ts'

/** The clocks of the processes that share a store, and one clock that is set back a little between two requests. */
const clockAllowance: Seconds = 5

/** What the Fastify plugin of the role is given, beside its keys. */
export interface ResourceAsRole {
  resourceAuthorizationServer: ResourceAuthorizationServer
  findClient(id: string): Promise<Client | undefined>
}

/** Nothing is fetched before the first request that needs it. */
export function resourceAsRole(config: ResourceAsConfig, surroundings: Surroundings, records: Records): ResourceAsRole {
  const { issuer, keys, resources, clients, accessTokenLifetime } = config
  const trusted = new Map(config.trustedIssuers.map((one) => [one.issuer, trustedIssuer(one, surroundings)]))
  const policies = new Map(clients.map((client) => [client.id, { scopes: client.scopes, resources: client.resources }]))
  return {
    resourceAuthorizationServer: {
      issuer,
      findTrustedIssuer: async (name) => trusted.get(name),
      resources,
      findClientPolicy: async (client) => policies.get(client),
      resolveSubject: accountsBySubject(storedAccounts({ records, server: issuer, entries: config.accounts })),
      issue: jwtAccessTokens({ issuer, signingKeys: keys, lifetime: accessTokenLifetime }),
      skew,
      clockAllowance,
    },
    findClient: clientFinder(issuer, clients),
  }
}

function trustedIssuer(config: ResourceAsConfig['trustedIssuers'][number], surroundings: Surroundings): TrustedIssuer {
  const { issuer, disabled, algorithms, clients, assertions, maxLifetime, emailDomains, unknownUsers, jwksUri } = config
  return {
    issuer,
    enabled: !disabled,
    keys: issuerKeys({ issuer, ...surroundings, ...(jwksUri === undefined ? {} : { jwksUri }) }),
    algorithms,
    clients,
    assertions,
    maxLifetime,
    accounts: { emailDomains, unknown: unknownUsers },
  }
}
