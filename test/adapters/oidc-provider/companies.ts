/** Acme's provider that issues ID-JAGs, the chat's provider that redeems them, and one good request for each. */

import type { ClientMetadata } from 'oidc-provider'
import * as providerGrants from 'oidc-provider/lib/helpers/grants.js'
import { addJwtBearer, type JwtBearerOptions } from '../../../src/adapters/oidc-provider/jwt-bearer.ts'
import { addTokenExchange, type TokenExchangeOptions } from '../../../src/adapters/oidc-provider/token-exchange.ts'
import type { Connection } from '../../../src/idp/connections.ts'
import { defaultAlgorithms } from '../../../src/protocol/keys.ts'
import { grantType, tokenType } from '../../../src/protocol/names.ts'
import { signingKeysOf } from '../../../src/protocol/own-keys.ts'
import { type TestPorts, testPorts } from '../../fixture/ports.ts'
import { type Application, application, post, type TokenAnswer } from './application.ts'

export const mcp = 'https://api.chat.example/mcp'
export const search = 'https://api.chat.example/search'

export interface Company extends Application, TestPorts {
  reported: unknown[]
}

/** oidc-provider reads the system's clock, and so do the ports of these tests, until a test moves them. */
function portsOfToday(): TestPorts {
  const ports = testPorts()
  ports.clock.now = Date.now() / 1000
  return ports
}

/** Acme: alice may act through `assistant` at the chat; `notebook` has no connection, `old` no such grant, `phone` no secret. */
export async function acmeCompany(
  chat: string,
  change: Partial<TokenExchangeOptions> = {},
  assistant: Omit<ClientMetadata, 'client_id'> = {},
  connection: Partial<Connection> = {},
): Promise<Company> {
  const grants = ['authorization_code', 'refresh_token', grantType.tokenExchange]
  const app = await application(
    [
      { client_id: 'assistant', grant_types: grants, id_token_signed_response_alg: 'ES256', ...assistant },
      { client_id: 'notebook', grant_types: grants },
      { client_id: 'old', grant_types: ['authorization_code', 'refresh_token'] },
      { client_id: 'phone', grant_types: grants, token_endpoint_auth_method: 'none' },
      { client_id: 'bound', grant_types: grants, dpop_bound_access_tokens: true },
    ],
    {
      features: { dPoP: { enabled: true } },
      subjectTypes: ['public', 'pairwise'],
      pairwiseIdentifier: async (_context, id) => `pairwise-${id}`,
    },
  )
  const ports = portsOfToday()
  const reported: unknown[] = []
  addTokenExchange(app.provider, {
    grants: providerGrants,
    ports: ports.ports,
    signingKeys: await signingKeysOf(app.jwks),
    findResourceServer: async (audience) =>
      audience === chat ? { issuer: chat, aliases: [], resources: [mcp, search], enabled: true } : undefined,
    findConnection: async (client, audience) =>
      client === 'notebook'
        ? undefined
        : {
            client,
            audience,
            clientThere: 'assistant-at-chat',
            enabled: true,
            who: { users: [], groups: ['staff'] },
            scopes: [{ name: 'chat.read' }, { name: 'search.read' }],
            resources: [mcp, search],
            signIn: {},
            lifetime: 300,
            subject: { kind: 'same' },
            userClaims: ['email'],
            ...connection,
          },
    report: (error) => reported.push(error),
    ...change,
  })
  return { ...app, ...ports, reported }
}

/** The chat: opaque tokens for its MCP server, signed ones for its search. */
export async function chatCompany(
  acme: () => Company,
  change: Partial<JwtBearerOptions> = {},
  { dpop = true } = {},
): Promise<Company> {
  const clients = ['assistant-at-chat', 'other-at-chat', 'old-at-chat', 'bound-at-chat'].map((client_id) => ({
    client_id,
    redirect_uris: [],
    response_types: [],
    grant_types: client_id === 'old-at-chat' ? ['client_credentials'] : [grantType.jwtBearer],
    dpop_bound_access_tokens: client_id === 'bound-at-chat',
  }))
  const app = await application(
    [...clients, { client_id: 'mcp', redirect_uris: [], response_types: [], grant_types: [] }],
    {
      features: {
        clientCredentials: { enabled: true },
        introspection: { enabled: true, allowedPolicy: async (_context, client) => client.clientId === 'mcp' },
        userinfo: { enabled: true },
        dPoP: { enabled: dpop },
        resourceIndicators: {
          enabled: true,
          getResourceServerInfo: async (_context, resource) =>
            resource === mcp
              ? { scope: 'chat.read chat.write', accessTokenTTL: 120, accessTokenFormat: 'opaque' }
              : {
                  scope: 'search.read',
                  accessTokenTTL: 240,
                  accessTokenFormat: 'jwt',
                  jwt: { sign: { alg: 'ES256' } },
                },
        },
      },
      ttl: { AccessToken: (_context, token) => token.resourceServer?.accessTokenTTL ?? 60, Grant: 3600 },
    },
  )
  app.accounts.set('u-alice', { email: 'alice@acme.example', groups: [] })
  const ports = portsOfToday()
  const reported: unknown[] = []
  addJwtBearer(app.provider, {
    grants: providerGrants,
    ports: ports.ports,
    resources: [
      { resource: mcp, scopes: ['chat.read', 'chat.write'] },
      { resource: search, scopes: ['search.read'] },
    ],
    findTrustedIssuer: async (issuer) =>
      issuer === acme().issuer
        ? {
            issuer,
            enabled: true,
            keys: (await signingKeysOf(acme().jwks)).source,
            algorithms: defaultAlgorithms,
            clients: ['assistant-at-chat', 'bound-at-chat'],
            assertions: 'single-use',
            maxLifetime: 3600,
            accounts: { emailDomains: [], unknown: 'refuse' },
          }
        : undefined,
    findClientPolicy: async () => ({ scopes: ['chat.read', 'search.read'], resources: [mcp, search] }),
    resolveSubject: async ({ sub }) => (sub === 'alice' ? 'u-alice' : undefined),
    report: (error) => reported.push(error),
    ...change,
  })
  return { ...app, ...ports, reported }
}

export async function exchange(
  acme: Company,
  chat: string,
  subjectToken: string,
  form: { [name: string]: string } = {},
  client = 'assistant',
): Promise<TokenAnswer> {
  return await post(`${acme.issuer}/token`, client, {
    grant_type: grantType.tokenExchange,
    requested_token_type: tokenType.idJag,
    audience: chat,
    resource: mcp,
    scope: 'chat.read',
    subject_token: subjectToken,
    subject_token_type: tokenType.idToken,
    ...form,
  })
}

export async function redeem(
  chat: Company,
  assertion: string,
  {
    client = 'assistant-at-chat',
    headers = {},
    ...form
  }: { client?: string; headers?: { [name: string]: string }; scope?: string; resource?: string } = {},
): Promise<TokenAnswer> {
  return await post(`${chat.issuer}/token`, client, { grant_type: grantType.jwtBearer, assertion, ...form }, headers)
}
