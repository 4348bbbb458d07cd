/** Builds what an identity provider knows of actors, from its configuration. */

import type { Actors } from '../idp/actor.ts'
import type { IdpConfig } from './config-schema.ts'
import { followedIssuerKeys, type Surroundings } from './surroundings.ts'

/** `clientOf` finds the entry of a client as it is known now. Nothing is fetched before the first token of an issuer. */
export function actorsOf(
  { issuer: self, workloadIssuers }: Pick<IdpConfig, 'issuer' | 'workloadIssuers'>,
  surroundings: Surroundings,
  clientOf: (id: string) => Pick<IdpConfig['clients'][number], 'actor' | 'actorProfile'> | undefined,
): Actors {
  const issuers = new Map(
    workloadIssuers.map(({ jwksUri, ...issuer }) => {
      const keys = followedIssuerKeys(issuer.issuer, surroundings, jwksUri)
      return [issuer.issuer, { ...issuer, keys }]
    }),
  )
  return {
    ruleOf(id) {
      const { actor: by, actorProfile: profile } = clientOf(id) ?? {}
      return by === undefined ? undefined : { by, profile }
    },
    findWorkloadIssuer(name) {
      const { policy } = surroundings
      const off = policy.isOff({ issuer: name }) || policy.isOff({ issuer: name, audience: self })
      return off ? undefined : issuers.get(name)
    },
  }
}
