/** An entry of the client's options with what its profile fills in. */

import type { ProfileName } from '../protocol/profile-settings.ts'
import { issuerFault, profileFault, withProfile } from '../protocol/profiles.ts'
import type { AssertionAudience, ClientAuthentication } from './client-authentication.ts'

interface ServerEntry {
  client: ClientAuthentication
  profile?: ProfileName
  assertionAudience?: AssertionAudience
}

/**
 * Fills in the profile; what the entry says itself stays. Its client signs assertions for the name that this server wants.
 * Throws TypeError, naming the option, for a profile that is none for this place and for an issuer that cannot be the counterpart's.
 */
export function profiled<Entry extends ServerEntry>(
  place: 'identityProvider' | 'resourceServer',
  option: string,
  issuer: string,
  entry: Entry,
): Entry {
  const { profile } = entry
  const unknown = profile === undefined ? undefined : profileFault(place, profile)
  if (unknown !== undefined) throw new TypeError(`${option}.profile ${unknown.message}: ${profile}; ${unknown.remedy}`)
  const foreign = issuerFault(place, profile, issuer)
  if (foreign !== undefined) throw new TypeError(`${option}: ${issuer} ${foreign.message}: ${foreign.remedy}`)
  const filled = withProfile(place, entry)
  return { ...filled, client: addressed(filled) }
}

function addressed({ client, assertionAudience }: ServerEntry): ClientAuthentication {
  if (assertionAudience === undefined) return client
  return {
    id: client.id,
    authenticate: (request, clock) => client.authenticate({ ...request, assertionAudience }, clock),
  }
}
