/** The part of the configuration that is about actors: which client shows one, of which workload, and which a resource server allows. */

import * as z from 'zod'
import { defaultAlgorithms } from '../protocol/keys.ts'
import type { Finding, Part } from './config-part.ts'
import { textsOf, unknownName } from './config-part.ts'
import { address, algorithms, duration, foreignIssuer, foreignName } from './config-values.ts'
import { workloadProfile } from './config-workloads.ts'
import { mapping } from './schema-problems.ts'

/** What a client of the identity provider has. Without `actor`, it shows none. */
export const actorOfClient = {
  actor: z.enum(['own-assertion', 'workload']).optional(),
  /** The kind of actor that the client itself is, such as `ai_agent`. */
  actorProfile: foreignName.optional(),
}

/** `workloadIssuers` of the identity provider: platforms whose tokens show which workload a client runs as. Absent: none. */
export const workloadIssuers = z
  .array(
    mapping({
      issuer: foreignIssuer,
      jwksUri: address.optional(),
      algorithms: algorithms.default([...defaultAlgorithms]),
      maxLifetime: duration(60, 86_400).default(3600),
      workloads: z
        .array(
          mapping({
            sub: foreignName,
            client: z.string().min(1),
            name: foreignName,
            profile: workloadProfile.optional(),
          }),
        )
        .min(1),
    }),
  )
  .default([])

/** What a trusted issuer has. Absent: it may name any actor; an empty list: none. */
export const actorsOfIssuer = { actors: z.array(foreignName).optional() }

/** Whether the actor of a request goes on into the access token, for the resources. Absent: it does not. */
export const copyActor = z.boolean().optional()

/** What the entries about actors must be to each other. */
export function checkActors(idp: Part): Finding[] {
  const clients = idp.at('clients').items()
  const ids = textsOf(idp.at('clients'), 'id')
  const issuers = idp.at('workloadIssuers').items()
  const workloads = issuers.flatMap((issuer) => issuer.at('workloads').items())
  return [
    ...clients.flatMap((client) => checkActorOf(client, workloads)),
    ...workloads.flatMap((one) => unknownName(one.at('client'), ids, 'client', 'add it under idp.clients')),
  ]
}

function checkActorOf(client: Part, workloads: readonly Part[]): Finding[] {
  const actor = client.at('actor')
  const profile = client.at('actorProfile')
  const own = actor.text === 'own-assertion'
  const known = workloads.some((one) => one.at('client').text === client.at('id').text)
  return [
    ...(own && !client.at('jwks').exists && client.at('metadataDocument').value !== true
      ? [
          {
            path: actor.path,
            message: 'needs keys of the client',
            remedy: 'add jwks: { file: PATH } with its public keys',
          },
        ]
      : []),
    ...(actor.text === 'workload' && !known
      ? [
          {
            path: actor.path,
            message: 'needs a workload that the client runs as',
            remedy: 'add one with this client under workloads of an issuer in idp.workloadIssuers',
          },
        ]
      : []),
    ...(profile.exists && !own
      ? [{ path: profile.path, message: 'is of no use here', remedy: 'it goes with actor: own-assertion' }]
      : []),
  ]
}
