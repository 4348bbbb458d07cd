/** Builds what the roles know of SAML names from a configuration, and finds the accounts that have them. */

import type { SamlNameMapping } from '../idp/connections.ts'
import { type SamlName, samlNameFormats, samlNameMembers } from '../protocol/subject-identifier.ts'
import { noAccount } from '../resource-as/accounts.ts'
import type { SamlNameQuestion } from '../resource-as/subject-identifier.ts'
import type { SamlNameRules } from '../resource-as/trust.ts'
import type { ConnectionConfig, TrustedIssuerConfig } from './config-schema.ts'

/** The SAML name of a connection. `samlEntityId` is that of its resource server. */
export function samlNameMapping(
  { subjectId }: Pick<ConnectionConfig, 'subjectId'>,
  samlEntityId: string | undefined,
): SamlNameMapping | undefined {
  if (subjectId === undefined) return undefined
  const { format: _, issuer: samlIssuer, nameId, ...rest } = subjectId
  return {
    ...rest,
    samlIssuer,
    nameId: typeof nameId === 'string' ? { kind: nameId } : { kind: 'claim', claim: nameId.claim },
    serviceProvider: samlEntityId,
  }
}

/** What the SAML names of a trusted issuer are good for. */
export function samlNameRules({
  subjectId,
  subjectIdFormats: formats = [samlNameFormats[0]],
}: Pick<TrustedIssuerConfig, 'subjectId' | 'subjectIdFormats'>): SamlNameRules | undefined {
  if (subjectId === undefined) return undefined
  const { samlIssuers, required, nameIdAlone, key = samlNameMembers } = subjectId
  return { samlIssuers, required, formats, key: nameIdAlone ? [] : key }
}

/** A SAML name that an account has, and the trusted issuer that may give it, for one of its tenants or outside of all. */
export interface KnownSamlName extends SamlName {
  issuer: string
  tenant?: string | undefined
}

/**
 * Finds the id of the account with a SAML name among those of the configuration, each member compared to the letter (SAML-08). Throws
 * `invalid_grant` for a name that is the name of two accounts.
 */
export function samlNameFinder(
  entries: readonly { id: string; audTenant?: string | undefined; samlNames?: readonly KnownSamlName[] | undefined }[],
): (question: SamlNameQuestion) => string | undefined {
  const byName = new Map<string, { id: string; known: KnownSamlName }[]>()
  for (const { id, audTenant, samlNames = [] } of entries)
    for (const known of samlNames) {
      const text = nameText({ ...known, audTenant }, known)
      byName.set(text, [...(byName.get(text) ?? []), { id, known }])
    }
  return ({ name, key, ...place }) => {
    const fits = (byName.get(nameText(place, name)) ?? []).filter(({ known }) =>
      key.every((member) => known[member] === name[member]),
    )
    const [id, ...others] = new Set(fits.map((one) => one.id))
    if (others.length > 0) throw noAccount(`the SAML name is that of the accounts ${[id, ...others].join(', ')}`)
    return id
  }
}

/** TEN-08: one name in two tenants is two persons. */
function nameText(
  { issuer, tenant, audTenant }: Pick<SamlNameQuestion, 'issuer' | 'tenant' | 'audTenant'>,
  { nameId }: SamlName,
): string {
  return JSON.stringify([issuer, tenant ?? null, audTenant ?? null, nameId])
}
