/** The table of profiles itself: each row says who says so, and fills in nothing but what its place knows. */

import { existsSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { type ProfilePlace, profileNames } from '../../src/protocol/profile-settings.ts'
import { profileTable } from '../../src/protocol/profile-table.ts'
import { issuerFault, profileAt, profileFault, profilesAt, withProfile } from '../../src/protocol/profiles.ts'

const places = Object.keys({
  subjectIssuer: 1,
  signInIssuer: 1,
  idpClient: 1,
  idpResourceServer: 1,
  trustedIssuer: 1,
  resourceAsClient: 1,
  identityProvider: 1,
  resourceServer: 1,
} satisfies { [Place in ProfilePlace]: 1 }) as ProfilePlace[]
const rows = profileNames.flatMap((name) =>
  places.flatMap((place) => {
    const profile = profileAt(place, name)
    return profile === undefined ? [] : [{ name, place, profile }]
  }),
)

describe('the table', () => {
  it('has a place for every name', () => {
    expect(profileNames.filter((name) => Object.keys(profileTable[name]).length === 0)).toEqual([])
    expect(rows.map(({ place }) => place).filter((place) => !places.includes(place))).toEqual([])
  })

  it.each(rows)('$name, $place: names its source, and an issuer it takes itself', ({ name, place, profile }) => {
    const { source, issuer, ranIn } = profile
    expect(source.says).not.toBe('')
    expect(new URL(source.url).protocol).toBe('https:')
    if (issuer !== undefined) expect(issuerFault(place, name, issuer.like)).toBeUndefined()
    if (ranIn !== undefined) expect(existsSync(new URL(`../../${ranIn}`, import.meta.url))).toBe(true)
  })
})

describe('a profile by name', () => {
  it('fills in what is missing and nothing else', () => {
    expect(withProfile('subjectIssuer', { profile: 'entra', issuer: 'i' })).toEqual({
      profile: 'entra',
      issuer: 'i',
      userClaim: 'oid',
      tenantClaim: 'tid',
    })
    expect(withProfile('subjectIssuer', { profile: 'entra', userClaim: 'sub' })).toMatchObject({ userClaim: 'sub' })
    for (const profile of ['claude', 'none', '__proto__', 'constructor', 7, undefined])
      expect(withProfile('subjectIssuer', { profile })).toEqual({ profile })
  })

  it('is one of those that its place has', () => {
    expect(profilesAt('identityProvider')).toEqual(['okta'])
    expect(profileFault('identityProvider', 'okta')).toBeUndefined()
    expect(profileFault('identityProvider', 'google')).toEqual({
      message: "is no profile for a client's identity provider",
      remedy: 'google is for a subject issuer, or an issuer at which people sign in; here there are okta',
    })
    expect(profileFault('identityProvider', 'slack')?.remedy).toBe('there are okta')
  })

  it('judges no issuer where the counterpart has no form of its own, and none on this machine', () => {
    expect(issuerFault('subjectIssuer', 'ping', 'anything')).toBeUndefined()
    expect(issuerFault('subjectIssuer', 'google', 'http://localhost:4000')).toBeUndefined()
    expect(issuerFault('subjectIssuer', 'google', 'not an address')).toEqual({
      message: 'is not as google writes it',
      remedy: 'it is the same for everybody who has a Google account, such as https://accounts.google.com',
    })
    expect(issuerFault('subjectIssuer', 'none', 'https://accounts.google.com/')).toBeUndefined()
  })
})
