/** The part of the configuration about one trusted issuer: whose ID-JAGs are taken, and for whom. */

import * as z from 'zod'
import { defaultAlgorithms } from '../protocol/keys.ts'
import { actorsOfIssuer } from './config-actors.ts'
import { clientId } from './config-metadata-documents.ts'
import { profile } from './config-profiles.ts'
import { samlNames } from './config-subject-id.ts'
import { tenancy } from './config-tenants.ts'
import { address, algorithms, duration, emailDomain, foreignIssuer } from './config-values.ts'
import { workloadsOfIssuer } from './config-workloads.ts'
import { mapping } from './schema-problems.ts'

/** A trusted issuer, in the file and at run time. */
export const trustedIssuer = mapping({
  issuer: foreignIssuer,
  profile: profile('trustedIssuer'),
  ...tenancy.trustedIssuer,
  clients: z.array(clientId),
  /** Also every client that comes by `resourceAs.metadataDocuments`. */
  metadataDocuments: z.boolean().optional(),
  assertions: z.enum(['single-use', 'until-exp']).default('single-use'),
  maxLifetime: duration(10, 3600).default(3600),
  algorithms: algorithms.default([...defaultAlgorithms]),
  emailDomains: z.array(emailDomain).default([]),
  unknownUsers: z.enum(['refuse', 'create']).default('refuse'),
  ...samlNames.trustedIssuer,
  ...actorsOfIssuer,
  ...workloadsOfIssuer,
  jwksUri: address.optional(),
  disabled: z.boolean().default(false),
})
