/** Two thousand accidents: an assertion that was changed anywhere is refused, or says the same of the same person. */

import fc from 'fast-check'
import { expect, it } from 'vitest'
import { OAuthError } from '../../src/protocol/errors.ts'
import { readAssertion } from '../../src/saml/assertion.ts'
import { assertionXml, encoded, reading, responseOf, signed } from './assertions.ts'

const { rules, now } = reading()
const good = signed(assertionXml(now, { id: '_seed' }))
const expected = readAssertion(encoded(good), rules)
const pieces = [
  '<',
  '>',
  '"',
  '/',
  '&',
  ' ',
  '\n',
  '=',
  'a',
  '<!---->',
  '<x/>',
  '&#65;',
  'xmlns=""',
  '<saml:NameID>mallory</saml:NameID>',
]

it('[ATK-110] [ATK-111] a mutation of an assertion is refused, or changes nothing that is read', () => {
  const outcomes = { refused: 0, same: 0 }
  const place = fc.nat({ max: good.length - 1 })
  const change = fc.record({
    place,
    length: fc.nat({ max: 40 }),
    other: place,
    kind: fc.nat({ max: 4 }),
    piece: fc.constantFrom(...pieces),
  })
  fc.assert(
    fc.property(change, fc.boolean(), (how, inResponse) => {
      const xml = mutated(how)
      try {
        expect(readAssertion(encoded(inResponse ? responseOf(xml) : xml), rules)).toEqual(expected)
        outcomes.same += 1
      } catch (error) {
        if (!(error instanceof OAuthError)) throw error
        expect(error.code).toBe('invalid_grant')
        outcomes.refused += 1
      }
    }),
    { seed: 20261123, numRuns: 2000 },
  )
  expect(outcomes.refused).toBeGreaterThan(1500)
  expect(outcomes.same).toBeGreaterThan(0)
})

function mutated({
  place,
  length,
  other,
  kind,
  piece,
}: {
  place: number
  length: number
  other: number
  kind: number
  piece: string
}): string {
  const cut = good.slice(place, place + length)
  const without = good.slice(0, place) + good.slice(place + length)
  if (kind === 0) return without
  if (kind === 1) return good.slice(0, place) + piece + good.slice(place)
  if (kind === 2) return good.slice(0, place) + piece + good.slice(place + 1)
  if (kind === 3) return good.slice(0, place) + cut + good.slice(place)
  return without.slice(0, other) + cut + without.slice(other)
}
