/** The tenant of a person at the identity provider: by the issuer that signed them in, and by their record in the directory. */

import type { User } from '../idp/connections.ts'
import { subjectIdentifier } from '../protocol/id-jag.ts'
import type { JsonObject } from '../protocol/json.ts'
import { JwtError } from '../protocol/jwt-error.ts'
import type { IdpConfig } from './config-schema.ts'

/**
 * The tenant that the entry of an issuer gives the bearer of a verified token; undefined where it gives none. Throws {@link JwtError}
 * `tenant_mismatch` for a token without the claim that holds it: nobody is in a tenant by default.
 */
export function tenantNamed(
  claims: JsonObject,
  tenant: IdpConfig['subjectIssuers'][number]['tenant'],
): string | undefined {
  if (tenant === undefined || typeof tenant === 'string') return tenant
  const value = Object.hasOwn(claims, tenant.claim) ? claims[tenant.claim] : undefined
  const read = subjectIdentifier.safeParse(value)
  if (!read.success) throw new JwtError('tenant_mismatch', `unexpected '${tenant.claim}' claim value`)
  return read.data
}

/** The person of the directory. Throws {@link JwtError} `tenant_mismatch` for somebody whom it has in another tenant, or in none. */
export function inTenant(user: User | undefined, tenant: string | undefined): User | undefined {
  if (user === undefined || tenant === undefined || user.tenant === tenant) return user
  throw new JwtError('tenant_mismatch', 'its user belongs to another tenant')
}
