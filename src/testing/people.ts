/** The people of the company: three who work there and one who left, as the identity provider's directory knows them. */

import type { User } from '../idp/connections.ts'

export type PersonName = 'alice' | 'bob' | 'carol' | 'mallory'

/** One entry of the directory. `enabled` may be changed at any time, and the next question is answered by it. */
export interface Person extends User {
  name: PersonName
  email: string
  enabled: boolean
}

/** The domain whose addresses the company's identity provider owns. */
export const companyDomain = 'acme.example'

export interface Directory {
  people: readonly Person[]
  find(sub: string): Promise<Person | undefined>
}

/** Makes the directory. Everybody's `sub` ends in what `newSuffix` gives, so that nobody can rely on it. */
export function directoryOf(newSuffix: () => string): Directory {
  const person = (name: PersonName, fullName: string, groups: readonly string[], enabled: boolean): Person => {
    const email = `${name}@${companyDomain}`
    return {
      name,
      sub: `${name}-${newSuffix()}`,
      email,
      enabled,
      groups,
      claims: { email, email_verified: true, name: fullName },
    }
  }
  const people = [
    person('alice', 'Alice Archer', ['everyone', 'engineering'], true),
    person('bob', 'Bob Baker', ['everyone', 'sales'], true),
    person('carol', 'Carol Carter', ['everyone', 'support'], true),
    person('mallory', 'Mallory Miller', ['everyone', 'engineering'], false),
  ]
  return { people, find: async (sub) => people.find((one) => one.sub === sub) }
}
