/** Claims by their table: what each kind of row takes, and that reading twice is reading once. */

import { describe, expect, it } from 'vitest'
import {
  arrayOf,
  type ClaimReader,
  isObject,
  numberClaim,
  objectClaim,
  optional,
  readClaims,
  required,
  scopeClaim,
  stringOf,
  textOf,
} from '../../src/protocol/claims.ts'

describe('a reader of one claim', () => {
  it.each<[string, ClaimReader, unknown[], unknown[]]>([
    ['text', textOf(3), ['a', 'äöü'], ['', 'abcd', 'a\n', '\u007f', '\ud800', 1, null, ['a']]],
    ['a string', stringOf(3), ['', 'a\n', 'abc'], ['abcd', 1, null]],
    ['a number', numberClaim, [0, -1, 1.5], [Number.POSITIVE_INFINITY, Number.NaN, '1', null]],
    ['an array', arrayOf(stringOf(1), 2, 1), [['a'], ['a', 'b']], [[], ['a', 'b', 'c'], ['ab'], [1], 'a', { 0: 'a' }]],
    ['an object', objectClaim, [{}, { a: 1 }], [[], null, 'a', 1]],
    ['a scope', scopeClaim, ['', 'a', 'a b', ' a  b '], ['ä', 'a"b', 'a\tb', ['a'], 1]],
  ])('takes %s and nothing else', (_, read, good, bad) => {
    for (const value of good) expect(read(value)).toBe(value)
    for (const value of bad) expect(read(value)).toBeUndefined()
  })

  it('tells objects from arrays and null', () => {
    expect([{}, [], null, 'a'].map(isObject)).toEqual([true, false, false, false])
  })
})

describe('claims by rows', () => {
  const list = arrayOf(stringOf(10), 2)
  const rows = [
    required('iss', ({ iss }) => iss, textOf(10)),
    optional(
      'aud',
      ({ aud }) => aud,
      (value) => list(typeof value === 'string' ? [value] : value),
    ),
  ]

  it('are read with those that no row names, and read again are the same, also when nobody may change them any more', () => {
    const came = { iss: 'i', aud: 'a', other: { kept: true } }
    const read = { claims: { iss: 'i', aud: ['a'], other: { kept: true } } }
    expect(readClaims(came, rows)).toEqual(read)
    expect(readClaims(Object.freeze(came), rows)).toEqual(read)
    expect(readClaims({ iss: 'i' }, rows)).toEqual({ claims: { iss: 'i' } })
  })

  it.each([
    ['a required one is missing', { aud: 'a' }, 'iss'],
    ['a required one is wrong, and another one too', { iss: '', aud: 1 }, 'iss'],
    ['an optional one is wrong', { iss: 'i', aud: 1 }, 'aud'],
    ['an optional one is null', { iss: 'i', aud: null }, 'aud'],
  ])('name the first that is not as it must be: %s', (_, claims, fault) => {
    expect(readClaims(claims, rows)).toEqual({ fault })
  })
})
