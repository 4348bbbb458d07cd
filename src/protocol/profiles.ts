/** Profiles by name: `profile: entra` in an entry fills in what the entry leaves out, and nothing else. */

import { isLoopbackHost } from './loopback.ts'
import { type Profile, type ProfileName, type ProfilePlace, profileNames } from './profile-settings.ts'
import { profileTable } from './profile-table.ts'

/** Why a value of an entry cannot be right, and what to write. */
export interface ProfileFault {
  message: string
  remedy: string
}

/** What each place is called in a sentence. */
const placeNames: { readonly [Place in ProfilePlace]: string } = {
  subjectIssuer: 'a subject issuer',
  signInIssuer: 'an issuer at which people sign in',
  idpClient: 'a client of the identity provider',
  idpResourceServer: 'a resource server of the identity provider',
  trustedIssuer: 'a trusted issuer',
  resourceAsClient: 'a client of the resource authorization server',
  identityProvider: "a client's identity provider",
  resourceServer: "a client's resource server",
}

/** The profile of this name at this place; undefined when there is none. */
export function profileAt<Place extends ProfilePlace>(place: Place, name: unknown): Profile<Place> | undefined {
  return isProfileName(name) ? profileTable[name][place] : undefined
}

/** The names of the profiles that a place has. */
export function profilesAt(place: ProfilePlace): ProfileName[] {
  return profileNames.filter((name) => profileTable[name][place] !== undefined)
}

/** Why a name is no profile at this place; undefined when it is one. */
export function profileFault(place: ProfilePlace, name: string): ProfileFault | undefined {
  if (profileAt(place, name) !== undefined) return undefined
  const here = `there are ${profilesAt(place).join(', ')}`
  const elsewhere = isProfileName(name) ? placesOf(name).map((other) => placeNames[other]) : []
  return {
    message: `is no profile for ${placeNames[place]}`,
    remedy: elsewhere.length === 0 ? here : `${name} is for ${elsewhere.join(', or ')}; here ${here}`,
  }
}

/**
 * Why an issuer identifier cannot be that of an entry with this profile; undefined when it can, or when the profile says nothing of
 * it. Loopback issuers stand for any counterpart, in tests and development.
 */
export function issuerFault(place: ProfilePlace, name: unknown, issuer: string): ProfileFault | undefined {
  const form = profileAt(place, name)?.issuer
  const local = URL.canParse(issuer) && isLoopbackHost(new URL(issuer).hostname)
  if (form === undefined || local || form.form.test(issuer)) return undefined
  return { message: `is not as ${String(name)} writes it`, remedy: `it ${form.is}, such as ${form.like}` }
}

/** The entry with what its profile fills in: members that the entry has itself stay as they are. */
export function withProfile<Place extends ProfilePlace, Entry extends { profile?: unknown }>(
  place: Place,
  entry: Entry,
): Entry {
  return { ...profileAt(place, entry.profile)?.settings, ...entry }
}

function placesOf(name: ProfileName): ProfilePlace[] {
  return Object.keys(profileTable[name]) as ProfilePlace[]
}

function isProfileName(name: unknown): name is ProfileName {
  return profileNames.some((one) => one === name)
}
