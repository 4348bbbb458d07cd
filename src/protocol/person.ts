/** Who an ID Token speaks of: the claim that is the person's id for good, and the organisation the person must belong to. */

import { textOf } from './claims.ts'
import type { JsonObject } from './json.ts'
import { JwtError } from './jwt-error.ts'

/** OpenID Connect Core §2: `sub` has at most 255 characters. */
const subject = textOf(255)

/** How one issuer names its people. */
export interface PersonRules {
  /** The claim that is the same for every client and never given to a second person: `sub` unless the issuer makes that pairwise. */
  userClaim: string
  /** One of these values of the claim is the organisation whose people are taken. Absent: everybody the issuer signs in. */
  tenant?: { claim: string; values: readonly string[] }
}

/**
 * The id of the person. Nothing stands in for a claim that is not there: two people could
 * become one. Throws {@link JwtError}: `tenant_mismatch` for people of another organisation or of none, `subject_invalid` for an id
 * that is missing or no string of 1 to 255 characters.
 */
export function personIdOf(claims: JsonObject, { userClaim, tenant }: PersonRules): string {
  if (tenant !== undefined) {
    const found = claimOf(claims, tenant.claim)
    if (typeof found !== 'string' || !tenant.values.includes(found))
      throw new JwtError(
        'tenant_mismatch',
        `unexpected '${tenant.claim}' claim value: not an organisation of this issuer's entry`,
      )
  }
  const id = subject(claimOf(claims, userClaim))
  if (typeof id !== 'string') throw new JwtError('subject_invalid', `unexpected '${userClaim}' claim value`)
  return id
}

/** The rules that an entry of a configuration means: `sub` unless it says otherwise, and everybody unless it names organisations. */
export function personRules({
  userClaim = 'sub',
  tenantClaim,
  tenants = [],
}: {
  userClaim?: string | undefined
  tenantClaim?: string | undefined
  tenants?: readonly string[] | undefined
}): PersonRules {
  return { userClaim, ...(tenantClaim === undefined ? {} : { tenant: { claim: tenantClaim, values: tenants } }) }
}

function claimOf(claims: JsonObject, name: string): unknown {
  return Object.hasOwn(claims, name) ? claims[name] : undefined
}
