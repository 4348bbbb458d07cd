/** A configuration with both roles that can be used, in a folder of its own, for tests to change one thing at a time. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose'
import { stringify } from 'yaml'
import { writeKeyFile } from '../../src/server/key-files.ts'

export const environment = {
  ASSISTANT_SECRET: 'assistant-secret-0123456789-0123456789',
  CHAT_SECRET: 'chat-secret-0123456789-0123456789-0123',
  PAIRWISE: 'pairwise-secret-0123456789-0123456789',
  SHORT: 'too-short',
  ODD: 'percent-%-and-plus-+-0123456789-0123456789',
}

export const example = {
  idp: {
    issuer: 'https://id.acme.example',
    keys: 'idp.json',
    subjectIssuers: [{ issuer: 'https://login.example.com/tenant/v2.0', users: 'token' }],
    clients: [
      {
        id: 'assistant',
        authMethods: ['client_secret_basic', 'private_key_jwt'],
        secret: { env: 'ASSISTANT_SECRET' },
        jwks: { file: 'assistant.json' },
        clientIdAt: { 'https://login.example.com/tenant/v2.0': 'assistant at login' },
        assertionAudienceAlso: 'tokenEndpoint',
      },
    ],
    resourceServers: [
      {
        issuer: 'https://auth.chat.example',
        resources: ['https://api.chat.example/mcp'],
        aliases: ['chat'],
      },
    ],
    connections: [
      {
        client: 'assistant',
        audience: 'https://auth.chat.example',
        clientId: 'assistant-at-chat',
        scopes: ['chat.read', { name: 'chat.write', groups: ['writers'] }],
        everyone: true,
        signIn: { acr: ['strong'], maxAge: 3600 },
      },
    ],
  },
  resourceAs: {
    issuer: 'https://auth.chat.example',
    keys: 'chat.json',
    resources: [{ resource: 'https://api.chat.example/mcp', scopes: ['chat.read', 'chat.write'] }],
    clients: [
      {
        id: 'assistant-at-chat',
        authMethods: ['client_secret_post'],
        secret: { file: 'chat-secret' },
        scopes: ['chat.read', 'chat.write'],
        resources: ['https://api.chat.example/mcp'],
      },
    ],
    trustedIssuers: [{ issuer: 'https://id.acme.example', clients: ['assistant-at-chat'] }],
    accounts: [
      {
        id: 'a-1',
        email: 'alice@acme.example',
        links: [{ issuer: 'https://id.acme.example', sub: 'alice' }],
      },
    ],
  },
}

/** A private JWK with its id. */
export async function newKey(alg = 'ES256'): Promise<JWK> {
  const { privateKey } = await generateKeyPair(alg, { extractable: true })
  const jwk = await exportJWK(privateKey)
  return { ...jwk, kid: await calculateJwkThumbprint(jwk), use: 'sig', alg }
}

export interface Folder {
  path: string
  /** Writes a configuration, an object or YAML as it is, and gives its path. */
  write(config: unknown): Promise<string>
  remove(): Promise<void>
}

/** A folder with every file that the example names. */
export async function exampleFolder(): Promise<Folder> {
  const path = await mkdtemp(join(tmpdir(), 'xaa-config-'))
  for (const name of ['idp.json', 'chat.json'])
    await writeKeyFile(join(path, name), { keys: [await newKey()] }, { onlyNew: true })
  const { d: _private, ...publicKey } = await newKey()
  await writeFile(join(path, 'assistant.json'), JSON.stringify({ keys: [publicKey] }))
  await writeFile(join(path, 'chat-secret'), `${environment.CHAT_SECRET}\n`, { mode: 0o600 })
  return {
    path,
    async write(config) {
      const file = join(path, 'xaa.yaml')
      await writeFile(file, typeof config === 'string' ? config : stringify(config, { aliasDuplicateObjects: false }))
      return file
    },
    remove: () => rm(path, { recursive: true }),
  }
}

/** The example with the value at one path replaced, added, or (undefined) taken away. */
export function changed(path: string, value: unknown, base: object = example): { [key: string]: unknown } {
  const copy = structuredClone(base) as { [key: string]: unknown }
  const steps = path.split('.')
  const last = steps.pop() ?? ''
  const parent = steps.reduce<{ [key: string]: unknown }>(
    (inside, step) => inside[step] as { [key: string]: unknown },
    copy,
  )
  if (value === undefined) delete parent[last]
  else parent[last] = value
  return copy
}
