/** SAML names in a configuration: who gets one into `sub_id`, whose are read, and which account has which. */

import * as z from 'zod'
import { nameIdFormat, samlNameFormats, samlNameMembers } from '../protocol/subject-identifier.ts'
import { foreignIssuer, foreignName } from './config-values.ts'
import { judged, mapping } from './schema-problems.ts'

/** A SAML entity id, a name, or a qualifier of one: compared to the letter, and never fetched. */
const samlText = judged((text) =>
  text !== '' && text.length <= 1024 && text.isWellFormed() && !/[\u0000-\u001f\u007f]/.test(text)
    ? undefined
    : { message: 'must be 1 to 1024 characters without control characters' },
)

/** FL-NID-01: no switch allows a name that is somebody else's tomorrow. */
const lastingFormat = judged((text) =>
  text === nameIdFormat.transient
    ? {
        message: 'is a name that changes at every sign-in',
        remedy: 'use a format of lasting names, such as persistent',
      }
    : undefined,
).min(1)

const qualifiers = { nameQualifier: samlText.optional(), spNameQualifier: samlText.optional() }

/** The members that entries have for the sake of SAML names. */
export const samlNames = {
  /** Of a resource server: its own entity id in SAML (FL-NID-01). */
  resourceServer: { samlEntityId: samlText.optional() },

  /** Of a connection: the NameID that SAML sign-in to its audience would use (SAML-04 to SAML-06). Absent: no `sub_id` (SAML-10). */
  connection: {
    subjectId: mapping({
      format: z.literal('saml-nameid'),
      /** The SAML entity id of the identity provider. */
      issuer: samlText,
      nameId: z.union([z.enum(['same', 'pairwise']), mapping({ claim: z.string().min(1) })], {
        error: 'must be same, pairwise or { claim: NAME }',
      }),
      nameIdFormat: lastingFormat.optional(),
      ...qualifiers,
      spProvidedIdClaim: z.string().min(1).optional(),
    }).optional(),
  },

  /** Of a trusted issuer: whether its `sub_id` counts, and what of it (SAML-07 to SAML-09). Absent: it does not. */
  trustedIssuer: {
    subjectId: mapping({
      /** The SAML entity ids that are this issuer's own. */
      samlIssuers: z.array(samlText).min(1),
      required: z.boolean().default(false),
      /** What is compared beside the name itself. Absent: every member, present or absent at both sides. */
      key: z.array(z.enum(samlNameMembers)).min(1).optional(),
      /** SAML-08: the bare name is enough only where this says so. */
      nameIdAlone: z.boolean().default(false),
    }).optional(),
    /** Which spellings of the format are read as a SAML name (OKTA-09). Absent: the draft's own. */
    subjectIdFormats: z.array(z.enum(samlNameFormats)).min(1).optional(),
  },

  /** Of an account: the SAML names that its person has at trusted issuers. */
  account: {
    samlNames: z
      .array(
        mapping({
          /** The trusted issuer whose ID-JAGs may give the name. */
          issuer: foreignIssuer,
          /** Which tenant of the issuer the person belongs to. */
          tenant: foreignName.optional(),
          samlIssuer: samlText,
          nameId: samlText,
          nameIdFormat: lastingFormat.optional(),
          ...qualifiers,
          spProvidedId: samlText.optional(),
        }),
      )
      .readonly()
      .optional(),
  },
} as const
