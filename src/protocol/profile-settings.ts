/** What a profile is: the settings that a deployed counterpart needs at one place, and who says so. */

import type { SignatureAlgorithm } from './keys.ts'
import type { ClientAuthMethod } from './names.ts'
import type { Seconds } from './ports.ts'
import type { SamlNameFormat } from './subject-identifier.ts'

/** Every counterpart that has a profile. */
export const profileNames = [
  'okta',
  'auth0',
  'keycloak',
  'entra',
  'google',
  'ping',
  'cloudflare',
  'mcp-sdk',
  'claude',
] as const
export type ProfileName = (typeof profileNames)[number]

interface ClientSettings {
  authMethods?: readonly ClientAuthMethod[]
  assertionAudienceAlso?: 'tokenEndpoint'
}

/** What a profile may fill in, for each place that has an entry for a counterpart: members of that entry, by their own names. */
export interface ProfileSettings {
  /** `idp.subjectIssuers[]`: who signs people in. */
  subjectIssuer: {
    userClaim?: string
    tenantClaim?: string
    aliases?: readonly string[]
    algorithms?: readonly SignatureAlgorithm[]
  }
  /** `resourceAs.interactive.signIn[]`: the same, for the code grant. */
  signInIssuer: { userClaim?: string; tenantClaim?: string }
  /** `idp.clients[]`: who asks the identity provider for ID-JAGs. */
  idpClient: ClientSettings
  /** `idp.resourceServers[]`: whom ID-JAGs are issued for. */
  idpResourceServer: { maxLifetime?: Seconds }
  /** `resourceAs.trustedIssuers[]`: whose ID-JAGs are redeemed. */
  trustedIssuer: {
    algorithms?: readonly SignatureAlgorithm[]
    maxLifetime?: Seconds
    subjectIdFormats?: readonly SamlNameFormat[]
  }
  /** `resourceAs.clients[]`: who redeems them. */
  resourceAsClient: ClientSettings
  /** `identityProvider` of the client library. */
  identityProvider: { assertionAudience?: 'token-endpoint' }
  /** An entry of `resourceServers` of the client library. */
  resourceServer: { scopeOnRedemption?: boolean; resourceOnRedemption?: boolean; assertionAudience?: 'token-endpoint' }
}
export type ProfilePlace = keyof ProfileSettings

/** One counterpart at one place: a row of the table in docs/profiles.md. */
export interface Profile<Place extends ProfilePlace> {
  settings: ProfileSettings[Place]
  /** How the counterpart writes its issuer identifier: another form is a mistake that would only show in refusals (D-09). */
  issuer?: { form: RegExp; is: string; like: string }
  /** Who says that this is so, and what they say. */
  source: { says: string; title: string; url: string }
  /** The test that runs the counterpart's own software. Absent: by its documentation alone. */
  ranIn?: string
}

/** The places that the profile of each name is for. */
export type ProfileTable = { readonly [Name in ProfileName]: { readonly [Place in ProfilePlace]?: Profile<Place> } }
