/** The people of a configuration: users of the identity provider's own directory, and accounts at the resource authorization server. */

import * as z from 'zod'
import { samlNames } from './config-subject-id.ts'
import { tenancy } from './config-tenants.ts'
import { foreignIssuer, foreignName } from './config-values.ts'
import { mapping } from './schema-problems.ts'

/** A user, for subject issuers with `users: directory`. */
export const user = mapping({
  sub: foreignName,
  ...tenancy.user,
  email: z.string().min(3).max(320).optional(),
  emailVerified: z.boolean().default(false),
  groups: z.array(z.string().min(1)).default([]),
  disabled: z.boolean().default(false),
  claims: z.record(z.string(), z.json()).default({}),
})

/** An account, with the persons it is linked to. */
export const account = mapping({
  id: foreignName,
  ...tenancy.account,
  email: z.string().min(3).max(320).optional(),
  disabled: z.boolean().default(false),
  links: z.array(mapping({ issuer: foreignIssuer, ...tenancy.link, sub: foreignName })).default([]),
  ...samlNames.account,
})

/** Whom an entry is for. */
export const people = {
  everyone: z.literal(true).optional(),
  users: z.array(foreignName).optional(),
  groups: z.array(z.string().min(1)).optional(),
  /** By name. `everyone` means people alone. */
  workloads: z.array(foreignName).optional(),
}
