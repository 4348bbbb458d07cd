/** The process: the roles of a configuration, each on an address of its own, until they are closed. */

import type { AddressInfo } from 'node:net'
import { resolve } from 'node:path'
import type { Writable } from 'node:stream'
import fastify, { type FastifyInstance } from 'fastify'
import { idpPlugin } from '../http/idp-plugin.ts'
import { resourceAsPlugin } from '../http/resource-as-plugin.ts'
import { documentFetch } from '../outbound/document.ts'
import { OAuthError } from '../protocol/errors.ts'
import { metadataAddresses } from '../protocol/issuer-keys.ts'
import type { Ports, Seconds } from '../protocol/ports.ts'
import { type Store, StoreUnavailableError, StoreUnsafeError } from '../store/store.ts'
import { type Audit, fileAudit, streamAudit } from './audit.ts'
import type { Config } from './config.ts'
import { isLoopbackUrl, type Listen } from './config-values.ts'
import { idpRole } from './idp-role.ts'
import { jsonLine } from './json-line.ts'
import { systemId, systemNow, systemPorts } from './ports.ts'
import { resourceAsRole } from './resource-as-role.ts'
import { openStore } from './state.ts'
import { type Surroundings, skew } from './surroundings.ts'

/** Where the process writes, and how it gets its ports. */
export interface StartOptions {
  /** Gets the audit where the configuration says stdout. */
  stdout: Writable
  /** Gets one JSON line for each failure of the server itself, and for each warning about somebody else's documents. */
  log(line: string): void
  /** Ports over the audit and store of the configuration, for the role with this issuer; {@link systemPorts} unless given. */
  portsOver?(audit: Audit, store: Store, issuer: string): Ports
}

/** One role that answers. */
export interface RunningRole {
  role: 'idp' | 'resourceAs'
  issuer: string
  /** The address it really listens on, such as `http://127.0.0.1:4000`. */
  listens: string
  /** Where its metadata is, seen from outside. */
  metadata: string
}

/** What was started. */
export interface RunningServers {
  roles: RunningRole[]
  /** ID-JAGs issued before this moment are not redeemed: the store may not know that they were. */
  fence: Seconds
  /** Takes no more requests, lets those that came be answered, and closes audit and store. Connections still open after 5 s are cut. */
  close(): Promise<void>
}

/** A server that cannot start, as a sentence with its remedy. */
export class StartError extends Error {
  override readonly name = 'StartError'
}

/** Starts every role of a configuration. Throws {@link StartError}, and then nothing of it is left open. */
export async function startServers(config: Config, options: StartOptions): Promise<RunningServers> {
  const store = await openStore(config.store, {
    now: systemNow,
    skew,
    newId: systemId,
    warn: (message) => options.log(jsonLine({ at: systemNow(), warning: message })),
  }).catch((cause: unknown) => {
    if (cause instanceof StoreUnsafeError || cause instanceof StoreUnavailableError)
      throw new StartError(cause.message, { cause })
    throw cause
  })
  const audit = await openAudit(config, options.stdout).catch(async (cause: unknown) => {
    await store.close()
    throw cause
  })
  const apps: FastifyInstance[] = []
  const close = async () => {
    await Promise.all(apps.map(closeWithDeadline))
    await audit.close()
    await store.close()
  }
  try {
    const roles: RunningRole[] = []
    for (const { role, issuer, listen, app } of rolesOf(config, audit, store, options)) {
      apps.push(app)
      const listens = await listenOn(app, role, listen)
      roles.push({ role, issuer, listens, metadata: metadataAddresses(issuer)[0] ?? issuer })
    }
    return { roles, fence: store.fence(), close }
  } catch (cause) {
    await close()
    throw cause
  }
}

async function openAudit({ audit, folder }: Config, stdout: Writable): Promise<Audit> {
  if (audit === 'stdout') return streamAudit(stdout)
  const path = resolve(folder, audit.file)
  return await fileAudit(path).catch((cause: NodeJS.ErrnoException) => {
    throw new StartError(
      `audit.file: ${path} cannot be opened for writing (${cause.code}). Make its folder, or name another file.`,
      {
        cause,
      },
    )
  })
}

interface Role extends Pick<RunningRole, 'role' | 'issuer'> {
  listen: Listen
  app: FastifyInstance
}

function rolesOf(config: Config, audit: Audit, store: Store, { log, portsOver = systemPorts }: StartOptions): Role[] {
  const roles: Role[] = []
  const parts = (issuer: string) => {
    const ports = portsOver(audit, store, issuer)
    const surroundings: Surroundings = {
      fetchDocument: documentFetch({
        allowLoopback: isLoopbackUrl(issuer),
        allowAddresses: config.outbound.allowAddresses,
      }),
      now: ports.now,
      warn: (message) => log(jsonLine({ at: ports.now(), server: issuer, warning: message })),
    }
    const report = (error: unknown, correlationId: string) =>
      log(jsonLine({ at: ports.now(), server: issuer, correlationId, ...failureOf(error) }))
    return { surroundings, shared: { ports, report, policyVersion: () => config.policyVersion } }
  }
  const { idp, resourceAs } = config
  if (idp !== undefined) {
    const app = newApp()
    const { surroundings, shared } = parts(idp.issuer)
    app.register(idpPlugin, { ...idpRole(idp, surroundings), ...shared })
    roles.push({ role: 'idp', issuer: idp.issuer, listen: idp.listen, app })
  }
  if (resourceAs !== undefined) {
    const app = newApp()
    const { surroundings, shared } = parts(resourceAs.issuer)
    app.register(resourceAsPlugin, {
      ...resourceAsRole(resourceAs, surroundings, store.records),
      signingKeys: resourceAs.keys,
      ...shared,
    })
    roles.push({ role: 'resourceAs', issuer: resourceAs.issuer, listen: resourceAs.listen, app })
  }
  return roles
}

function newApp(): FastifyInstance {
  // ATK-090: a request that is not complete is given up within 10 s. Node itself looks for such ones only twice a minute.
  const http = { headersTimeout: 9000, connectionsCheckingInterval: 1000 }
  return fastify({ logger: false, trustProxy: false, requestTimeout: 9000, forceCloseConnections: 'idle', http })
}

/** What the operator is told of a failure. The caller got none of it. */
function failureOf(error: unknown): { [member: string]: unknown } {
  if (error instanceof OAuthError) return { error: error.code, reason: error.reason, detail: error.detail }
  if (error instanceof Error) return { error: error.name, message: error.message, stack: error.stack }
  return { error: typeof error }
}

async function listenOn(app: FastifyInstance, role: Role['role'], { host, port }: Listen): Promise<string> {
  try {
    await app.listen({ host, port })
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === undefined) throw cause
    const fact = code === 'EADDRINUSE' ? 'another process listens there' : code
    const variable = role === 'idp' ? 'XAA_IDP_LISTEN' : 'XAA_RAS_LISTEN'
    throw new StartError(
      `${role}.listen: cannot listen on ${host}:${port}: ${fact}. Change ${role}.listen, or set ${variable}.`,
      {
        cause,
      },
    )
  }
  const { address, family, port: bound } = app.server.address() as AddressInfo
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${bound}`
}

async function closeWithDeadline(app: FastifyInstance): Promise<void> {
  const deadline = setTimeout(() => app.server.closeAllConnections(), 5000)
  await app.close().finally(() => clearTimeout(deadline))
}
