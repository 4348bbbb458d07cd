/** A whole enterprise on 127.0.0.1 over real HTTP, in one process or several: identity provider, chat, files, and a foreign issuer. */

import type { JsonObject } from '../protocol/json.ts'
import type { AuditEvent, Seconds } from '../protocol/ports.ts'
import { adminPlugin } from '../server/admin.ts'
import { auditFiles } from './audit-files.ts'
import type { ClientName, WorldClient } from './clients.ts'
import { type Company, openCompany, type SignInEntry } from './company.ts'
import { mintIdToken } from './id-token.ts'
import { keyFolder, makeFolder, newId, newSecret } from './keys.ts'
import { closeOrigin, type Origin, serveAt } from './origin.ts'
import type { Person, PersonName } from './people.ts'
import { sharedPorts } from './ports.ts'
import { messagesUrl, openProtectedResources } from './protected-resources.ts'
import { bindPlaces, type Stage, setStage } from './stage.ts'
import {
  bindInstances,
  type Places,
  type ServersOptions,
  startVendors,
  type VendorProcesses,
} from './vendor-processes.ts'
import { makeVendors, serveVendor, type Vendors } from './vendors.ts'
import { openState, type WorldState } from './world-state.ts'

export type { SignInEntry } from './company.ts'
export type { ServersOptions } from './vendor-processes.ts'

export interface WorldOptions {
  /**
   * The first of six ports in a row: identity provider, chat, protected resources, files, foreign issuer, administration. The further
   * instances of the chat follow, then those of the files. 0 or absent: whatever is free.
   */
  port?: number
  /**
   * Absent: everything in this process, with a store in memory. Otherwise the two resource authorization servers are processes of
   * their own, which live by the system's clock: such a world takes no `now`, and its time does not {@link World.pass}.
   */
  servers?: ServersOptions
  /** Addresses a browser may be sent back to after sign-in, beside `http://127.0.0.1/callback` with any port. */
  redirectUris?: readonly string[]
  /** Lets clients register themselves at the chat (RFC 7591), for its code grant. False unless given. */
  registration?: boolean
  /** Limits wrong credentials and requests as `xaa serve` does. Absent: nothing is limited. */
  limits?: boolean
  /** Seconds since 1970; the system's clock unless given. The sign-in page keeps the system's time whatever this says. */
  now?(): Seconds
  /** Told of each audit event. */
  onAudit?(event: AuditEvent): void
  /** Told when a server of the world fails or cannot reach another; standard error unless given. */
  report?(message: string): void
}

/** One resource authorization server. */
export interface ResourceAs {
  issuer: string
  tokenEndpoint: string
  /** One for each instance, {@link tokenEndpoint} first. */
  tokenEndpoints: readonly [string, ...string[]]
}

export interface World {
  /**
   * It signs people in and exchanges tokens. The file holds its private JWK Set (ES256, then RS256), mode 0600; the world follows it,
   * as it follows the other key files, so `xaa keys rotate` works on it. Sign-in goes on with the first key.
   */
  idp: { issuer: string; tokenEndpoint: string; signingKeyFile: string }
  /** A foreign OpenID issuer (RS256) whose ID Tokens the identity provider takes. */
  upstream: { issuer: string; signingKeyFile: string }
  /** The chat has a code grant beside ID-JAGs, with sign-in at `idp`; the files are managed only. */
  resourceAs: { chat: ResourceAs; files: ResourceAs }
  /** Resource identifiers (RFC 8707). `mcp` is also the address of the MCP server, `files` that of the list of files. */
  resources: { mcp: string; api: string; files: string }
  /** `GET`, and `POST` of `{ text, channel? }`: the messages of the chat, below `resources.api`. */
  messagesUrl: string
  clients: { readonly [name in ClientName]: WorldClient }
  /** Everybody in the directory: alice, bob, carol, and mallory, who is disabled. */
  users: readonly Person[]
  /** The administrator's interface, with the bearer token it wants. */
  admin: { url: string; token: string }
  /** The latest events of every server, oldest first; those of another process come up to 250 ms later. */
  audit: readonly AuditEvent[]
  /** The identity provider's own log: who signed in there, to which application. Oldest first. */
  signIns: readonly SignInEntry[]
  now(): Seconds
  /** Moves the clock of every server forward. */
  pass(seconds: Seconds): void
  /** An ID Token of somebody who signs in now, for one client; `claims` are laid over it, and null takes a claim away. */
  mintIdToken(token: MintedIdToken): Promise<string>
  /** Stops every server and deletes the private keys. */
  close(): Promise<void>
}

export interface MintedIdToken {
  user: PersonName
  client: ClientName
  /** The identity provider itself unless given. */
  issuer?: 'idp' | 'upstream'
  claims?: JsonObject
}

/**
 * Starts the world. Resolves when every server can be given requests. Throws an error that names the port when one is taken, the
 * store's own error when it cannot be used, and an error with the sentence of a process that cannot start.
 */
