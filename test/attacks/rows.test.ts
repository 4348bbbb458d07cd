/** The table of attacks is whole and true: it has every id, and rows and tests agree in both directions. */

import { expect, it } from 'vitest'
import { testTitles } from '../../scripts/requirements/test-titles.ts'
import { rows } from './rows.ts'

const two = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, at) => `T${String(from + at).padStart(2, '0')}`)
const expected = [
  ...Array.from({ length: 137 }, (_, at) => `ATK-${String(at + 1).padStart(3, '0')}`),
  ...[...two(1, 8), ...two(10, 20), ...two(29, 45), ...two(50, 66), ...two(70, 89)],
]
const shown = testTitles(new URL('../../', import.meta.url)).flatMap(({ file, ids }) =>
  ids.filter((id) => /^(?:ATK-\d+|T\d+)$/.test(id)).map((id) => ({ file, id })),
)

it('it has a row for every attack and every fault of the field, and for no other', () => {
  expect([...rows.keys()]).toEqual(expected)
})

it('it says each in one sentence, and why where nothing or not all is shown', () => {
  for (const [id, { says, why = 'None.', butNot = 'None.' }] of rows)
    for (const sentence of [says, why, butNot]) expect([id, sentence]).toEqual([id, expect.stringMatching(/^\S.*\.$/)])
})

it('a row has a test exactly where it does not say why there is none', () => {
  const ids = new Set(shown.map(({ id }) => id))
  expect([...rows].filter(([id, { why }]) => ids.has(id) === (why !== undefined)).map(([id]) => id)).toEqual([])
})

it('no test is about an attack that is not there', () => {
  expect(shown.filter(({ id }) => !rows.has(id))).toEqual([])
})
