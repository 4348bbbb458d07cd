/** A whole enterprise in one process, over real HTTP on 127.0.0.1: identity provider, chat, files, and a foreign issuer. */

import type { JsonObject } from '../protocol/json.ts'
import type { AuditEvent, Seconds } from '../protocol/ports.ts'
import { adminPlugin, type Trust } from '../server/admin.ts'
import type { ClientName, WorldClient } from './clients.ts'
import { type Company, openCompany } from './company.ts'
import type { ResourceSide } from './enterprise.ts'
import { mintIdToken } from './id-token.ts'
import { keyFolder, newId } from './keys.ts'
import { closeOrigin, type Origin, serveAt } from './origin.ts'
import type { Person, PersonName } from './people.ts'
import { sharedPorts } from './ports.ts'
import { bindPlaces, type Stage, setStage } from './stage.ts'
import { messagesUrl, openChat, openFiles } from './vendors.ts'

export interface WorldOptions {
  /**
   * The first of six ports in a row: identity provider, chat, the chat's resources, files, foreign issuer, administration. 0 or absent:
   * whatever is free.
   */
  port?: number
  /** Addresses a browser may be sent back to after sign-in, beside `http://127.0.0.1/callback` with any port. */
  redirectUris?: readonly string[]
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
}

export interface World {
  /**
   * It signs people in and exchanges tokens. The file holds its private JWK Set (ES256, then RS256), mode 0600; the world follows it,
   * as it follows the other key files, so `xaa keys rotate` works on it. Sign-in goes on with the first key.
   */
  idp: { issuer: string; tokenEndpoint: string; signingKeyFile: string }
  /** A foreign OpenID issuer (RS256) whose ID Tokens the identity provider takes. */
  upstream: { issuer: string; signingKeyFile: string }
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
  /** The latest events of every server, oldest first. */
  audit: readonly AuditEvent[]
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

/** Starts the world. Resolves when every server answers. Throws an error that names the port when one is taken. */
export async function startWorld(options: WorldOptions = {}): Promise<World> {
  const say = options.report ?? ((message: string) => process.stderr.write(`${message}\n`))
  const bound: Origin[] = []
  const ports = sharedPorts(options.now, options.onAudit)
  const folder = await keyFolder({ now: ports.now, warn: say })
  const close = async () => {
    await Promise.all(bound.map(closeOrigin))
    await folder.remove()
  }
  try {
    const at = await bindPlaces(options.port ?? 0, bound)
    const stage = await setStage(at, folder, ports, say)
    const company = await openCompany(stage, ['http://127.0.0.1/callback', ...(options.redirectUris ?? [])])
    const chat = await openChat(stage)
    const files = await openFiles(stage)
    const token = `${newId()}-${newId()}`
    await openAdmin(stage, token, company, { chat, files })
    return worldOf(stage, company, token, close)
  } catch (cause) {
    await close()
    throw cause
  }
}

async function openAdmin(
  stage: Stage,
  token: string,
  { connections, subjectIssuers }: Company,
  sides: { chat: ResourceSide; files: ResourceSide },
): Promise<void> {
  const { addresses, directory, ports } = stage
  const trusted: Trust[] = [
    ...subjectIssuers.map((entry) => ({ name: 'idp', role: 'idp' as const, server: addresses.idp, entry })),
    ...(['chat', 'files'] as const).flatMap((name) =>
      sides[name].trusted.map((entry) => ({ name, role: 'resource-as' as const, server: addresses[name], entry })),
    ),
  ]
  await serveAt(stage.at.admin, (app) => {
    app.register(adminPlugin, {
      token,
      issuer: addresses.idp,
      connections,
      users: directory.people,
      trusted,
      auditAfter: ports.auditAfter,
      ports: ports.portsForServer(),
    })
  })
}

function worldOf(stage: Stage, company: Company, token: string, close: () => Promise<void>): World {
  const { addresses, clients, directory, ports } = stage
  const { audit, now, pass } = ports
  return {
    idp: { issuer: addresses.idp, tokenEndpoint: `${addresses.idp}/token`, signingKeyFile: company.idp.file },
    upstream: { issuer: addresses.upstream, signingKeyFile: company.upstream.file },
    resourceAs: { chat: resourceAs(addresses.chat), files: resourceAs(addresses.files) },
    resources: { mcp: addresses.mcp, api: addresses.api, files: addresses.filesApi },
    messagesUrl: messagesUrl(addresses),
    clients: { assistant: clients.assistant.client, notebook: clients.notebook.client },
    users: directory.people,
    admin: { url: stage.at.admin.url, token },
    audit,
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

function resourceAs(issuer: string): ResourceAs {
  return { issuer, tokenEndpoint: `${issuer}/token` }
}
