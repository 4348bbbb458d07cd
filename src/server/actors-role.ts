/** Builds what an identity provider knows of actors and workloads, from its configuration. */

import type { IdentityProvider } from '../idp/exchange.ts'
import type { IdpConfig } from './config-schema.ts'
import { builtFrom, type KnownEntries, keyText } from './policy/entries.ts'
import { followedIssuerKeys, type Surroundings } from './surroundings.ts'

/** What of a client's entry says whom it shows. */
type ShowingClient = Pick<IdpConfig['clients'][number], 'actor' | 'actorProfile' | 'workload'>

/** `clients` gives the entries as they are known now. Nothing is fetched before the first token of an issuer. */
export function actorsOf(
  { issuer: self, workloadIssuers }: Pick<IdpConfig, 'issuer' | 'workloadIssuers'>,
  surroundings: Surroundings,
  clients: () => KnownEntries<ShowingClient>,
): Required<Pick<IdentityProvider, 'actors' | 'workloads'>> {
  const issuers = new Map(
    workloadIssuers.map(({ jwksUri, ...issuer }) => {
      const keys = followedIssuerKeys(issuer.issuer, surroundings, jwksUri)
      return [issuer.issuer, { ...issuer, keys }]
    }),
  )
  const listed = workloadIssuers.flatMap(({ workloads }) => workloads.map(({ name }) => name))
  const names = builtFrom(clients, (entries) => {
    const own = [...entries.values()].flatMap(({ entry }) => entry.workload?.name ?? [])
    return new Set([...listed, ...own])
  })
  const clientOf = (id: string): ShowingClient => clients().get(keyText(id))?.entry ?? {}
  const findWorkloadIssuer = (name: string) => {
    const { policy } = surroundings
    const off = policy.isOff({ issuer: name }, { issuer: name, audience: self })
    return off ? undefined : issuers.get(name)
  }
  return {
    actors: {
      ruleOf(id) {
        const { actor: by, actorProfile: profile } = clientOf(id)
        return by === undefined ? undefined : { by, profile }
      },
      findWorkloadIssuer,
    },
    workloads: { ofClient: (id) => clientOf(id).workload, isName: (name) => names().has(name), findWorkloadIssuer },
  }
}
