/** Profiles in a configuration: which entries may have one, what it fills in before anything is judged, and what it checks. */

import * as z from 'zod'
import type { ProfilePlace } from '../protocol/profile-settings.ts'
import { issuerFault, profileAt, profileFault, withProfile } from '../protocol/profiles.ts'
import { type Finding, type Part, partOf, repeated } from './config-part.ts'
import { duration, foreignName } from './config-values.ts'
import { type Path, pathText } from './problems.ts'
import { judged } from './schema-problems.ts'

/** The lists whose entries may have a profile. */
const lists: readonly { at: readonly string[]; place: ProfilePlace }[] = [
  { at: ['idp', 'subjectIssuers'], place: 'subjectIssuer' },
  { at: ['idp', 'clients'], place: 'idpClient' },
  { at: ['idp', 'resourceServers'], place: 'idpResourceServer' },
  { at: ['resourceAs', 'trustedIssuers'], place: 'trustedIssuer' },
  { at: ['resourceAs', 'clients'], place: 'resourceAsClient' },
  { at: ['resourceAs', 'interactive', 'signIn'], place: 'signInIssuer' },
]

/** `profile` of an entry at this place. */
export function profile(place: ProfilePlace) {
  return judged((name) => profileFault(place, name)).optional()
}

/** Claims that change, or that go from one person to another: whoever comes second would be the first. */
const passingClaims = ['email', 'preferred_username', 'upn', 'unique_name', 'name', 'nickname', 'phone_number']

/** Which claim names a person, and whose people are taken: of everybody who signs people in. */
const personNaming = {
  /** Absent: `sub`. */
  userClaim: judged((claim) =>
    passingClaims.includes(claim)
      ? {
          message: 'is no lasting id of a person',
          remedy: 'it can pass to somebody else; use sub, or oid at Microsoft Entra',
        }
      : undefined,
  )
    .min(1)
    .optional(),
  /** Both or neither: whose people are taken. */
  tenantClaim: z.string().min(1).optional(),
  tenants: z.array(foreignName).min(1).optional(),
}

/** What a subject issuer has for the sake of profiles. */
export const subjectIssuerNaming = {
  profile: profile('subjectIssuer'),
  /** Further values of `iss` that are this issuer's. Absent: none. */
  aliases: z.array(foreignName).optional(),
  ...personNaming,
}

/** What an issuer at which people sign in has for the same sake. */
export const signInIssuerNaming = { profile: profile('signInIssuer'), ...personNaming }

/** What a resource server of the identity provider has for the sake of profiles. */
export const resourceServerLimits = {
  profile: profile('idpResourceServer'),
  /** The longest life of an ID-JAG that it takes. Absent: that of the connection. */
  maxLifetime: duration(10, 600).optional(),
}

/** An entry and the settings that its profile filled in. */
export interface AppliedProfile {
  /** Such as `idp.subjectIssuers[0]`. */
  path: string
  profile: string
  settings: { [name: string]: unknown }
}

/** The configuration with every profile filled in, and what was. Nothing is judged: unknown names stay for the schema to refuse. */
export function withProfiles(value: { [key: string]: unknown }): {
  value: { [key: string]: unknown }
  applied: AppliedProfile[]
} {
  const applied: AppliedProfile[] = []
  const filled = structuredClone(value)
  for (const { at: list, place } of lists) {
    const entries = list.reduce((part, name) => part.at(name), partOf(filled)).value
    if (!Array.isArray(entries)) continue
    for (const [at, entry] of entries.entries()) {
      const { path, text: name } = partOf(entry, [...list, at]).at('profile')
      if (name === undefined || profileAt(place, name) === undefined) continue
      entries[at] = entryWithProfile(place, entry)
      const added = Object.entries(entries[at]).filter(([key]) => !Object.hasOwn(entry, key))
      applied.push({ path: pathText(path.slice(0, -1)), profile: name, settings: Object.fromEntries(added) })
    }
  }
  return { value: filled, applied }
}

/** One entry with its profile filled in. */
export function entryWithProfile(
  place: ProfilePlace,
  entry: { readonly [member: string]: unknown },
): { [member: string]: unknown } {
  const filled: { [member: string]: unknown } = withProfile(place, entry)
  if (entry.metadataDocument !== true || Object.hasOwn(entry, 'authMethods')) return filled
  // CI-02: how such a client authenticates stands in its document, and in no entry.
  const { authMethods: _, ...rest } = filled
  return rest
}

/** Issuers that are not written as the counterpart of the profile writes its own. */
export function checkIssuerForms(list: Part, place: ProfilePlace): Finding[] {
  return list.items().flatMap((entry) => {
    const issuer = entry.at('issuer')
    const fault = issuer.text === undefined ? undefined : issuerFault(place, entry.at('profile').text, issuer.text)
    return fault === undefined ? [] : [{ path: issuer.path, found: JSON.stringify(issuer.text), ...fault }]
  })
}

/** What the naming of people must be, among the subject issuers. */
export function checkNaming(issuers: Part): Finding[] {
  const names = issuers.items().flatMap((issuer) => [issuer.at('issuer'), ...issuer.at('aliases').items()])
  const aliases: Path[] = issuers.items().flatMap((issuer) =>
    issuer
      .at('aliases')
      .items()
      .map(({ path }) => path),
  )
  return [
    ...repeated(names, 'the name of a subject issuer').filter(({ path }) =>
      aliases.some((alias) => pathText(alias) === pathText(path)),
    ),
    ...issuers.items().flatMap((issuer) => {
      const claim = issuer.at('tenantClaim')
      const tenants = issuer.at('tenants')
      if (claim.exists === tenants.exists) return []
      if (tenants.exists)
        return [{ path: tenants.path, message: 'says nothing without tenantClaim', remedy: 'add tenantClaim: NAME' }]
      return [
        {
          path: tenants.path,
          message: 'is missing: whose people may come in',
          remedy: `list the values of ${claim.text ?? 'the claim'} that are your own organisation`,
        },
      ]
    }),
  ]
}
