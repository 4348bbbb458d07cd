/** The client's configuration file: what it gives, and how its problems are told. */

import { exportJWK, generateKeyPair } from 'jose'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readClientConfig } from '../../src/cli/client-config.ts'
import { writeKeyFile } from '../../src/server/key-files.ts'
import { type ConfigError, printProblems } from '../../src/server/problems.ts'
import { type Folder, folder } from './command-line.ts'

let files: Folder
beforeEach(async () => {
  files = await folder()
})
afterEach(() => files.remove())

const good = `identityProvider:
  issuer: https://id.acme.example
  tokenEndpoint: https://id.acme.example/oauth2/v1/token
  client: { id: assistant, method: client_secret_basic, secret: { env: ACME_SECRET } }
resourceServers:
  - issuer: https://auth.chat.example
    client: { id: assistant-at-chat, method: private_key_jwt, key: { file: chat.json }, assertionAudience: token-endpoint }
    scopes: [chat.read, chat.write]
    resources: [https://api.chat.example/mcp]
subject:
  refreshToken: { file: refresh-token }
`
const environment = { ACME_SECRET: 'short' }

async function problemsOf(text: string, variables = {}): Promise<string> {
  const path = await files.write('xaa-client.yaml', text)
  return await readClientConfig(path, variables).then(
    () => 'no problem',
    (error: ConfigError) => printProblems(error),
  )
}

async function writeGood(): Promise<string> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  await writeKeyFile(
    files.path('chat.json'),
    { keys: [{ ...(await exportJWK(privateKey)), alg: 'ES256', kid: 'k' }] },
    { onlyNew: true },
  )
  await files.write('refresh-token', 'kept-refresh-token\n')
  return await files.write('xaa-client.yaml', good)
}

describe('a client configuration', () => {
  it('names the client at both servers and what is kept of the sign-in', async () => {
    const { identityProvider, resourceServers, subject } = await readClientConfig(await writeGood(), environment)
    expect(identityProvider).toMatchObject({
      issuer: 'https://id.acme.example',
      tokenEndpoint: 'https://id.acme.example/oauth2/v1/token',
      client: { id: 'assistant' },
    })
    expect(resourceServers).toMatchObject({
      'https://auth.chat.example': {
        client: { id: 'assistant-at-chat' },
        scope: 'chat.read chat.write',
        resources: ['https://api.chat.example/mcp'],
      },
    })
    expect([await subject.idToken?.(), await subject.refreshToken?.()]).toEqual([undefined, 'kept-refresh-token'])
  })

  it('is told all of its problems at once, with their lines', async () => {
    const report = await problemsOf(`identityProvider:
  issuer: http://id.acme.example
  client: { id: assistant, method: client_secret_basic }
resourceServers:
  - issuer: https://auth.chat.example
    client: { id: a, methode: private_key_jwt }
subject: {}
`)
    expect(report).toContain('5 problems')
    expect(report).toMatch(/identityProvider\.issuer +must be an https address +xaa-client\.yaml:2/)
    expect(report).toMatch(/identityProvider\.client +has no secret +xaa-client\.yaml:3/)
    expect(report).toMatch(/resourceServers\[0\]\.client\.method +is missing +xaa-client\.yaml:6/)
    expect(report).toMatch(/methode +is not a known key +xaa-client\.yaml:6, did you mean "method"\?/)
    expect(report).toMatch(/subject +names no token of the person +xaa-client\.yaml:7/)
  })

  it('holds no secret and no token, unless every issuer is loopback', async () => {
    await writeGood()
    const literal = good
      .replace('{ env: ACME_SECRET }', 'written-out')
      .replace('{ file: refresh-token }', 'written-out')
    const report = await problemsOf(literal, environment)
    expect(report).toContain('2 problems')
    expect(report).toMatch(/identityProvider\.client\.secret +must not be written into the file/)
    expect(report).not.toContain('written-out')
    const mixed = literal.replaceAll('https://id.acme.example', 'http://127.0.0.1:1')
    expect(await problemsOf(mixed, environment)).toContain('2 problems')
    expect(await problemsOf(mixed.replace('https://auth.chat.example', 'http://127.0.0.1:2'), environment)).toBe(
      'no problem',
    )
  })

  it('says which variable or file is not there', async () => {
    await writeGood()
    expect(await problemsOf(good)).toContain('names the variable ACME_SECRET, which is not set')
    expect(await problemsOf(good.replace('refresh-token', 'nowhere'), environment)).toContain(
      'names the file nowhere, which cannot be read',
    )
    expect(await problemsOf(good.replace('chat.json', 'nowhere.json'), environment)).toContain(
      'names the file nowhere.json',
    )
    await expect(readClientConfig(files.path('none.yaml'), {})).rejects.toMatchObject({
      problems: [{ message: 'does not exist' }],
    })
  })

  it('names each server once, and credentials that fit the method', async () => {
    await writeGood()
    const entry = good.slice(good.indexOf('  - issuer'), good.indexOf('subject'))
    expect(await problemsOf(good.replace(entry, entry + entry), environment)).toContain(
      'names https://auth.chat.example twice',
    )
    expect(
      await problemsOf(good.replace('method: private_key_jwt', 'method: client_secret_post'), environment),
    ).toContain('has a key, which client_secret_post')
    expect(
      await problemsOf(good.replace('method: client_secret_basic', 'method: private_key_jwt'), environment),
    ).toContain('has a secret, which private_key_jwt')
  })

  it.each(['', '[]', 'identityProvider: [null]', 'resourceServers: [null]', 'a: &a 1\nb: *a', '{', 'subject: 7'])(
    'of nonsense (%j) is told as problems',
    async (text) => {
      expect(await problemsOf(text)).toMatch(/^The configuration cannot be used/)
    },
  )

  it('may name the key that everything is bound to, and it must be one for proofs', async () => {
    await writeGood()
    const withKey = (file: string) => `${good}dpop: { key: { file: ${file} } }\n`
    const path = await files.write('bound.yaml', withKey('chat.json'))
    expect((await readClientConfig(path, environment)).dpop).toMatchObject({ key: { alg: 'ES256', kid: 'k' } })
    expect(await problemsOf(withKey('nowhere.json'), environment)).toContain('names the file nowhere.json, which')
    const wide = {
      ...(await exportJWK((await generateKeyPair('ES384', { extractable: true })).privateKey)),
      alg: 'ES384',
    }
    await writeKeyFile(files.path('wide.json'), { keys: [wide] }, { onlyNew: true })
    expect(await problemsOf(withKey('wide.json'), environment)).toContain('holds no key for proofs')
  })
})
