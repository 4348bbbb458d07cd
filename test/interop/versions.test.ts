/** The table of docs/interop.md: it says which versions ran, so it must say what package.json says. */

import { readdirSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

const root = new URL('../../', import.meta.url)
const { dependencies, devDependencies } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as {
  [kind in 'dependencies' | 'devDependencies']: { [name: string]: string }
}
const installed: { [name: string]: string } = { ...dependencies, ...devDependencies }
const rows = [...readFileSync(new URL('docs/interop.md', root), 'utf8').matchAll(/^\| `([^`]+)` \| (\d[^ ]*) \|/gm)]
const table = Object.fromEntries(rows.map(([, name = '', version = '']) => [name, version]))

it('names the versions that package.json installs', () => {
  expect(Object.keys(table)).not.toEqual([])
  expect(table).toEqual(Object.fromEntries(Object.keys(table).map((name) => [name, installed[name]])))
})

it('has a row for every foreign library that these tests run', () => {
  // The frame of every test of ours, and no party to the flow.
  const frame = ['vitest', 'jose', 'fastify']
  const folder = new URL('test/interop/', root)
  const texts = readdirSync(folder).map((name) => readFileSync(new URL(name, folder), 'utf8'))
  const run = texts.flatMap((text) => [...text.matchAll(/ from '(@?[a-z][^']*)'/g)].map(([, name = '']) => name))
  const foreign = new Set(run.filter((name) => !name.startsWith('node:') && !frame.includes(name)))
  // The world brings the last one.
  expect([...foreign, '@modelcontextprotocol/server'].sort()).toEqual(Object.keys(table).sort())
})