export async function startWorld(options: WorldOptions = {}): Promise<World> {
  const { now, onAudit, port = 0, redirectUris = [], registration = false, limits = false, servers } = options
  if (servers !== undefined && now !== undefined)
    throw new TypeError('servers in other processes have the clock of the system')
  const say = options.report ?? ((message: string) => process.stderr.write(`${message}\n`))
  const bound = new Set<Origin>()
  const ports = sharedPorts(now, onAudit)
  const path = await makeFolder()
  let state: WorldState | undefined
  let processes: VendorProcesses | undefined
  let following: NodeJS.Timeout | undefined
  const folder = keyFolder(path, {
    now: ports.now,
    warn: say,
    onPurged: (kid) => state?.purgeKey(kid),
    isPurged: (kid) => state?.policy.isPurgedKey(kid) ?? false,
  })
  const close = async () => {
    clearInterval(following)
    await processes?.stop()
    await Promise.all([...bound].map(closeOrigin))
    await state?.close()
    await folder.remove()
  }
  try {
    const at = await bindPlaces(port, bound)
    const instances = await bindInstances(port, at, servers?.instances ?? 1, bound)
    state = await openState({ store: servers?.store ?? 'memory', folder: path, now: ports.now, say })
    const stage = await setStage(at, folder, ports, state, { say, limited: limits })
    const vendors = await makeVendors(stage, registration)
    if (servers === undefined) for (const vendor of [vendors.chat, vendors.files]) await serveVendor(vendor, stage)
    else processes = await startVendors(vendors, instances, servers, stage, bound)
    const { gather } = auditFiles(processes?.audits ?? [], ports.keep)
    const company = await openCompany(stage, ['http://127.0.0.1/callback', ...redirectUris])
    await openProtectedResources(stage, vendors)
    const token = newSecret()
    await openAdmin(stage, token, company, vendors, gather)
    await Promise.all([processes?.ready, state.remembers()])
    if (processes !== undefined)
      following = setInterval(() => void gather().catch((cause: unknown) => say(String(cause))), 250).unref()
    const pass = servers === undefined ? ports.pass : cannotPass
    return worldOf(stage, company, instances, token, { close, pass })
  } catch (cause) {
    await close()
    throw cause
  }
}

async function openAdmin(
  stage: Stage,
  token: string,
  { definition }: Company,
  { chat, files }: Vendors,
  gather: () => Promise<void>,
): Promise<void> {
  const { addresses, directory, policyVersion, ports, report, state } = stage
  const users = directory.people.map((person) => {
    const { sub, email, groups, claims } = person
    return {
      sub,
      email,
      groups,
      name: String(claims.name),
      get enabled() {
        return person.employed
      },
    }
  })
  await serveAt(stage.at.admin, async (app) => {
    await app.register(adminPlugin, {
      token,
      by: 'administrator',
      records: state.store.records,
      policy: state.policy,
      policyVersion,
      idp: {
        name: 'idp',
        definition,
        users,
        enableUser(sub) {
          for (const person of directory.people) if (person.sub === sub) person.employed = true
        },
      },
      resourceServers: [chat, files],
      async auditAfter(after) {
        // What a server in another process has written down is there when it is asked for.
        await gather()
        return ports.auditAfter(after)
      },
      ports: stage.portsFor(addresses.idp),
      report,
      dangerouslyDeleteWithoutVersion: true,
    })
  })
}

function worldOf(
  stage: Stage,
  company: Company,
  instances: Places,
  token: string,
  { close, pass }: Pick<World, 'close' | 'pass'>,
): World {
  const { addresses, clients, directory, ports } = stage
  const { audit, now } = ports
  return {
    idp: { issuer: addresses.idp, tokenEndpoint: `${addresses.idp}/token`, signingKeyFile: company.idp.file },
    upstream: { issuer: addresses.upstream, signingKeyFile: company.upstream.file },
    resourceAs: { chat: resourceAs(instances.chat), files: resourceAs(instances.files) },
    resources: { mcp: addresses.mcp, api: addresses.api, files: addresses.filesApi },
    messagesUrl: messagesUrl(addresses),
    clients: { assistant: clients.assistant.client, notebook: clients.notebook.client },
    users: directory.people,
    admin: { url: stage.at.admin.url, token },
    audit,
    signIns: company.signIns,
    now,
    pass,
    async mintIdToken({ user, client, issuer = 'idp', claims = {} }) {
      const person = directory.people.find(({ name }) => name === user)
      if (person === undefined) throw new TypeError(`nobody is called ${user}`)
      return await mintIdToken({
        issuer: addresses[issuer],
        signingKeys: company[issuer].signingKeys,
        clientId: clients[client].client.idp.id,
        user: person,
        now: now(),
        jti: newId(),
        claims,
      })
    },
    close,
  }
}

function resourceAs([{ url: issuer }, ...others]: Places['chat']): ResourceAs {
  const tokenEndpoint = `${issuer}/token`
  return { issuer, tokenEndpoint, tokenEndpoints: [tokenEndpoint, ...others.map(({ url }) => `${url}/token`)] }
}

function cannotPass(): never {
  throw new TypeError('servers in other processes have the clock of the system')
}
