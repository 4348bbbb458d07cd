/** The titles of the tests, read from their files without running them: `[ID]` in a title says which rule the test shows. */

import { readdirSync, readFileSync } from 'node:fs'

/** One title: of a test, of a group of tests, or of one row of a table of tests. */
export interface TestTitle {
  /** From the root of the repository, with `/`. */
  file: string
  title: string
  /** Every id that stands in brackets in the title, such as `JAG-01`. */
  ids: readonly string[]
}

/** A title stands first: in a test, in a group, behind a table, or in a row of a table. Tests that are skipped show nothing. */
const titles =
  /(?:\b(?:it|describe)\(|\)\(|(?<=^[ \t]*|[[,(]\s*)\[)\s*('(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`)/gm
const comments = /^[ \t]*(?:\/\/.*|\/\*[\s\S]*?\*\/)/gm
const ids = /\[([A-Z][A-Z0-9]*(?:-[A-Z0-9]+)+|T\d\d)\]/g

/** The titles of one test file that have an id, in their order. Template literals are given as they are written. */
export function titlesOf(file: string, text: string): TestTitle[] {
  return [...text.replace(comments, '').matchAll(titles)]
    .map(([, literal = '']) => literal.slice(1, -1).replace(/\\(['"`])/g, '$1'))
    .map((title) => ({ file, title, ids: [...title.matchAll(ids)].map(([, id = '']) => id) }))
    .filter((one) => one.ids.length > 0)
}

/** The titles of every `*.test.ts` below `test/` that have an id, by file name and then in their order. */
export function testTitles(root: URL): TestTitle[] {
  return readdirSync(new URL('test/', root), { recursive: true, encoding: 'utf8' })
    .map((path) => `test/${path.replaceAll('\\', '/')}`)
    .filter((file) => file.endsWith('.test.ts'))
    .sort()
    .flatMap((file) => titlesOf(file, readFileSync(new URL(file, root), 'utf8')))
}

/** What a title says to a reader, without its ids and placeholders. */
export function withoutIds(title: string): string {
  return title
    .replace(/\s*\[[A-Z][A-Z0-9]*(?:-[A-Z0-9]+)*\]\s*/g, ' ')
    .replace(/%[sdij]|\$\{[^}]*\}|\$[a-z]\w*/g, '…')
    .trim()
}
