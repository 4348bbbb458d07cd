/** What docs/refresh-tokens.md shows is a configuration that can be used, and a call that the client library has. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { parse, stringify } from 'yaml'
import { main } from '../../src/cli/commands.ts'
import { clientSecretBasic, createCrossAppClient } from '../../src/client/client.ts'

const root = new URL('../..', import.meta.url).pathname
const page = readFileSync(join(root, 'docs/refresh-tokens.md'), 'utf8')
const readme = readFileSync(join(root, 'README.md'), 'utf8')
const block = (text: string) => parse(/```yaml\n([\s\S]*?)```/.exec(text)?.[1] ?? '')

it('opens with what is laid over the configuration of the README', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'xaa-refresh-tokens-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const usual = block(readme)
  const { idp } = block(page)
  expect(idp.connections[0]).toMatchObject(usual.idp.connections[0])
  writeFileSync(join(folder, 'xaa.yaml'), stringify({ ...usual, idp: { ...usual.idp, ...idp } }))
  const env = {
    ASSISTANT_SECRET: 'a-secret-of-at-least-32-characters-1',
    ACME_ASSISTANT_SECRET: 'a-secret-of-at-least-32-characters-2',
  }
  let said = ''
  const say = (text: string) => {
    said += text
  }
  const xaa = async (...args: string[]) => await main(args, { out: say, err: say, env })
  for (const name of ['idp', 'as']) await xaa('keys', 'make', join(folder, `keys/${name}.json`))
  expect([await xaa('serve', '--check', '--config', join(folder, 'xaa.yaml')), said]).toEqual([0, expect.any(String)])
})

it('names a call that there is', () => {
  const client = createCrossAppClient({
    identityProvider: { issuer: 'https://id.acme.example', client: clientSecretBasic('assistant', 'secret') },
    resourceServers: {},
    subject: {},
  })
  expect(page).toContain('client.requestRefreshToken({ idToken })')
  expect(client.requestRefreshToken).toBeTypeOf('function')
})
