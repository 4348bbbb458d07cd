/** What docs/operations.md shows can be done: its commands run, in their order, and its words are those of the program. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { main } from '../../src/cli/commands.ts'

const root = new URL('../..', import.meta.url).pathname
const page = readFileSync(join(root, 'docs/operations.md'), 'utf8')
const readme = readFileSync(join(root, 'README.md'), 'utf8')

it('opens with commands that work', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'xaa-operations-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const env = {
    ASSISTANT_SECRET: 'a-secret-of-at-least-32-characters-1',
    ACME_ASSISTANT_SECRET: 'a-secret-of-at-least-32-characters-2',
  }
  const yaml = /```yaml\n([\s\S]*?)```/.exec(readme)?.[1] ?? ''
  writeFileSync(join(folder, 'xaa.yaml'), `${yaml}\naudit: { file: audit.jsonl }\n`)
  const xaa = async (...args: string[]) => {
    let said = ''
    const say = (text: string) => {
      said += text
    }
    return {
      code: await main(args, { out: say, err: say, env: { ...env, XAA_CONFIG: join(folder, 'xaa.yaml') } }),
      said,
    }
  }
  for (const name of ['idp', 'as']) await xaa('keys', 'make', join(folder, `keys/${name}.json`))
  writeFileSync(join(folder, 'audit.jsonl'), '', { mode: 0o600 })

  const lines = (/```sh\n([\s\S]*?)```/.exec(page)?.[1] ?? '').trim().split('\n')
  expect(lines.length).toBeGreaterThan(5)
  for (const line of lines) {
    const words = [...line.matchAll(/"([^"]*)"|\S+/g)].map(([word, quoted]) => quoted ?? word)
    expect(words[0]).toBe('xaa')
    const args = words.slice(1).map((word) => (/\.(json|jsonl|yaml)$/.test(word) ? join(folder, word) : word))
    expect([line, await xaa(...args)]).toEqual([line, expect.objectContaining({ code: 0 })])
  }
})

it('names only commands, options and exports that exist', async () => {
  const io = { out: () => {}, err: () => {}, env: {} }
  for (const [, word = ''] of page.matchAll(/`?xaa ([a-z]+)/g))
    expect([word, await main([word, '--help'], io)]).toEqual([word, 0])
  const names = await import('../../src/index.ts')
  for (const name of ['statusLists', 'introspection', 'dangerouslyLocalOnly']) {
    expect(page).toContain(name)
    expect(names).toHaveProperty(name)
  }
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: object }
  for (const [, name = ''] of page.matchAll(/npm run ([a-z]+)/g)) expect(scripts).toHaveProperty(name)
})
