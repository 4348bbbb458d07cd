/** The table of attacks is whole and true: it has every id, and rows and tests agree in both directions. */

import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { testTitles } from '../../scripts/requirements/test-titles.ts'
import { type Elsewhere, rows } from './rows.ts'

const root = new URL('../../', import.meta.url)

const two = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, at) => `T${String(from + at).padStart(2, '0')}`)
const expected = [
  ...Array.from({ length: 137 }, (_, at) => `ATK-${String(at + 1).padStart(3, '0')}`),
  ...[...two(1, 8), ...two(10, 20), ...two(29, 45), ...two(50, 66), ...two(70, 89)],
]
const shown = testTitles(root).flatMap(({ file, ids }) =>
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

/** Whether a file of tests uses the one contract of refusals, itself or through what it imports from here. */
function isUnderContract(file: URL, seen = new Set<string>()): boolean {
  if (file.pathname.endsWith('/test/fixture/contract.ts')) return true
  if (seen.has(file.href) || !file.pathname.includes('/test/')) return false
  seen.add(file.href)
  const imports = [...readFileSync(file, 'utf8').matchAll(/ from '(\.[^']+\.ts)'/g)]
  return imports.some(([, path = '']) => isUnderContract(new URL(path, file), seen))
}

const filesOf = (id: string) => shown.filter((one) => one.id === id).map(({ file }) => file)

it('a row is shown by requests over sockets, under the one contract, unless it says where else', () => {
  const elsewhere = [...rows].filter(([, { why, shown: there }]) => why === undefined && there === undefined)
  const missing = elsewhere.filter(([id]) => !filesOf(id).some((file) => isUnderContract(new URL(file, root))))
  expect(missing.map(([id]) => id)).toEqual([])
})

const places: { [where in Elsewhere]: RegExp } = {
  'at start': /^test\/(attacks\/unsafe-start|server\/config|store\/redis\/faults)\.test\.ts$/,
  'at the end of a process': /^test\/faults\/kills\.test\.ts$/,
  'at the API': /^test\/(attacks|resource)\//,
  'in the administration': /^test\/server\/admin\.test\.ts$/,
  'in the browser': /^test\/interactive\/sign-in\//,
  'in the client': /^test\/client\//,
  'in the verifiers': /^test\/attacks\/wycheproof\.test\.ts$/,
  'on the command line': /^test\/cli\//,
}

it('a row that is shown elsewhere is shown there', () => {
  const missing = [...rows].filter(
    ([id, { shown: where }]) => where !== undefined && !filesOf(id).some((file) => places[where].test(file)),
  )
  expect(missing.map(([id]) => id)).toEqual([])
})
