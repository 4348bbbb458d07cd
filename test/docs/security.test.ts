/** What docs/security.md and SECURITY.md say can be looked up: their files exist, and the cases they name are titles of tests in them. */

import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { usualLimits } from '../../src/server/config-limits.ts'
import { judgeSecret } from '../../src/server/references.ts'
import { processWarnings } from '../../src/server/start-warnings.ts'

const root = new URL('../..', import.meta.url).pathname
const read = (path: string) => readFileSync(join(root, path), 'utf8')
const page = read('docs/security.md')
const policy = read('SECURITY.md')

/** Every link of a page: its text, and the file it leads to seen from the top. */
const linksOf = (path: string) =>
  [...read(path).matchAll(/\[([^\]]+)\]\(([^)#]+)(?:#[^)]*)?\)/g)].map(([, text = '', to = '']) => ({
    text,
    to: join(dirname(path), to),
  }))

describe('the threat model', () => {
  const [, model = ''] = /\n## Threat model\n([\s\S]*?)\n## /.exec(page) ?? []
  const rows = model.split('\n').filter((line) => line.startsWith('| ') && line.includes('../test/'))
  const links = linksOf('docs/security.md').filter(({ to }) => to.startsWith('test/'))

  it('shows every surface by a test, in a row of four cells', () => {
    const table = model.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| ---'))
    expect(rows.length).toBeGreaterThan(14)
    expect(table).toHaveLength(rows.length + 1)
    for (const row of rows) expect(row.split(' | ')).toHaveLength(4)
  })

  it.each(links)('names $text where it is: $to', ({ text, to }) => {
    expect(to).toMatch(/\.test\.ts$/)
    const tests = read(to)
    expect(tests).toMatch(/\bit(\.each)?\b/)
    for (const [id] of text.matchAll(/ATK-\d{3}/g)) expect(tests).toContain(`[${id}]`)
  })
})

it('what was thrown at it was two million inputs or more, and none of them came through or hurt anybody', () => {
  const [, thrown = ''] = /\n## What was thrown at it\n([\s\S]*?)\n## /.exec(page) ?? []
  const [, inputs = ''] = /: ([\d ]+) inputs in /.exec(thrown) ?? []
  expect(Number(inputs.replaceAll(' ', ''))).toBeGreaterThanOrEqual(2_000_000)
  const measured = thrown.split('\n').filter((line) => / \| (0|2 × [\d.]+ ms.*|50 ms) \| /.test(line))
  expect(measured).toHaveLength(4)
  for (const line of measured) expect(line).not.toContain('not held')
})

it('the pages lead only to files that exist, and the README leads to them', () => {
  const links = [...linksOf('docs/security.md'), ...linksOf('SECURITY.md')]
  expect(links.filter(({ to }) => !existsSync(join(root, to)))).toEqual([])
  expect(linksOf('README.md').map(({ to }) => to)).toEqual(expect.arrayContaining(['docs/security.md', 'SECURITY.md']))
})

it('the figures of the pages are those of the software', () => {
  const strict = { development: false, clientSecret: true }
  expect(page).toContain('fewer than 32 characters, or fewer than 8 different ones')
  expect(judgeSecret('abcdefgh'.repeat(4), strict)).toBeUndefined()
  expect(judgeSecret('abcdefgh'.repeat(4).slice(1), strict)?.message).toContain('32 characters')
  expect(judgeSecret('abcdefg'.repeat(5), strict)?.message).toContain('8 different')
  const versions = policy.match(/\d+\.\d+\.\d+/g) ?? []
  expect(versions).toHaveLength(3)
  for (const nodeVersion of versions) {
    expect(processWarnings({ nodeVersion, userId: 1 })).toEqual([])
    const before = nodeVersion.replace(/\d+$/, (patch) => String(Number(patch) - 1))
    expect(processWarnings({ nodeVersion: before, userId: 1 })).toHaveLength(1)
  }
  const operations = read('docs/operations.md')
  for (const [name, value] of Object.entries(usualLimits)) expect(operations).toMatch(new RegExp(`${name}: ${value} `))
})
