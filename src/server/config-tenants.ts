/** What a configuration says of tenants: `tenant` is always one of the issuer's, `audTenant` one of the resource authorization server's. */

import * as z from 'zod'
import { foreignName, resource, scope } from './config-values.ts'
import { mapping } from './schema-problems.ts'

/** The members that entries have for the sake of tenants. */
export const tenancy = {
  /** Of an issuer that a resource authorization server trusts. It may have an entry for each tenant of that server. */
  trustedIssuer: {
    /** Which tenants of the issuer are connected; absent, it has none. */
    tenants: z.array(foreignName).min(1).optional(),
    /** Whose accounts it reaches; absent, those of no tenant. */
    audTenant: foreignName.optional(),
    audSub: z.boolean().optional(),
    /** At most these on its word; absent, all that a client may be given. */
    scopes: z.array(scope).min(1).optional(),
    resources: z.array(resource).min(1).optional(),
  },

  /** Of an account at a resource authorization server. */
  account: { audTenant: foreignName.optional() },

  /** Of a link to a person: which tenant of the issuer they belong to. */
  link: { tenant: foreignName.optional() },

  /** Of an issuer whose ID Tokens the identity provider takes: which tenant its people belong to, all of them or by a claim. */
  subjectIssuer: {
    tenant: z
      .union([foreignName, mapping({ claim: z.string().min(1) })], { error: 'must be a name, or { claim: NAME }' })
      .optional(),
  },

  /** Of a person in the directory. */
  user: { tenant: foreignName.optional() },

  /** Of a resource server: whether it is told the tenant of each person. Absent: it is, wherever there is one. */
  resourceServer: { namesTenant: z.boolean().optional() },

  /** Of a connection. */
  connection: {
    /** For the people of this tenant alone. */
    tenant: foreignName.optional(),
    /** For the people of every tenant that has no connection of its own. */
    everyTenant: z.literal(true).optional(),
    /** The tenant at the other side. */
    audTenant: foreignName.optional(),
    /** The claim that holds the person's account id there. */
    audSubClaim: z.string().min(1).optional(),
  },
} as const
