/** Tenants at an identity provider: whose people a connection is for, and what an ID-JAG says of tenants on both sides (ID-JAG §6). */

import { subjectIdentifier } from '../protocol/id-jag.ts'
import type { Connection, User } from './connections.ts'

/**
 * Whether a connection is for people of this tenant (TEN-06). One that says nothing of tenants is for people without any; where people
 * have tenants, it names one, or says that it is for every tenant.
 */
export function isForTenant({ tenant, everyTenant }: Connection, user: Pick<User, 'tenant'>): boolean {
  if (tenant !== undefined) return tenant === user.tenant
  return user.tenant === undefined || everyTenant === true
}

/**
 * What the ID-JAG says of tenants, in the names of the wire; nothing of what there is not. `tenant` is the person's (TEN-01, TEN-05), left
 * out for a server that cannot read it; `aud_tenant` and `aud_sub` stand there only where they are known (TEN-07).
 */
export function tenantClaims(
  user: User,
  { namesTenant = true, audTenant, audSubClaim }: Connection,
): { tenant: string | undefined; aud_tenant: string | undefined; aud_sub: string | undefined } {
  return {
    tenant: namesTenant ? user.tenant : undefined,
    aud_tenant: audTenant,
    aud_sub: audSubClaim === undefined ? undefined : subjectIdentifier.safeParse(user.claims[audSubClaim]).data,
  }
}
