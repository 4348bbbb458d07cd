/** The trusted issuers of a resource authorization server, found by what a token names: as fast among ten thousand as among ten. */

import type { Awaitable } from '../protocol/awaitable.ts'
import type { KeySource } from '../protocol/keys.ts'
import type { NamedTenants, TrustedIssuer } from '../resource-as/trust.ts'
import type { TrustedIssuerConfig } from './config-schema.ts'
import { builtFrom, type KnownEntries } from './policy/entries.ts'
import { samlNameRules } from './subject-id-role.ts'
import { keptIssuerKeys, type Surroundings } from './surroundings.ts'

/** The entries of one issuer. */
interface IssuerEntries {
  all: TrustedIssuerConfig[]
  /** By the tenant of the issuer, undefined where it has none; then by the tenant here. Made when the issuer is first asked for. */
  byTenants?: Map<string | undefined, Map<string | undefined, TrustedIssuerConfig>>
}

/**
 * Finds the entry for the tenants that are named, among those known now; disabled while a block names exactly it. An issuer whose
 * entries are for others is found too, connected to no tenant, so that its token is verified before it is refused. An entry is made
 * ready when it is first asked for and stays so until it changes: what others change costs it nothing.
 */
export function trustedIssuerFinder(
  server: string,
  known: () => KnownEntries<TrustedIssuerConfig>,
  surroundings: Surroundings,
): (issuer: string, named?: NamedTenants) => Awaitable<TrustedIssuer | undefined> {
  const { policy } = surroundings
  const keys = keptIssuerKeys(surroundings)
  const ready = new WeakMap<TrustedIssuerConfig, TrustedIssuer>()
  const readied = (entry: TrustedIssuerConfig): TrustedIssuer => {
    const made = ready.get(entry) ?? trustedIssuer(entry, keys.of(entry))
    ready.set(entry, made)
    return made
  }
  const byIssuer = builtFrom(known, (entries) => {
    const issuers = new Map<string, IssuerEntries>()
    for (const { entry } of entries.values()) {
      const found = issuers.get(entry.issuer)
      if (found === undefined) issuers.set(entry.issuer, { all: [entry] })
      else found.all.push(entry)
    }
    keys.keepOnly(({ issuer, jwksUri }) => issuers.get(issuer)?.all.some((one) => one.jwksUri === jwksUri) === true)
    return issuers
  })
  const isOff = ({ issuer, audTenant }: TrustedIssuerConfig) =>
    policy.isOff({ issuer }, { issuer, audience: server }) ||
    (audTenant !== undefined && policy.isOff({ issuer, audience: server, tenant: audTenant }))
  return (issuer, named = {}) => {
    const entries = byIssuer().get(issuer)
    const first = entries?.all[0]
    if (entries === undefined || first === undefined) return undefined
    const entry = entries.all.length === 1 ? first : entryFor(entries, named)
    const found = entry === undefined ? { ...readied(first), tenants: [] } : readied(entry)
    return isOff(entry ?? first) ? { ...found, enabled: false } : found
  }
}

/** The one entry that is meant. Undefined where there is none, and where the token leaves open which of several. */
function entryFor(entries: IssuerEntries, { tenant, audTenant }: NamedTenants): TrustedIssuerConfig | undefined {
  entries.byTenants ??= tenantsOf(entries.all)
  const fitting = entries.byTenants.get(tenant)
  if (fitting === undefined) return undefined
  if (audTenant !== undefined) return fitting.get(audTenant)
  const [only] = fitting.values()
  return fitting.size === 1 ? only : undefined
}

function tenantsOf(entries: readonly TrustedIssuerConfig[]): NonNullable<IssuerEntries['byTenants']> {
  // TEN-03: an issuer has tenants or has none. Where one entry says that it has, an entry that names none is for nobody.
  const hasTenants = entries.some(({ tenants }) => tenants !== undefined)
  const found: NonNullable<IssuerEntries['byTenants']> = new Map()
  for (const entry of entries)
    for (const tenant of hasTenants ? (entry.tenants ?? []) : [undefined]) {
      const fitting = found.get(tenant) ?? new Map<string | undefined, TrustedIssuerConfig>()
      found.set(tenant, fitting.set(entry.audTenant, entry))
    }
  return found
}

function trustedIssuer(config: TrustedIssuerConfig, keys: KeySource): TrustedIssuer {
  const { issuer, disabled, algorithms, clients, assertions, maxLifetime, emailDomains, unknownUsers } = config
  const { tenants, audTenant, audSub, scopes, resources } = config
  return {
    issuer,
    enabled: !disabled,
    keys,
    algorithms,
    clients: new Set(clients),
    assertions,
    maxLifetime,
    metadataDocuments: config.metadataDocuments === true,
    actors: config.actors,
    workloads: config.workloads,
    accounts: { emailDomains, unknown: unknownUsers },
    subjectId: samlNameRules(config),
    tenants,
    audTenant,
    audSub,
    scopes,
    resources,
  }
}
