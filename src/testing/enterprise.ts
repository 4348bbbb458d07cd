/** Who may do what in the world: the company's connections, and whom the chat and the files trust. */

import type { Connection, ResourceServer } from '../idp/connections.ts'
import type { Client } from '../protocol/client-auth.ts'
import { defaultAlgorithms, type KeySource } from '../protocol/keys.ts'
import type { ClientPolicy, GovernedResource, TrustedIssuer } from '../resource-as/trust.ts'
import type { ClientName, RegisteredClient } from './clients.ts'
import { companyDomain } from './people.ts'

export const chatScopes = ['chat.read', 'chat.write']
export const filesScopes = ['files.read']

export interface Addresses {
  idp: string
  upstream: string
  chat: string
  files: string
  /** The chat's API and MCP server, both under the authorization server `chat`. */
  api: string
  mcp: string
  /** What the authorization server `files` gives access to. */
  filesApi: string
}

type Clients = { readonly [name in ClientName]: RegisteredClient }

/** The resource authorization servers the company has a contract with. */
export function resourceServers({ chat, files, api, mcp, filesApi }: Addresses): ResourceServer[] {
  return [
    { issuer: chat, aliases: [], resources: [mcp, api], enabled: true },
    { issuer: files, aliases: [], resources: [filesApi], enabled: true },
  ]
}

/** Both clients reach the chat for everybody; `assistant` alone may write there, and alone reaches the files. */
export function connections({ chat, files, api, mcp, filesApi }: Addresses, clients: Clients): Connection[] {
  const connection = (name: ClientName, audience: string, scopes: string[], resources: string[]): Connection => ({
    client: clients[name].atIdp.id,
    audience,
    clientThere: clients[name].atResourceAs.id,
    enabled: true,
    who: { everyone: true, users: [], groups: [] },
    scopes: scopes.map((scope) => ({ name: scope })),
    resources,
    signIn: {},
    lifetime: 300,
    subject: { kind: 'same' },
    userClaims: ['email', 'email_verified'],
  })
  return [
    connection('assistant', chat, chatScopes, [mcp, api]),
    connection('notebook', chat, ['chat.read'], [mcp, api]),
    connection('assistant', files, filesScopes, [filesApi]),
  ]
}

/** What one resource authorization server knows: its clients, what each may be given, its resources, and whom it trusts. */
export interface ResourceSide {
  resources: GovernedResource[]
  trusted: TrustedIssuer[]
  findClient(id: string): Promise<Client | undefined>
  findClientPolicy(client: string): Promise<ClientPolicy | undefined>
}

/** The chat makes accounts for people it does not know. */
export function chatSide({ idp, mcp, api }: Addresses, clients: Clients, idpKeys: KeySource): ResourceSide {
  const { assistant, notebook } = clients
  return resourceSide({
    resources: [mcp, api].map((resource) => ({ resource, scopes: chatScopes })),
    allowed: [
      { client: assistant, scopes: chatScopes },
      { client: notebook, scopes: ['chat.read'] },
    ],
    trusted: trustOf(idp, idpKeys, [assistant, notebook], 'create'),
  })
}

/** The files know only those whose account was made before. */
export function filesSide({ idp, filesApi }: Addresses, { assistant }: Clients, idpKeys: KeySource): ResourceSide {
  return resourceSide({
    resources: [{ resource: filesApi, scopes: filesScopes }],
    allowed: [{ client: assistant, scopes: filesScopes }],
    trusted: trustOf(idp, idpKeys, [assistant], 'refuse'),
  })
}

function trustOf(issuer: string, keys: KeySource, clients: RegisteredClient[], unknown: 'refuse' | 'create') {
  return {
    issuer,
    enabled: true,
    keys,
    algorithms: defaultAlgorithms,
    clients: clients.map(({ atResourceAs }) => atResourceAs.id),
    assertions: 'single-use',
    maxLifetime: 600,
    accounts: { emailDomains: [companyDomain], unknown },
  } as const satisfies TrustedIssuer
}

function resourceSide(side: {
  resources: GovernedResource[]
  allowed: { client: RegisteredClient; scopes: string[] }[]
  trusted: TrustedIssuer
}): ResourceSide {
  const { resources, allowed, trusted } = side
  const entryOf = (id: string) => allowed.find(({ client }) => client.atResourceAs.id === id)
  return {
    resources,
    trusted: [trusted],
    findClient: async (id) => entryOf(id)?.client.atResourceAs,
    async findClientPolicy(id) {
      const scopes = entryOf(id)?.scopes
      return scopes && { scopes, resources: resources.map(({ resource }) => resource) }
    },
  }
}
