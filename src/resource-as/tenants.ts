/** Tenants on either side of an assertion: which it names, whether its issuer speaks for them, and what follows (ID-JAG §6). */

import type { IdJagClaims } from '../protocol/id-jag.ts'
import type { JsonObject } from '../protocol/json.ts'
import type { AuditFacts } from '../protocol/ports.ts'
import { refused } from './narrowing.ts'
import type { NamedTenants, TrustedIssuer } from './trust.ts'

/** What a token that nobody has verified says of tenants. Whatever is no text reads as nothing: the schema refuses it later. */
export function namedTenants({ tenant, aud_tenant }: JsonObject): NamedTenants {
  return {
    tenant: typeof tenant === 'string' ? tenant : undefined,
    audTenant: typeof aud_tenant === 'string' ? aud_tenant : undefined,
  }
}

/**
 * TEN-03, TEN-08: a token is for the tenants that its issuer is connected for, on both sides, and for no others. An issuer with
 * tenants always names one; one without never does. The tenant of this server may be left out, because the entry has one alone.
 * Throws OAuthError `invalid_grant` with the reason `tenant_mismatch`; what was named is in the facts either way.
 */
export function judgeTenants(
  { tenant, aud_tenant: audTenant }: IdJagClaims,
  trusted: TrustedIssuer,
  facts: AuditFacts,
): void {
  facts.tenant = tenant
  facts.audTenant = audTenant
  if (areConnected({ tenant, audTenant }, trusted)) {
    if (trusted.audTenant !== undefined) facts.audTenant = trusted.audTenant
    return
  }
  if (trusted.tenants === undefined && trusted.audTenant === undefined)
    throw refused('tenant_mismatch', 'it names a tenant, and no tenant is connected')
  throw refused('tenant_mismatch', 'the tenants it is for are not connected, or it does not say which they are')
}

/** Whether an issuer speaks for exactly these tenants. */
export function areConnected({ tenant, audTenant }: NamedTenants, trusted: TrustedIssuer): boolean {
  const { tenants } = trusted
  const fromConnected = tenants === undefined ? tenant === undefined : tenant !== undefined && tenants.includes(tenant)
  return fromConnected && (audTenant === undefined || audTenant === trusted.audTenant)
}

/** The tenant by which a block stops an access: of this server where it has tenants, otherwise of the issuer. */
export function stoppableTenant({ tenant }: NamedTenants, { audTenant }: TrustedIssuer): string | undefined {
  return audTenant ?? tenant
}
