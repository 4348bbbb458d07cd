/** Encrypted ID-JAGs and protected discovery as an operator switches them on, and what is wrong with a configuration about them. */

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { decodeProtectedHeader } from 'jose'
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { main } from '../../src/cli/commands.ts'
import { decryptionKeysOf } from '../../src/protocol/encryption-keys.ts'
import { readConfig } from '../../src/server/config.ts'
import { readPrivateKeys } from '../../src/server/key-files.ts'
import { newPrivateKey } from '../../src/server/key-rotation.ts'
import { ConfigError } from '../../src/server/problems.ts'
import { deploy } from './deployment.ts'
import { changed, environment, exampleFolder, type Folder } from './example.ts'

let folder: Folder
beforeEach(async () => {
  folder = await exampleFolder()
  const silent = { out: () => {}, err: () => {}, env: {} }
  const made = await main(['keys', 'make', join(folder.path, 'open.json'), '--alg', 'ECDH-ES+A256KW'], silent)
  expect(made).toBe(0)
  const [key] = await decryptionKeysOf(await readPrivateKeys(join(folder.path, 'open.json')))
  await writeFile(join(folder.path, 'public.json'), JSON.stringify({ keys: [key?.published] }))
})
afterEach(() => folder.remove())

const on = { 'jwe-support': true }
const read = async (config: object) => await readConfig(await folder.write(config), environment)
const problemsOf = async (config: object): Promise<string> => {
  const error = await read(config).catch((cause: unknown) => cause)
  if (!(error instanceof ConfigError)) return 'none'
  return error.problems.map(({ path, message, remedy }) => `${path} ${message} (${remedy})`).join('; ')
}
/** The example with encryption on both sides. */
const encrypting = (key: unknown = 'metadata', encryption: object = { keys: 'open.json' }) => {
  const there = changed('resourceAs.encryption', encryption, changed('resourceAs.branches', on))
  return changed('idp.resourceServers.0.encryption', key, changed('idp.branches', on, there))
}

describe('a configuration', () => {
  it('[FL-JWE-01] names the keys of both sides, and demands nothing unless it says so', async () => {
    const { idp, resourceAs } = await read(encrypting())
    expect(idp?.resourceServers[0]?.encryption).toBe('metadata')
    expect(resourceAs?.encryption).toMatchObject({ keys: [{ alg: 'ECDH-ES+A256KW' }], required: false })
    const { idp: other } = await read(encrypting({ file: 'public.json' }))
    expect(other?.resourceServers[0]?.encryption).toMatchObject({ alg: 'ECDH-ES+A256KW', enc: 'A256GCM' })
  })

  it.each<[string, () => object, RegExp]>([
    [
      'encryption without the branch',
      () => changed('resourceAs.branches', undefined, changed('idp.branches', {}, encrypting())),
      /idp\.resourceServers\[0\]\.encryption needs the branch jwe-support .*; resourceAs\.encryption needs the branch/,
    ],
    ['signing keys to open with', () => encrypting('metadata', { keys: 'chat.json' }), /has no alg of ECDH-ES\+A256KW/],
    ['keys that are not there', () => encrypting('metadata', { keys: 'none.json' }), /does not exist/],
    [
      'a private key of the other side',
      () => encrypting({ file: 'open.json' }),
      /open\.json, which holds a private or symmetric key/,
    ],
    [
      'a key of the other side for signatures',
      () => encrypting({ file: 'assistant.json' }),
      /which holds no key that can be used/,
    ],
    ['a file that is not there', () => encrypting({ file: 'none.json' }), /none\.json, which cannot be read/],
    ['another word', () => encrypting('yes'), /encryption must be/],
  ])('with %s is refused, and says where', async (_, config, message) => {
    expect(await problemsOf(config())).toMatch(message)
    await expect(read(encrypting())).resolves.toBeDefined()
  })
})

describe('servers of that configuration', () => {
  it('[FL-JWE-01] [META-08] encrypt and open ID-JAGs, and tell a client what it could get with them', async () => {
    const discovery = { discovery: true, encryption: { keys: 'open.json', required: true }, branches: on }
    const world = await deploy(1, {
      idp: (idp) => ({
        ...idp,
        branches: on,
        resourceServers: idp.resourceServers.map((server) => ({ ...server, encryption: 'metadata' })),
      }),
      resourceAs: (server) => ({ ...server, ...discovery }),
      files: { 'open.json': { keys: [await newPrivateKey('RSA-OAEP-256')] } },
    })
    onTestFinished(() => world.close())
    const { body } = await world.exchange(0, await world.idToken())
    expect(decodeProtectedHeader(String(body.access_token))).toMatchObject({ alg: 'RSA-OAEP-256', cty: 'JWT' })
    expect((await world.redeem(0, body.access_token)).body).toMatchObject({ token_type: 'Bearer' })

    const document = await fetch(`${world.chat}/.well-known/oauth-authorization-server`)
    const metadata = (await document.json()) as { xaa_discovery_endpoint: string }
    expect(metadata).toMatchObject({
      id_jag_encryption_required: true,
      xaa_discovery_endpoint: `${world.chat}/discover`,
    })
    const credentials = { client_id: 'assistant-at-chat', client_secret: environment.CHAT_SECRET }
    const ask = async (issuer: string) => {
      const form = new URLSearchParams({ issuer, ...credentials })
      return await (await fetch(metadata.xaa_discovery_endpoint, { method: 'POST', body: form })).json()
    }
    expect(await ask(world.idp)).toEqual({
      accepted: true,
      resources: [{ resource: 'https://api.chat.example/mcp', scope: 'chat.read chat.write' }],
    })
    expect(await ask('https://id.other.example')).toEqual({ accepted: false })
  })
})
