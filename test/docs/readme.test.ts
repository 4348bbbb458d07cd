/** What the README shows is true: its configuration is accepted, its commands and files exist. */

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { main } from '../../src/cli/commands.ts'

const root = new URL('../..', import.meta.url).pathname
const readme = readFileSync(join(root, 'README.md'), 'utf8')
const scripts = (
  JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: { [name: string]: string } }
).scripts

describe('the README', () => {
  let folder: string
  const printed: string[] = []
  const env = {
    ASSISTANT_SECRET: 'a-secret-of-at-least-32-characters-1',
    ACME_ASSISTANT_SECRET: 'a-secret-of-at-least-32-characters-2',
  }
  const xaa = (...args: string[]) =>
    main(args, { out: (text) => printed.push(text), err: (text) => printed.push(text), env })

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'xaa-readme-'))
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  it('shows a first configuration that xaa serve --check accepts, and refuses without its secret', async () => {
    const yaml = /```yaml\n([\s\S]*?)```/.exec(readme)?.[1] ?? ''
    writeFileSync(join(folder, 'xaa.yaml'), yaml)
    for (const name of ['idp', 'as']) expect(await xaa('keys', 'make', join(folder, `keys/${name}.json`))).toBe(0)
    expect([await xaa('serve', '--check', '--config', join(folder, 'xaa.yaml')), printed.join('')]).toEqual([
      0,
      expect.stringContaining('can be used'),
    ])
    writeFileSync(join(folder, 'other.yaml'), yaml.replace('{ env: ASSISTANT_SECRET }', '{ env: NOT_SET }'))
    expect(await xaa('serve', '--check', '--config', join(folder, 'other.yaml'))).toBe(1)
    expect(printed.join('')).toContain('NOT_SET')
  })

  it('names only npm commands and files that exist', () => {
    const commands = [...readme.matchAll(/npm (?:run (?:-s )?)([\w:-]+)/g)].map((match) => match[1] ?? '')
    expect(commands.length).toBeGreaterThan(2)
    expect(commands.filter((name) => scripts[name] === undefined)).toEqual([])
    const links = [...readme.matchAll(/\]\(([^)]+)\)/g)].map((match) => match[1] ?? '')
    expect(links.filter((path) => !existsSync(join(root, path)))).toEqual([])
  })

  it('names only xaa commands that exist', async () => {
    const words = new Set([...readme.matchAll(/`xaa ([a-z]+)/g)].map((match) => match[1] ?? ''))
    expect(words.size).toBeGreaterThan(1)
    for (const word of words) expect([word, await xaa(word, '--help')]).toEqual([word, 0])
  })
})
