/** What the access tokens of the world are for: the chat's API, the chat as an MCP server, and a list of files, each behind a guard. */

import { answerNowhere } from '../http/nowhere.ts'
import { principalOf, type ResourcePluginOptions, resourcePlugin } from '../http/resource-plugin.ts'
import { documentFetch } from '../outbound/document.ts'
import { defaultAlgorithms } from '../protocol/keys.ts'
import { statusLists } from '../resource/status-lists.ts'
import { findKnownAccount } from '../server/stored-accounts.ts'
import { chatOf, messageRoutes } from './chat.ts'
import { type Addresses, chatScopes, filesScopes } from './enterprise.ts'
import { signInOfMcpRequest, signInOfMessage } from './finance.ts'
import { mcpRoutes, scopesOfMcpRequest } from './mcp.ts'
import { serveAt } from './origin.ts'
import { refuseForeignHosts } from './rebinding.ts'
import { type Stage, skew } from './stage.ts'
import { accessTokenLifetime, type Vendors } from './vendors.ts'

/** Where the messages are, below the chat's API. */
export function messagesUrl({ api }: Addresses): string {
  return `${api}/messages`
}

/** Starts all three at one address. An ended access token is refused within seconds: each guard follows its issuer's status lists. */
export async function openProtectedResources(stage: Stage, { chat }: Vendors): Promise<void> {
  const { addresses, at, report, state } = stage
  const accounts = { records: state.store.records, server: addresses.chat, entries: chat.definition.accounts }
  const messages = chatOf((id) => findKnownAccount(accounts, id), stage.ports.now)
  const ofChat = protectionOf('Tidewater Chat', addresses.chat, chatScopes, stage)
  await serveAt(
    at.resource,
    async (app) => {
      answerNowhere(app)
      refuseForeignHosts(app)
      await app.register(resourcePlugin, {
        ...ofChat,
        resource: addresses.api,
        requiredScopes: ({ method }) => [method === 'POST' ? 'chat.write' : 'chat.read'],
        requiredSignIn: signInOfMessage,
        routes: (scope) => messageRoutes(scope, new URL(messagesUrl(addresses)).pathname, messages),
      })
      await app.register(resourcePlugin, {
        ...ofChat,
        resource: addresses.mcp,
        requiredScopes: scopesOfMcpRequest,
        requiredSignIn: signInOfMcpRequest,
        routes: (scope) => mcpRoutes(scope, new URL(addresses.mcp).pathname, messages),
      })
      await app.register(resourcePlugin, {
        ...protectionOf('Larkspur Files', addresses.files, filesScopes, stage),
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
    report,
  )
}

/** What the guards of one vendor have in common. */
function protectionOf(
  name: string,
  authorizationServer: string,
  scopes: readonly string[],
  { keysOf, portsFor, report }: Stage,
): Omit<ResourcePluginOptions, 'resource' | 'routes' | 'requiredScopes' | 'requiredSignIn'> {
  return {
    name,
    authorizationServer,
    scopes,
    keys: keysOf(authorizationServer),
    algorithms: defaultAlgorithms,
    skew,
    maxLifetime: accessTokenLifetime,
    revocation: statusLists({ fetchDocument: documentFetch({ allowLoopback: true, allowAddresses: [] }) }),
    ports: portsFor(authorizationServer),
    report,
  }
}
