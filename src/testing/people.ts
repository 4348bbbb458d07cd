/** The people of the company: three who work there and one who left, as the identity provider's directory knows them. */

import type { User } from '../idp/connections.ts'

export type PersonName = 'alice' | 'bob' | 'carol' | 'mallory'

/** One entry of the directory. */
export interface Person extends User {
  name: PersonName
  email: string
  /** As the directory says; it may be changed at any time. */
  employed: boolean
  /** False also while an administrator has switched the person off. */
  readonly enabled: boolean
}

/** The domain whose addresses the company's identity provider owns. */
export const companyDomain = 'acme.example'

export interface Directory {
  people: readonly Person[]
  find(sub: string): Promise<Person | undefined>
  /** Throws TypeError for a name that nobody has. */
  named(name: string): Person
}

/**
 * Makes the directory. Everybody's `sub` ends in what `newSuffix` gives, so that nobody can rely on it. `isOff` is asked for each of a
 * person's names (`sub`, e-mail address) whether it is switched off; what it throws, reading `enabled` throws.
 */
export function directoryOf(newSuffix: () => string, isOff: (name: string) => boolean): Directory {
  const person = (name: PersonName, fullName: string, groups: readonly string[], employed: boolean): Person => {
    const email = `${name}@${companyDomain}`
    const sub = `${name}-${newSuffix()}`
    return {
      name,
      sub,
      email,
      employed,
      get enabled() {
        return this.employed && ![sub, email].some(isOff)
      },
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
  return {
    people,
    find: async (sub) => people.find((one) => one.sub === sub),
    named(name) {
      const found = people.find((one) => one.name === name)
      if (found === undefined) throw new TypeError(`nobody is called ${name}`)
      return found
    },
  }
}
