/** The other companies of the world: the chat with its API and MCP server, and the files. */

import type { FastifyInstance } from 'fastify'
import { resourceAsPlugin } from '../http/resource-as-plugin.ts'
import { principalOf, type ResourcePluginOptions, resourcePlugin } from '../http/resource-plugin.ts'
import { documentFetch } from '../outbound/document.ts'
import { defaultAlgorithms, type KeySource } from '../protocol/keys.ts'
import type { Seconds } from '../protocol/ports.ts'
import { statusLists } from '../resource/status-lists.ts'
import { accountsBySubject } from '../resource-as/accounts.ts'
import { jwtAccessTokens } from '../resource-as/issue.ts'
import { type MemoryAccounts, memoryAccounts } from '../server/accounts.ts'
import { chatOf, messageRoutes } from './chat.ts'
import { type Addresses, chatScopes, chatSide, filesScopes, filesSide, type ResourceSide } from './enterprise.ts'
import type { KeyPairs } from './keys.ts'
import { mcpRoutes, scopesOfMcpRequest } from './mcp.ts'
import { serveAt } from './origin.ts'
import { refuseForeignHosts } from './rebinding.ts'
import { type Stage, skew } from './stage.ts'

const accessTokenLifetime: Seconds = 600

/** Where the messages are, below the chat's API. */
export function messagesUrl({ api }: Addresses): string {
  return `${api}/messages`
}

/**
 * Starts the chat: its authorization server, its API and its MCP server. Alice's account is linked to her subject, Bob's is found by
 * his e-mail address, everybody else's is made at the first visit.
 */
export async function openChat(stage: Stage): Promise<ResourceSide> {
  const { addresses, keysOf } = stage
  const side = chatSide(addresses, stage.clients, keysOf(addresses.idp))
  const accounts = memoryAccounts([
    { id: 'chat-alice', name: 'Alice Archer', email: emailOf(stage, 'alice'), links: linksOf(stage, 'alice') },
    { id: 'chat-bob', name: 'Bob Baker', email: emailOf(stage, 'bob') },
  ])
  const keys = await stage.folder.make('chat', ['ES256'])
  const { report } = stage
  await serveAt(stage.at.chat, (app) => serveResourceAs(app, addresses.chat, { keys, side, accounts }, stage), report)
  await serveAt(
    stage.at.resource,
    async (app) => {
      refuseForeignHosts(app)
      const chat = chatOf(accounts, stage.ports.now)
      const protection = protectionOf('Tidewater Chat', addresses.chat, chatScopes, keysOf(addresses.chat), stage)
      await app.register(resourcePlugin, {
        ...protection,
        resource: addresses.api,
        requiredScopes: ({ method }) => [method === 'POST' ? 'chat.write' : 'chat.read'],
        routes: (scope) => messageRoutes(scope, new URL(messagesUrl(addresses)).pathname, chat),
      })
      await app.register(resourcePlugin, {
        ...protection,
        resource: addresses.mcp,
        requiredScopes: scopesOfMcpRequest,
        routes: (scope) => mcpRoutes(scope, new URL(addresses.mcp).pathname, chat),
      })
    },
    report,
  )
  return side
}

/** Starts the files: an authorization server that knows Alice alone, and a list behind a guard. */
export async function openFiles(stage: Stage): Promise<ResourceSide> {
  const { addresses, keysOf } = stage
  const side = filesSide(addresses, stage.clients, keysOf(addresses.idp))
  const accounts = memoryAccounts([
    { id: 'files-alice', name: 'Alice Archer', email: emailOf(stage, 'alice'), links: linksOf(stage, 'alice') },
  ])
  const keys = await stage.folder.make('files', ['ES256'])
  await serveAt(
    stage.at.files,
    async (app) => {
      await serveResourceAs(app, addresses.files, { keys, side, accounts }, stage)
      await app.register(resourcePlugin, {
        ...protectionOf('Larkspur Files', addresses.files, filesScopes, keysOf(addresses.files), stage),
        resource: addresses.filesApi,
        requiredScopes: () => filesScopes,
        routes(scope) {
          scope.get(new URL(addresses.filesApi).pathname, async (request) => {
            const { account, client } = principalOf(request)
            return { as: { account, client }, files: [{ name: 'roadmap.md', owner: account }] }
          })
        },
      })
    },
    stage.report,
  )
  return side
}

interface Vendor {
  keys: KeyPairs
  side: ResourceSide
  accounts: MemoryAccounts
}

async function serveResourceAs(
  app: FastifyInstance,
  issuer: string,
  { keys: { signingKeys }, side, accounts }: Vendor,
  { ports, report }: Stage,
): Promise<void> {
  await app.register(resourceAsPlugin, {
    resourceAuthorizationServer: {
      issuer,
      findTrustedIssuer: async (name) => side.trusted.find((one) => one.issuer === name),
      resources: side.resources,
      findClientPolicy: side.findClientPolicy,
      resolveSubject: accountsBySubject(accounts),
      issue: jwtAccessTokens({ issuer, signingKeys, lifetime: accessTokenLifetime }),
      skew,
      // One process has one clock, and it may be set back a little between two requests.
      clockAllowance: 5,
    },
    signingKeys,
    findClient: side.findClient,
    ports: ports.portsForServer(),
    report,
  })
}

/** What the guards of one vendor have in common. */
function protectionOf(
  name: string,
  authorizationServer: string,
  scopes: readonly string[],
  keys: KeySource,
  { ports, report }: Stage,
): Omit<ResourcePluginOptions, 'resource' | 'routes' | 'requiredScopes'> {
  return {
    name,
    authorizationServer,
    scopes,
    keys,
    algorithms: defaultAlgorithms,
    skew,
    maxLifetime: accessTokenLifetime,
    revocation: statusLists({ fetchDocument: documentFetch({ allowLoopback: true, allowAddresses: [] }) }),
    ports: ports.portsForServer(),
    report,
  }
}

function emailOf({ directory }: Stage, name: string): string | undefined {
  return directory.people.find((person) => person.name === name)?.email
}

function linksOf({ directory, addresses }: Stage, name: string): { issuer: string; sub: string }[] {
  return directory.people.filter((person) => person.name === name).map(({ sub }) => ({ issuer: addresses.idp, sub }))
}
