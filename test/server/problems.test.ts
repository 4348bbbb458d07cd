import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { ConfigError, foundText, pathText, printProblems } from '../../src/server/problems.ts'
import { nearest } from '../../src/server/spelling.ts'
import { environmentExample } from '../../src/server/variables.ts'

describe('the report of problems', () => {
  it('stands in columns: path, fact, place, what was found, and below what to do', () => {
    const error = new ConfigError([
      {
        path: 'idp.issuer',
        message: 'must be an https address',
        place: 'xaa.yaml:2',
        found: '"http://idp.local"',
        remedy: 'for local work use http://127.0.0.1 or http://localhost',
      },
      {
        path: 'idp.connections[0].scope',
        message: 'is not a known key',
        place: 'xaa.yaml:7',
        remedy: 'did you mean "scopes"?',
      },
      { path: '', message: 'is empty', place: 'XAA_STORE' },
    ])
    expect(printProblems(error, 'The same check without starting: xaa serve --check')).toBe(
      `The configuration cannot be used: 3 problems.

  idp.issuer                must be an https address  xaa.yaml:2, found "http://idp.local"
                            for local work use http://127.0.0.1 or http://localhost
  idp.connections[0].scope  is not a known key        xaa.yaml:7, did you mean "scopes"?
  the file                  is empty                  XAA_STORE

The same check without starting: xaa serve --check
`,
    )
  })

  it('writes paths as people do', () => {
    expect(pathText(['idp', 'connections', 0, 'scopes', 1, 'name'])).toBe('idp.connections[0].scopes[1].name')
  })

  it('shows what was found on one short line and without credentials', () => {
    expect(foundText('redis://user:word@cache')).toBe('"redis://…@cache"')
    expect(foundText('a\n\u2028\u009bb')).toBe('"a\\n??b"')
    expect(foundText('x'.repeat(500))).toHaveLength(81)
    expect([foundText([]), foundText({}), foundText(null), foundText(5)]).toEqual(['a list', 'a mapping', 'null', '5'])
  })
})

describe('the nearest known word', () => {
  it.each([
    ['scope', 'scopes'],
    ['SCOPES', 'scopes'],
    ['clinet', 'client'],
  ])('to %s is %s', (word, meant) => {
    expect(nearest(word, ['scopes', 'client', 'audience'])).toBe(meant)
  })

  it('to a word of another kind is none', () => {
    expect(nearest('zebra', ['scopes', 'client', 'audience'])).toBeUndefined()
  })
})

it('the file .env.example is what the table of variables says', async () => {
  const file = await readFile(new URL('../../.env.example', import.meta.url), 'utf8')
  expect(file).toBe(environmentExample())
})
