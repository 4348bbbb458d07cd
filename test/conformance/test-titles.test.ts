/** Which words of a test file are titles: what a skipped test, a comment or any other string says covers nothing. */

import { expect, it } from 'vitest'
import { titlesOf, withoutIds } from '../../scripts/requirements/test-titles.ts'

/** Brackets that are none in this file, so that no title of it is about the rules below. */
const text = (source: string) => source.replaceAll('<', '[').replaceAll('>', ']')
const idsOf = (source: string) => titlesOf('test/a.test.ts', text(source)).flatMap(({ ids }) => ids)

it.each([
  ['a test', "it('<JAG-01> <ATK-002> says so', () => {})", ['JAG-01', 'ATK-002']],
  ['a test with a long title', "it(\n  'says so <JAG-01>',\n  async () => {},\n)", ['JAG-01']],
  ['a group', "describe('the token <FL-ISS-01>', () => {})", ['FL-ISS-01']],
  ['a table of tests', "it.each([1, 2])('is refused with %i <AUTH0-01>', () => {})", ['AUTH0-01']],
  ['a row of a table', "it.each([\n  ['<JAG-01> no typ', 1],\n])('%s', () => {})", ['JAG-01']],
  ['a row of its own lines', 'it.each([\n  [\n    "<JAG-01> it’s",\n    1,\n  ],\n])', ['JAG-01']],
  ['a test about a fault of the field', "it('<T10> says so', () => {})", ['T10']],
  ['a template', 'it(`<JAG-01> says so`, () => {})', ['JAG-01']],
])('%s has a title', (_, source, ids) => {
  expect(idsOf(source)).toEqual(ids)
})

it.each([
  ['a test that is skipped', "it.skip('<JAG-01> says so', () => {})"],
  ['a test that is still to be written', "it.todo('<JAG-01> says so')"],
  ['a test in a comment', "// it('<JAG-01> says so', () => {})"],
  ['a test in a long comment', "/*\nit('<JAG-01> says so', () => {})\n*/"],
  ['an expectation', "expect(x).toBe('<JAG-01>')"],
  ['a title without an id', "it('says <JAG>, <T1> and <jag-01>', () => {})"],
])('%s has none', (_, source) => {
  expect(idsOf(source)).toEqual([])
})

it('a title is shown without its ids and placeholders', () => {
  expect(withoutIds(text('<JAG-01> <T10> %s is refused with $name <ATK-001>'))).toBe('… is refused with …')
})
