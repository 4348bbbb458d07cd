/** The ID-JAG as written and as read. */

import { describe, expect, it } from 'vitest'
import { readIdJagClaims, signIdJag } from '../../src/protocol/id-jag.ts'
import { signerOf } from '../fixture/keys.ts'
import { claimsOf, headerOf } from '../fixture/tokens.ts'

const claims = { iss: 'https://a', sub: 's', aud: 'https://b', client_id: 'c', jti: 'j', iat: 1, exp: 2 }

describe('an ID-JAG', () => {
  it('is written with what is there, and a claim of the user stands in place of none of its own: one resource as a string, several as an array', async () => {
    const signer = await signerOf('k')
    const written = async (resource: string[] | undefined) =>
      await signIdJag(
        {
          ...claims,
          resource,
          scope: undefined,
          userClaims: { email: 'e', iss: 'https://evil', tenant: 'evil', aud_sub: 'evil' },
        },
        signer,
      )
    expect(headerOf(await written(undefined))).toEqual({ alg: 'ES256', kid: 'k', typ: 'oauth-id-jag+jwt' })
    expect(claimsOf(await written(undefined))).toEqual({ ...claims, email: 'e' })
    expect(claimsOf(await written(['r'])).resource).toBe('r')
    expect(claimsOf(await written(['r', 's'])).resource).toEqual(['r', 's'])
  })

  it('[JAG-05] [JAG-10] [T-20] is read alike with strings and with arrays of one', () => {
    const read = readIdJagClaims({ ...claims, aud: ['https://b'], resource: ['r'] })
    expect(read).toEqual(readIdJagClaims({ ...claims, resource: 'r' }))
    expect(read).toMatchObject({ aud: 'https://b', resource: ['r'] })
  })

  it.each<[string, unknown, string, string]>([
    ['aud', ['x', 'y'], 'aud_mismatch', "unexpected 'aud' claim value"],
    ['aud', undefined, 'aud_mismatch', "the 'aud' claim is missing"],
    ['jti', undefined, 'malformed', "the 'jti' claim is missing"],
    ['exp', Number.POSITIVE_INFINITY, 'lifetime_too_long', 'exp is beyond every limit'],
    ['exp', 'x', 'malformed', "unexpected 'exp' claim value"],
    ['iat', Number.NEGATIVE_INFINITY, 'iat_invalid', "unexpected 'iat' claim value"],
    ['sub', '\ud800', 'malformed', "unexpected 'sub' claim value"],
    ['email', 'x'.repeat(321), 'malformed', "unexpected 'email' claim value"],
    ['resource', [''], 'resource_denied', "unexpected 'resource' claim value"],
    ['amr', [1], 'malformed', "unexpected 'amr' claim value"],
    ['authorization_details', [{}], 'details_invalid', "unexpected 'authorization_details' claim value"],
    ['act', [], 'malformed', "unexpected 'act' claim value"],
  ])('whose %s is %j is refused', (name, value, reason, message) => {
    const changed: Record<string, unknown> = { ...claims, [name]: value }
    if (value === undefined) delete changed[name]
    expect(() => readIdJagClaims(changed)).toThrow(expect.objectContaining({ name: 'JwtError', reason, message }))
  })
})
