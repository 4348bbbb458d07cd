/** The cast of the demonstration: who plays whose part, at which address, and what the agent was configured with. */

import type { AuditEvent } from '../../protocol/ports.ts'
import type { SignInEntry } from '../../testing/world.ts'

/** One company on the stage. */
export interface Company {
  name: string
  /** Whose part it plays in the flow that people know. */
  part: string
  does: string
}

/** The company whose people sign in, and which decides what the agent may reach. */
export const employer = 'Acme'

/** The companies by their part. */
export const companies = {
  identityProvider: { name: 'Passgate', part: 'Okta', does: `keeps ${employer}’s people and their sign-in` },
  chat: { name: 'Tidewater Chat', part: 'Slack', does: 'keeps the messages: an API and an MCP server' },
  agent: { name: 'Finch Assistant', part: 'Claude', does: 'works for whoever is signed in' },
  unmanaged: {
    name: 'Magpie',
    part: 'any MCP client',
    does: `was found on the internet: nobody at ${employer} knows it`,
  },
  files: { name: 'Larkspur Files', part: 'any other vendor', does: 'keeps files, and trusts Passgate as well' },
} as const satisfies Record<string, Company>

/** The short name of the agent, for sentences. */
export const agentName = 'Finch'

/** A client's id and secret at one server. */
export interface Credentials {
  id: string
  secret: string
}

/** A resource authorization server and what the agent is there. */
export interface Vendor {
  issuer: string
  tokenEndpoint: string
  credentials: Credentials
}

/** What the employer's administrator has connected for the agent. */
export interface AgentConnection {
  /** The issuer of the resource authorization server. */
  audience: string
  enabled: boolean
  scopes: readonly string[]
}

/**
 * Everything the agent and the story know of the world. The first half is what any agent is configured with; the second
 * half (`auditOf` and below) looks behind the scenes, for the audience of the demonstration alone.
 */
export interface Cast {
  redirectUri: string
  identityProvider: { issuer: string; credentials: Credentials }
  chat: Vendor & { messagesUrl: string; mcpUrl: string }
  files: Vendor
  /** The application that no company manages. Its id at the chat is the address of its document. */
  unmanaged: { origin: string; clientId: string }
  /** The audit of every company, and the identity provider's log of sign-ins; oldest first. */
  records: { audit: readonly AuditEvent[]; signIns: readonly SignInEntry[] }
  /** The audit event of the server that gave this correlation id to a request. */
  auditOf(correlationId: string): AuditEvent | undefined
  connections(): Promise<AgentConnection[]>
  /** Does what the employer's administrator does. Rejects with a sentence when the administration does not answer 200. */
  setConnection(audience: string, enabled: boolean): Promise<void>
}

/** Which company answers at an address. The address itself, for one that is nobody's of the cast. */
export function companyAt(address: string, cast: Cast): string {
  if (!URL.canParse(address)) return address
  const { origin } = new URL(address)
  const at = (...addresses: string[]) => addresses.some((one) => new URL(one).origin === origin)
  if (at(cast.identityProvider.issuer)) return companies.identityProvider.name
  if (at(cast.chat.issuer, cast.chat.messagesUrl, cast.chat.mcpUrl)) return companies.chat.name
  if (at(cast.files.issuer)) return companies.files.name
  if (at(cast.redirectUri)) return companies.agent.name
  if (at(cast.unmanaged.origin)) return companies.unmanaged.name
  return address
}
