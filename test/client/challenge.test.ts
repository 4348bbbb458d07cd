/** Reading the challenges of RFC 9110 §11.6.1. */

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { tokenChallenge } from '../../src/client/challenge.ts'

function read(...lines: string[]) {
  const headers = new Headers()
  for (const line of lines) headers.append('www-authenticate', line)
  const found = tokenChallenge(new Response(null, { status: 401, headers }))
  return found === undefined ? undefined : Object.fromEntries(found)
}

describe('a Bearer challenge', () => {
  it.each<[string, string[], { [name: string]: string } | undefined]>([
    ['alone', ['Bearer'], {}],
    [
      'with quoted and bare values',
      ['bearer Scope="a b", error=invalid_token'],
      { scope: 'a b', error: 'invalid_token' },
    ],
    ['with escapes', ['Bearer error_description="say \\"a\\\\b\\""'], { error_description: 'say "a\\b"' }],
    ['after another', ['Basic realm="Bearer x=y", charset="UTF-8", Bearer scope=a'], { scope: 'a' }],
    ['in a header line of its own', ['Negotiate YWJj==', 'DPoP algs="ES256"', 'Bearer scope=a'], { scope: 'a' }],
    ['first of two', ['Bearer scope=a', 'Bearer scope=b'], { scope: 'a' }],
    ['not there', ['Basic realm="x"'], undefined],
    ['with a parameter twice', ['Bearer scope=a, scope=b'], undefined],
    ['cut off', ['Bearer scope="a'], undefined],
    ['followed by what is no word', ['Bearer scope=a, "b"'], undefined],
    ['after a parameter of nothing', ['scope=a, Bearer scope=b'], undefined],
    ['with no header at all', [], undefined],
  ])('%s', (_, lines, expected) => {
    expect(read(...lines)).toEqual(expected)
  })

  it('is never read from text that breaks off, and no text makes the reader throw', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'Bearer scope="a\\", =') }), (text) => {
        expect(() => read(text)).not.toThrow()
      }),
    )
  })
})
