/** Whom an ID Token speaks of: one lasting id, and only people of the organisation. */

import { describe, expect, it } from 'vitest'
import { JwtError } from '../../src/protocol/jwt-error.ts'
import { personIdOf } from '../../src/protocol/person.ts'

const claims = {
  iss: 'https://login.example.com',
  sub: 'pairwise',
  aud: ['a'],
  exp: 2,
  iat: 1,
  oid: 'alice',
  tid: 'acme',
}

describe('a person', () => {
  it('is named by the claim that was configured', () => {
    expect(personIdOf(claims, { userClaim: 'sub' })).toBe('pairwise')
    expect(personIdOf(claims, { userClaim: 'oid', tenant: { claim: 'tid', values: ['beta', 'acme'] } })).toBe('alice')
  })

  it.each(['toString', '__proto__', 'constructor', 'upn', 'exp', 'aud'])(
    'is nobody when that is %s, which this token has not or not as text',
    (userClaim) => {
      expect(() => personIdOf(claims, { userClaim })).toThrow(JwtError)
      expect(() => personIdOf(claims, { userClaim })).toThrow(`unexpected '${userClaim}' claim value`)
    },
  )

  it.each([
    ['another organisation', { claim: 'tid', values: ['beta'] }],
    ['no organisation that is listed', { claim: 'tid', values: [] }],
    ['a claim that is not there', { claim: 'hd', values: ['acme'] }],
  ])('of %s is not taken', (_, tenant) => {
    expect(() => personIdOf(claims, { userClaim: 'oid', tenant })).toThrow(
      expect.objectContaining({ reason: 'tenant_mismatch' }),
    )
  })
})
