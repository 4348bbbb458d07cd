/** `sub_id` at a resource authorization server: whose SAML names an issuer may use, and whom they name (ID-JAG §3.2.2, §9.5). */

import type { Awaitable } from '../protocol/awaitable.ts'
import { OAuthError } from '../protocol/errors.ts'
import type { IdJagClaims } from '../protocol/id-jag.ts'
import { nameIdFormat, readSamlName, type SamlName, type SamlNameMember } from '../protocol/subject-identifier.ts'
import { refused } from './narrowing.ts'
import type { TrustedIssuer } from './trust.ts'

/**
 * Whom a SAML name is asked for: a person of this issuer, and of this tenant of it, whose name is the same in `nameId` and in every
 * member of `key`, among the accounts of the tenant of this server.
 */
export interface SamlNameQuestion {
  issuer: string
  tenant?: string | undefined
  audTenant?: string | undefined
  name: SamlName
  key: readonly SamlNameMember[]
}

/** What the server knows of SAML names beyond one issuer. */
export interface SamlIssuers {
  /** Whether some trusted issuer has this SAML entity id. Absent: none has any. */
  isSamlIssuer?(entityId: string): Promise<boolean>
}

/**
 * The SAML name of a verified ID-JAG (SAML-07); undefined when its issuer is set to have none, or sent none and need not. Throws
 * `invalid_grant` for a name that is missing, malformed, transient, of a format that is not read, or of a SAML issuer that is not this
 * issuer's.
 */
export function samlNameOf(
  { sub_id }: Pick<IdJagClaims, 'sub_id'>,
  { subjectId }: Pick<TrustedIssuer, 'subjectId'>,
): SamlName | undefined {
  if (subjectId === undefined) return undefined
  const { formats, required, samlIssuers } = subjectId
  if (sub_id === undefined || !formats.some((one) => one === sub_id.format)) {
    if (!required) return undefined
    throw untrusted(sub_id === undefined ? "the 'sub_id' claim is missing" : "unexpected 'sub_id' format")
  }
  const name = readSamlName(sub_id)
  if (name === undefined) throw untrusted("unexpected 'sub_id' claim value")
  // ID-JAG §9.5: only what is tied to the issuer that signed.
  if (!samlIssuers.includes(name.samlIssuer)) throw untrusted("unexpected 'sub_id' issuer")
  // FL-NID-01: a name for one sign-in says nothing of who comes at the next.
  if (name.nameIdFormat === nameIdFormat.transient) throw untrusted("'sub_id' is a transient name")
  return name
}

/**
 * SAML-07, SAML-09, ATK-044: refuses an ID-JAG whose `sub_id` is not what its issuer must or may send, whoever finds the account; and,
 * from any issuer, one that speaks for another issuer's SAML entity. Throws OAuthError `invalid_grant`.
 */
export async function refuseForeignNames(
  claims: Pick<IdJagClaims, 'sub_id'>,
  trusted: Pick<TrustedIssuer, 'subjectId'>,
  server: SamlIssuers,
): Promise<void> {
  samlNameOf(claims, trusted)
  const entityId = claims.sub_id?.issuer
  if (typeof entityId !== 'string' || trusted.subjectId?.samlIssuers.includes(entityId) === true) return
  if ((await server.isSamlIssuer?.(entityId)) === true) throw untrusted("unexpected 'sub_id' issuer")
}

/** The account that a verified ID-JAG names by `sub_id`, if it does. Throws as {@link samlNameOf}. */
export function accountNamed<Found>(
  accounts: { findBySamlName?(question: SamlNameQuestion): Promise<Found | undefined> },
  claims: Pick<IdJagClaims, 'sub_id' | 'tenant'>,
  trusted: Pick<TrustedIssuer, 'issuer' | 'subjectId' | 'audTenant'>,
): Awaitable<Found | undefined> {
  const { issuer, subjectId, audTenant } = trusted
  if (subjectId === undefined) return undefined
  const name = samlNameOf(claims, trusted)
  if (name === undefined) return undefined
  return accounts.findBySamlName?.({ issuer, tenant: claims.tenant, audTenant, name, key: subjectId.key })
}

/** ID-JAG §3.2: `sub_id` names the same person as `sub`. Throws `invalid_grant` where both are known here and are two. */
export function refuseTwoPersons(bySub: { id: string }, byName: { id: string } | undefined): void {
  if (byName !== undefined && byName.id !== bySub.id)
    throw new OAuthError('invalid_grant', "assertion: 'sub' and 'sub_id' are two persons here", {
      reason: 'sub_id_untrusted',
      detail: `sub is account ${bySub.id}, sub_id is account ${byName.id}`,
    })
}

function untrusted(message: string): OAuthError {
  return refused('sub_id_untrusted', message)
}
