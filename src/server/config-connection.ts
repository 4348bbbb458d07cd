/** The part of the configuration about one connection: which client may act for whom at which resource authorization server. */

import * as z from 'zod'
import { connectionDetails } from './config-authorization-details.ts'
import { clientId } from './config-metadata-documents.ts'
import { people } from './config-people.ts'
import { connectionRefreshTokens } from './config-refresh-tokens.ts'
import { signInDemand, signInMember } from './config-sign-in.ts'
import { samlNames } from './config-subject-id.ts'
import { tenancy } from './config-tenants.ts'
import { duration, foreignName, resource, scope } from './config-values.ts'
import { mapping } from './schema-problems.ts'
/** A connection, in the file and at run time. */
export const connection = mapping({
  client: clientId,
  audience: z.string(),
  ...tenancy.connection,
  /** Absent for a client with a metadata document: it is the same everywhere (ID-JAG §5). */
  clientId: foreignName.optional(),
  scopes: z
    .array(
      z.union([scope, mapping({ name: scope, ...people, ...signInMember })], {
        error: 'must be a scope, or a mapping with its name and people',
      }),
    )
    .min(1),
  resources: z.array(resource).optional(),
  ...connectionDetails,
  ...people,
  signIn: signInDemand.prefault({}),
  refreshTokens: connectionRefreshTokens,
  lifetime: duration(10, 600).default(300),
  subject: z
    .union([z.enum(['same', 'pairwise']), mapping({ claim: z.string().min(1) })], {
      error: 'must be same, pairwise or { claim: NAME }',
    })
    .default('same'),
  ...samlNames.connection,
  claims: z.array(z.string().min(1)).default(['email', 'email_verified']),
  disabled: z.boolean().default(false),
})
