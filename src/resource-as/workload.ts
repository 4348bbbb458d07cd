/** An ID-JAG whose subject is no person: whether one is taken, and what of it is read (branch `workload-agent-principal`, FL-WL-03). */

import type { Branches } from '../protocol/branches.ts'
import type { IdJagClaims } from '../protocol/id-jag.ts'
import type { AuditFacts } from '../protocol/ports.ts'
import { refused } from './narrowing.ts'
import type { TrustedIssuer } from './trust.ts'

/** A verified ID-JAG with the entry of its issuer. */
export interface VerifiedAssertion {
  claims: IdJagClaims
  trusted: TrustedIssuer
}

/** What `sub_profile` says of a person (actor profile, AC-01); so does an ID-JAG without it. Every other value is no person. */
const person = 'user'

/**
 * The ID-JAG as the rest of the grant goes by it. Of a workload nothing is left that is about people: no address, no SAML name, no account
 * by its id, no sign-in; it is whom `iss` and `sub` are linked to. Throws OAuthError `invalid_grant` for a workload where the branch is off,
 * where the issuer's entry takes none, and where that takes bound ones alone and this is not.
 */
export function judgeWorkload(
  { claims, trusted }: VerifiedAssertion,
  branches: Branches | undefined,
  facts: AuditFacts,
): VerifiedAssertion {
  const { sub_profile } = claims
  if (sub_profile === undefined) return { claims, trusted }
  if (sub_profile === person) return { claims: { ...claims, sub_profile: undefined }, trusted }
  facts.subjectProfile = sub_profile
  const { workloads = 'refuse', accounts } = trusted
  if (branches?.['workload-agent-principal'] !== true || workloads === 'refuse')
    throw refused('subject_type_mismatch', 'its subject is no person, and only people are taken from its issuer')
  if (workloads === 'bound' && claims.cnf === undefined)
    throw refused('pop_required', 'is of a workload, and must be bound to a key or a certificate')
  return {
    claims: { ...withoutAttributes(claims), sub_profile },
    trusted: {
      ...trusted,
      subjectId: undefined,
      audSub: undefined,
      accounts: { emailDomains: [], unknown: accounts.unknown },
    },
  }
}

function withoutAttributes(claims: IdJagClaims): IdJagClaims {
  const { iss, sub, aud, client_id, jti, exp, iat, resource, scope, authorization_details, act, cnf } = claims
  const { tenant, aud_tenant } = claims
  return {
    iss,
    sub,
    aud,
    client_id,
    jti,
    exp,
    iat,
    resource,
    scope,
    authorization_details,
    act,
    cnf,
    tenant,
    aud_tenant,
  }
}
