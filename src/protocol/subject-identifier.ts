/** `sub_id` as a SAML name: the same person as `sub`, by the name they have in SAML sign-in (ID-JAG §3.2, RFC 9493). */

import * as z from 'zod'
import { text } from './id-jag.ts'
import type { JsonObject } from './json.ts'

/** The `format` of a SAML name as the draft writes it, and as Okta's guide writes it in places (ID-JAG §10.6, OKTA-09). */
export const samlNameFormats = ['saml-nameid', 'saml_nameid'] as const
export type SamlNameFormat = (typeof samlNameFormats)[number]

/** Formats of a NameID that have rules of their own (SAML 2.0 Core §8.3). */
export const nameIdFormat = {
  emailAddress: 'urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress',
  transient: 'urn:oasis:names:tc:SAML:2.0:nameid-format:transient',
} as const

/** What each member is called in `sub_id` (ID-JAG §3.2.1). */
const wireNames = {
  samlIssuer: 'issuer',
  nameId: 'nameid',
  nameIdFormat: 'nameid_format',
  nameQualifier: 'name_qualifier',
  spNameQualifier: 'sp_name_qualifier',
  spProvidedId: 'sp_provided_id',
} as const

export type SamlNameMember = keyof typeof wireNames

/** Every member that a SAML name can have. */
export const samlNameMembers = Object.keys(wireNames) as readonly SamlNameMember[]

/** A SAML name. `samlIssuer` is the entity id of the identity provider; `nameId` is the text of the NameID, to the letter. */
export type SamlName = { readonly [Member in 'samlIssuer' | 'nameId']: string } & {
  readonly [Member in Exclude<SamlNameMember, 'samlIssuer' | 'nameId'>]?: string | undefined
}

// RFC 9493 §3: the members of the format and no others.
const SamlSubjectIdentifier = z
  .strictObject({
    format: z.string(),
    issuer: text(1024),
    nameid: text(1024),
    nameid_format: text(1024).optional(),
    name_qualifier: text(1024).optional(),
    sp_name_qualifier: text(1024).optional(),
    sp_provided_id: text(1024).optional(),
  })
  .transform(
    (wire): SamlName => ({
      samlIssuer: wire.issuer,
      nameId: wire.nameid,
      nameIdFormat: wire.nameid_format,
      nameQualifier: wire.name_qualifier,
      spNameQualifier: wire.sp_name_qualifier,
      spProvidedId: wire.sp_provided_id,
    }),
  )

/**
 * Reads the members of a `sub_id` that is a SAML name (ID-JAG §3.2.1); undefined when one is missing, is no text, or belongs to no SAML
 * name. Does NOT look at `format`, and does NOT judge whether its issuer may name people.
 */
export function readSamlName(subjectIdentifier: JsonObject): SamlName | undefined {
  return SamlSubjectIdentifier.safeParse(subjectIdentifier).data
}

/** A SAML name as `sub_id` (SAML-04). Members that it does not have are left out (SAML-05). */
export function subjectIdentifierOf(name: SamlName): JsonObject {
  const present = samlNameMembers.flatMap((member) =>
    name[member] === undefined ? [] : [[wireNames[member], name[member]]],
  )
  return { format: samlNameFormats[0], ...Object.fromEntries(present) }
}
