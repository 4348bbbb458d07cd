/** What docs/one-url.md shows is true: its commands run, its configuration serves what it says, its document is taken. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { parse, stringify } from 'yaml'
import { main } from '../../src/cli/commands.ts'
import { readClientMetadata } from '../../src/protocol/client-metadata-document.ts'

const page = readFileSync(new URL('../../docs/one-url.md', import.meta.url), 'utf8')
const block = (language: string) => new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``).exec(page)?.[1] ?? ''
const env = {
  ACME_ASSISTANT_SECRET: 'a-secret-of-at-least-32-characters-2',
  CHAT_AT_ACME_SECRET: 'a-secret-of-at-least-32-characters-3',
  COOKIE_SECRET: 'a-secret-of-at-least-32-characters-4',
}

async function inFolder(yaml: string) {
  const folder = mkdtempSync(join(tmpdir(), 'xaa-one-url-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'chat.yaml'), yaml)
  let said = ''
  const say = (text: string) => {
    said += text
  }
  const codes: number[] = []
  for (const line of block('sh').trim().split('\n')) {
    const [word, ...args] = line.split(' ')
    expect(word).toBe('xaa')
    const placed = args.map((one) => (/\.(json|yaml)$/.test(one) ? join(folder, one) : one))
    codes.push(await main(placed, { out: say, err: say, env }))
  }
  return { codes, said }
}

it('opens with commands that work on its configuration', async () => {
  const { codes, said } = await inFolder(block('yaml'))
  expect([codes, said]).toEqual([[0, 0], expect.stringContaining('can be used')])
})

it('has a part whose absence is managed only, and others that do not stand alone', async () => {
  const { resourceAs } = parse(block('yaml')) as { resourceAs: { [name: string]: unknown } }
  const { interactive: _interactive, metadataDocuments: _documents, ...managed } = resourceAs
  expect((await inFolder(stringify({ resourceAs: managed }))).codes).toEqual([0, 0])
  const { said } = await inFolder(stringify({ resourceAs: { ...managed, metadataDocuments: _documents } }))
  expect(said).toContain('lets nobody in')
})

it('shows a document that is taken, for the id that is listed', async () => {
  const text = block('json')
  const { client_id: clientId } = JSON.parse(text) as { client_id: string }
  expect(block('yaml')).toContain(clientId)
  const keysAt = () => ({ find: async () => Promise.reject(new Error('nobody asked')) })
  const source = { clientId, allowLoopback: false, keysAt }
  expect(await readClientMetadata(Buffer.from(text), source)).toMatchObject({ authMethod: 'private_key_jwt' })
})
