/** The rows of foreign software and the table of docs/interop.md: they say what runs, so they must be what runs. */

import { readdirSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { rows, table } from './rows.ts'

const root = new URL('../../', import.meta.url)
const read = (path: string) => readFileSync(new URL(path, root), 'utf8')
const sources = readdirSync(new URL('test/interop/', root), { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts') && path !== 'rows.ts')
  .map((path) => ({ path, text: read(`test/interop/${path}`) }))
const fromNpm = rows.filter(({ from }) => from === 'npm')

it('the table in the documentation is made of the rows', () => {
  expect(read('docs/interop.md')).toContain(`\n${table()}\n`)
})

it('a row from npm names the version that package.json installs', () => {
  const { dependencies, devDependencies } = JSON.parse(read('package.json')) as {
    [kind in 'dependencies' | 'devDependencies']: { [name: string]: string }
  }
  const installed: { [name: string]: string } = { ...dependencies, ...devDependencies }
  for (const { software, version } of fromNpm) expect([software, version]).toEqual([software, installed[software]])
})

it('every test file says which rows it runs, and no row names another file', () => {
  const claimed = sources
    .filter(({ path }) => path.endsWith('.test.ts') && path !== 'rows.test.ts')
    .flatMap(({ path, text }) => {
      const [, names = ''] = /^runsIn\(import\.meta\.url, ([^)]*)\)/m.exec(text) ?? []
      return [...names.matchAll(/'([^']+)'/g)].map(([, name]) => `${name} in ${path.replace('.test.ts', '')}`)
    })
  expect(claimed.sort()).toEqual(
    rows.flatMap(({ software, tests }) => tests.map((file) => `${software} in ${file}`)).sort(),
  )
  expect(sources.filter(({ path, text }) => path.endsWith('.test.ts') && !text.includes('./rows.ts'))).toEqual([])
})

it('every library that these files import has a row', () => {
  // The frame of every test of ours, and no party to the flow.
  const frame = ['vitest', 'jose', 'fastify']
  const imported = sources
    .flatMap(({ text }) => [...text.matchAll(/ from '(@?[a-z][^']*)'/g)])
    .map(([, specifier = '']) => /^(@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? '')
    .filter((name) => !name.startsWith('node:') && !frame.includes(name))
  const names = fromNpm.map(({ software }) => software)
  // The world brings the server, and the suite is run as a command.
  const brought = ['@modelcontextprotocol/server', '@modelcontextprotocol/conformance']
  expect([...new Set([...imported, ...brought])].sort()).toEqual(names.sort())
})
