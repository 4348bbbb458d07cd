/** Who may do what in the world, in the shape of a configuration: the company's connections, and whom the chat and the files trust. */

import { defaultAlgorithms } from '../protocol/keys.ts'
import type { AccountEntry } from '../server/accounts.ts'
import type { ConnectionConfig, ResourceAsConfig, TrustedIssuerConfig } from '../server/config-schema.ts'
import type { IdpDefinition, ResourceAsDefinition } from '../server/policy/entries.ts'
import type { ClientName, RegisteredClient } from './clients.ts'
import { newSecret } from './keys.ts'
import { companyDomain, type Directory } from './people.ts'
import type { SignInClient } from './sign-in/provider.ts'

export const chatScopes = ['chat.read', 'chat.write']
export const filesScopes = ['files.read']
/** What the consent page of the chat says of its scopes. */
const chatScopeTexts = { 'chat.read': 'read the messages you can read', 'chat.write': 'write messages as you' }

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

/** Both clients reach the chat for everybody; `assistant` alone may write there, and alone reaches the files. */
export function companyDefinition(
  { idp, upstream, chat, files, api, mcp, filesApi }: Addresses,
  clients: Clients,
  { people }: Directory,
): IdpDefinition {
  const connection = (name: ClientName, audience: string, scopes: string[], resources: string[]): ConnectionConfig => ({
    client: clients[name].atIdp.id,
    audience,
    clientId: clients[name].atResourceAs.id,
    scopes,
    resources,
    everyone: true,
    signIn: {},
    lifetime: 300,
    subject: 'same',
    claims: ['email', 'email_verified'],
    disabled: false,
  })
  return {
    issuer: idp,
    subjectIssuers: [idp, upstream].map((issuer) => ({
      issuer,
      algorithms: [...defaultAlgorithms],
      users: 'directory',
      groupsClaim: 'groups',
    })),
    users: people.map(({ sub, email, groups, employed }) => ({
      sub,
      email,
      emailVerified: true,
      groups: [...groups],
      disabled: !employed,
      claims: {},
    })),
    clients: Object.values(clients).map(({ atIdp }) => ({ ...atIdp, clientIdAt: {} })),
    resourceServers: [
      { issuer: chat, resources: [mcp, api], aliases: [] },
      { issuer: files, resources: [filesApi], aliases: [] },
    ],
    connections: [
      connection('assistant', chat, chatScopes, [mcp, api]),
      connection('notebook', chat, ['chat.read'], [mcp, api]),
      connection('assistant', files, filesScopes, [filesApi]),
    ],
  }
}

/** What one vendor's authorization server goes by. */
export interface VendorDefinition extends ResourceAsDefinition {
  /** The accounts that are there from the start. */
  accounts: readonly AccountEntry[]
  /** Absent: managed only. */
  interactive?: ResourceAsConfig['interactive']
}

/** How clients that no company manages get in at the chat. */
export interface UnmanagedAccess {
  /** The chat as an application at the company's identity provider, where people sign in for it. */
  signIn: SignInClient
  /** Whether clients may register themselves. Those with a metadata document may come in any case. */
  registration: boolean
}

/**
 * The chat makes accounts for people it does not know. Alice's account is linked to her subject, Bob's is found by his e-mail address.
 * Unknown clients get what the person agrees to.
 */
export function chatDefinition(
  { chat, idp, mcp, api }: Addresses,
  clients: Clients,
  directory: Directory,
  { signIn, registration }: UnmanagedAccess,
): VendorDefinition {
  const { assistant, notebook } = clients
  const resources = [mcp, api]
  return {
    issuer: chat,
    resources: [
      { resource: mcp, name: 'Tidewater Chat, over MCP', scopes: chatScopes },
      { resource: api, name: 'Tidewater Chat', scopes: chatScopes },
    ],
    clients: [
      { ...assistant.atResourceAs, scopes: chatScopes, resources },
      { ...notebook.atResourceAs, scopes: ['chat.read'], resources },
    ],
    metadataDocuments: { scopes: chatScopes, resources, idJag: false },
    interactive: {
      signIn: [
        {
          issuer: idp,
          clientId: signIn.id,
          clientSecret: signIn.secret,
          emailDomains: [companyDomain],
          name: 'Passgate',
          unknownUsers: 'create',
        },
      ],
      cookieSecret: newSecret(),
      refreshTokenLifetime: 14 * 24 * 3600,
      refreshTokenReuse: 0,
      scopes: chatScopeTexts,
      ...(registration ? { registration: { scopes: chatScopes, resources, perMinute: 60, perAddress: 60 } } : {}),
    },
    trustedIssuers: [trustOf(idp, [assistant, notebook], 'create')],
    accounts: [
      { id: 'chat-alice', name: 'Alice Archer', ...linked(idp, directory, 'alice') },
      { id: 'chat-bob', name: 'Bob Baker', email: directory.named('bob').email },
    ],
  }
}

/** The files know Alice alone, whose account was made before. They are managed only: no client gets in by the consent of a person. */
export function filesDefinition(
  { files, idp, filesApi }: Addresses,
  { assistant }: Clients,
  directory: Directory,
): VendorDefinition {
  return {
    issuer: files,
    resources: [{ resource: filesApi, scopes: filesScopes }],
    clients: [{ ...assistant.atResourceAs, scopes: filesScopes, resources: [filesApi] }],
    trustedIssuers: [trustOf(idp, [assistant], 'refuse')],
    accounts: [{ id: 'files-alice', name: 'Alice Archer', ...linked(idp, directory, 'alice') }],
  }
}

function linked(issuer: string, directory: Directory, name: 'alice') {
  const { email, sub } = directory.named(name)
  return { email, links: [{ issuer, sub }] }
}

function trustOf(issuer: string, clients: RegisteredClient[], unknownUsers: 'refuse' | 'create'): TrustedIssuerConfig {
  return {
    issuer,
    clients: clients.map(({ atResourceAs }) => atResourceAs.id),
    assertions: 'single-use',
    maxLifetime: 600,
    algorithms: [...defaultAlgorithms],
    emailDomains: [companyDomain],
    unknownUsers,
    disabled: false,
  }
}
