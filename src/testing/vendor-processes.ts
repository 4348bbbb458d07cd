/** The resource authorization servers of the world as processes: each a number of instances of `xaa serve` on one store. */

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { PublicKeys } from '../server/references.ts'
import { bindOrigin, closeOrigin, type Origin } from './origin.ts'
import { type ServerProcess, startServerProcess } from './server-process.ts'
import { places, type Stage } from './stage.ts'
import { accessTokenLifetime, type Vendor, type Vendors } from './vendors.ts'

/** How the resource authorization servers run when they do not run in the process of the world. */
export interface ServersOptions {
  /** `lmdb`, in a directory that is deleted at the end, or the address of a Redis, where what was written stays. */
  store: string
  /** Workers of each instance, from 1 on. */
  workers: number
  /** Instances of each server, from 1 on: the first at the server's own address, each other one at a port of its own. */
  instances: number
}

/** Where the instances of the servers are: bound, so that nobody else takes them. */
export interface Places {
  chat: readonly [Origin, ...Origin[]]
  files: readonly [Origin, ...Origin[]]
}

/** Binds the ports of the instances after the first: those that follow the ports of the world, or free ones for 0. */
export async function bindInstances(
  port: number,
  { chat, files }: Stage['at'],
  instances: number,
  bound: Set<Origin>,
): Promise<Places> {
  let next = port === 0 ? 0 : port + places.length
  const bindOthers = async (): Promise<Origin[]> => {
    const origins: Origin[] = []
    while (origins.length < instances - 1) {
      const origin = await bindOrigin(next)
      bound.add(origin)
      origins.push(origin)
      if (next > 0) next += 1
    }
    return origins
  }
  return { chat: [chat, ...(await bindOthers())], files: [files, ...(await bindOthers())] }
}

/** The servers as processes, all of them starting. */
export interface VendorProcesses {
  /** Their audit files; the instances come one after the other. */
  audits: readonly string[]
  /** Resolves when all of them can be given requests. Rejects with the sentence of the first that cannot start. */
  ready: Promise<void>
  /** Lets them drain, and resolves when all are gone. */
  stop(): Promise<void>
}

/** Gives the ports free and starts the instances on them at once. */
export async function startVendors(
  vendors: Vendors,
  at: Places,
  { store, workers }: ServersOptions,
  { folder, say, limited }: Stage,
  bound: Set<Origin>,
): Promise<VendorProcesses> {
  const audits: string[] = []
  const starts: (() => ServerProcess)[] = []
  for (const vendor of Object.values(vendors) as Vendor[]) {
    const config = join(folder.path, `${vendor.name}.yaml`)
    // JSON is YAML.
    await writeFile(config, `${JSON.stringify(await configOf(vendor, folder.path, limited), null, 2)}\n`, {
      mode: 0o600,
    })
    for (const [number, { url }] of at[vendor.name].entries()) {
      const name = number === 0 ? vendor.name : `${vendor.name} (instance ${number + 1})`
      const audit = join(folder.path, `audit-${vendor.name}-${number + 1}.jsonl`)
      audits.push(audit)
      const variables = {
        XAA_RAS_LISTEN: new URL(url).host,
        XAA_STORE: store,
        XAA_WORKERS: String(workers),
        XAA_AUDIT: audit,
      }
      starts.push(() => startServerProcess({ name, config, variables, address: url, say }))
    }
  }
  for (const origin of [...at.chat, ...at.files]) {
    bound.delete(origin)
    await closeOrigin(origin)
  }
  const processes = starts.map((start) => start())
  const ready = Promise.all(processes.map((one) => one.ready)).then(() => {})
  // Whoever fails before it is waited for is heard of all the same.
  ready.catch(() => {})
  return {
    audits,
    ready,
    stop: async () => void (await Promise.all(processes.map((one) => one.stop()))),
  }
}

/** The configuration of a server, in the words of `xaa serve`. The store, the audit and where it listens are not in it. */
async function configOf({ name, definition, keys }: Vendor, folder: string, limited: boolean): Promise<object> {
  const { issuer, resources, trustedIssuers, accounts, metadataDocuments, interactive } = definition
  const referredTo = async ({ jwks }: PublicKeys, id: string) => {
    const file = join(folder, `${name}-client-${id}.json`)
    await writeFile(file, JSON.stringify(jwks), { mode: 0o600 })
    return { file }
  }
  return {
    resourceAs: {
      issuer,
      keys: keys.file,
      resources,
      clients: await Promise.all(
        definition.clients.map(async ({ jwks, ...client }) => ({
          ...client,
          ...(jwks === undefined ? {} : { jwks: await referredTo(jwks, client.id) }),
        })),
      ),
      metadataDocuments,
      interactive,
      trustedIssuers,
      accounts: accounts.map(({ id, email, links }) => ({ id, email, links })),
      accessTokenLifetime,
    },
    ...(limited ? {} : { limits: 'off' }),
    // Nobody has to notice first that they are going away.
    shutdown: { delay: 0 },
  }
}
