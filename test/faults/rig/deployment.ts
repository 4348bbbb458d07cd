/** What the instances of an enterprise are told: their configuration, keys and surroundings, as files and variables. */

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { JWK } from 'jose'
import { stringify } from 'yaml'
import { readConfig } from '../../../src/server/config.ts'
import { writeKeyFile } from '../../../src/server/key-files.ts'
import { newKey } from '../../server/example.ts'
import { freePort } from '../../store/redis/redis-server.ts'
import type { History } from '../checker/history.ts'
import type { EnterpriseOptions } from './enterprise.ts'
import type { IdentityProviderStub } from './identity-provider.ts'
import { type Instance, instanceOf } from './instance.ts'
import { agedStore } from './stores.ts'

export const resource = 'https://api.chat.example/mcp'
export const scope = 'chat.read'
export const subjects = ['alice', 'bob', 'carol', 'dan'] as const
export const clients = [
  { id: 'assistant-at-chat', secret: 'marked-client-secret-0123456789-0123456789' },
  { id: 'planner-at-chat', secret: 'marked-planner-secret-0123456789-0123456789' },
] as const
/** The resource as a caller of introspection. */
export const api = { id: 'chat-api', secret: 'marked-api-secret-0123456789-0123456789' } as const

const secrets = { CHAT_SECRET: clients[0].secret, PLANNER_SECRET: clients[1].secret, API_SECRET: api.secret }

/** Instances that were described and not started. */
export interface Deployment {
  issuer: string
  instances: Instance[]
  /** Of each instance's configuration, without what administrators change. */
  policyVersions: string[]
  secrets: History['secrets']
  configFile: string
  keyFile: string
  stateFolder: string
  /** The variables that a command needs which works on the configuration. */
  env: { [name: string]: string }
}

/** Writes the files of all instances, and opens their stores for the first time. */
export async function deploymentIn(
  folder: string,
  { instances: count, store, rigged = false, workers = 1, auditFolder, stateFolder }: EnterpriseOptions,
  idps: readonly IdentityProviderStub[],
): Promise<Deployment> {
  const ports = await Promise.all(Array.from({ length: count }, () => freePort()))
  const issuer = `http://127.0.0.1:${ports[0]}`
  const key = await newKey()
  const keyFile = join(folder, 'keys.json')
  await writeKeyFile(keyFile, { keys: [key] }, { onlyNew: true })
  const configFile = join(folder, 'xaa.yaml')
  const state = stateFolder ?? join(folder, 'state')
  await writeFile(configFile, stringify(configuration(issuer, idps, state)))
  const places = ports.map((_, at) => store?.(at) ?? state)
  for (const place of new Set(places)) await agedStore(place)
  const envAt = (at: number) => ({ ...secrets, ...(store === undefined ? {} : { XAA_STORE: store(at) }) })
  const deployment: Deployment = {
    issuer,
    instances: [],
    policyVersions: [],
    secrets: secretsOf(key),
    configFile,
    keyFile,
    stateFolder: state,
    env: envAt(0),
  }
  for (const [at, port] of ports.entries()) {
    const name = `ras-${at + 1}`
    const auditFile = join(auditFolder ?? folder, `${name}.jsonl`)
    const read = {
      ...envAt(at),
      XAA_RAS_LISTEN: `127.0.0.1:${port}`,
      XAA_AUDIT: auditFile,
      ...(workers > 1 ? { XAA_WORKERS: String(workers) } : {}),
    }
    deployment.policyVersions.push((await readConfig(configFile, read)).policyVersion)
    deployment.instances.push(instanceOf({ name, port, configFile, auditFile, env: envAt(at), rigged, workers }))
  }
  return deployment
}

function secretsOf({ d }: JWK): History['secrets'] {
  return [
    ...Object.entries(secrets).map(([name, value]) => ({ name, value })),
    { name: 'the private key of the server', value: String(d) },
  ]
}

function configuration(issuer: string, idps: readonly IdentityProviderStub[], state: string): object {
  const client = (id: string, variable: string) => ({
    id,
    authMethods: ['client_secret_basic'],
    secret: { env: variable },
    resources: [resource],
  })
  return {
    resourceAs: {
      issuer,
      keys: 'keys.json',
      resources: [{ resource, scopes: [scope] }],
      clients: [
        { ...client(clients[0].id, 'CHAT_SECRET'), scopes: [scope] },
        { ...client(clients[1].id, 'PLANNER_SECRET'), scopes: [scope] },
      ],
      protectedResources: [client(api.id, 'API_SECRET')],
      trustedIssuers: idps.map(({ issuer, jwksUri }) => ({ issuer, jwksUri, clients: clients.map(({ id }) => id) })),
      accounts: subjects.map((sub) => ({
        id: `account-of-${sub}`,
        links: idps.map((idp) => ({ issuer: idp.issuer, sub })),
      })),
    },
    store: { lmdb: state },
  }
}
