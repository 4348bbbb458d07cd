/** Tenants on either side of an assertion (ID-JAG §6). */

import type { IdJagClaims } from '../protocol/id-jag.ts'
import { refused } from './narrowing.ts'

/** TEN-03: what a token can demand that this server cannot do is refused, never overlooked. */
export function refuseTenants({ tenant, aud_tenant }: IdJagClaims): void {
  // ID-JAG §6.3, TEN-03: no issuer and no audience here has tenants.
  if (tenant !== undefined || aud_tenant !== undefined)
    throw refused('tenant_mismatch', 'it names a tenant, and no tenant is connected')
}
