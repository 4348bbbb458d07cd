/** An oidc-provider application as its users write it, on a port of its own: people sign in by being named. */

import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { JWK } from 'jose'
import Provider, { type ClientMetadata, type Configuration } from 'oidc-provider'
import { signInHeadless } from '../../../src/testing/headless-sign-in.ts'
import { memoryAdapter } from '../../../src/testing/sign-in/adapter.ts'
import { privateJwk } from '../../fixture/keys.ts'

export interface Application {
  issuer: string
  provider: Provider
  /** The private JWK Set that the provider was given. */
  jwks: { keys: JWK[] }
  /** The accounts that exist, by id. */
  accounts: Map<string, { email: string; groups: string[] }>
  /** What the provider told its own listeners. */
  events: { name: 'grant.error' | 'grant.success' | 'server_error'; error?: Error }[]
  signIn(client: string, person: string): Promise<{ idToken: string; refreshToken?: string }>
  close(): Promise<void>
}

export const secretOf = (client: string) => `secret-of-${client}`

export async function application(
  clients: readonly ClientMetadata[],
  configuration: Configuration = {},
): Promise<Application> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const accounts: Application['accounts'] = new Map([
    ['alice', { email: 'alice@acme.example', groups: ['staff'] }],
    ['bob', { email: 'bob@acme.example', groups: [] }],
  ])
  const jwks = { keys: await Promise.all([privateJwk('key-ES256'), privateJwk('key-RS256', 'RS256')]) }
  const provider = new Provider(issuer, {
    adapter: memoryAdapter(),
    cookies: { keys: ['a-key-for-cookies'] },
    jwks: jwks as NonNullable<Configuration['jwks']>,
    routes: { authorization: '/authorize' },
    clients: clients.map((client) => ({
      ...(client.token_endpoint_auth_method === 'none' ? {} : { client_secret: secretOf(client.client_id) }),
      application_type: 'native',
      redirect_uris: ['http://127.0.0.1/callback'],
      ...client,
    })),
    claims: { openid: ['sub', 'groups'], email: ['email'] },
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    rotateRefreshToken: true,
    async findAccount(_context, accountId) {
      const account = accounts.get(accountId)
      return account === undefined ? undefined : { accountId, claims: async () => ({ sub: accountId, ...account }) }
    },
    interactions: { url: (_context, { uid }) => `/login/${uid}` },
    async loadExistingGrant({ oidc: { client, session, provider: own } }) {
      const grant = new own.Grant({ clientId: client?.clientId, accountId: session?.accountId })
      grant.addOIDCScope('openid email offline_access')
      await grant.save()
      return grant
    },
    ttl: { AccessToken: 600, AuthorizationCode: 60, Grant: 3600, IdToken: 3600, Interaction: 60, RefreshToken: 3600 },
    ...configuration,
    features: { devInteractions: { enabled: false }, ...configuration.features },
  })
  const events: Application['events'] = []
  provider.on('grant.error', (_context, error) => events.push({ name: 'grant.error', error }))
  provider.on('server_error', (_context, error) => events.push({ name: 'server_error', error }))
  provider.on('grant.success', () => events.push({ name: 'grant.success' }))
  let person = ''
  let answer: ReturnType<Provider['callback']> | undefined
  server.on('request', async (request, response) => {
    // Made with the first request: grants are added to the provider before.
    answer ??= provider.callback()
    if (!request.url?.startsWith('/login/')) return answer(request, response)
    // The page that would ask for a password, and the one that would ask for consent.
    const { prompt } = await provider.interactionDetails(request, response)
    const result = prompt.name === 'login' ? { login: { accountId: person } } : { consent: {} }
    await provider.interactionFinished(request, response, result)
  })
  return {
    issuer,
    provider,
    jwks,
    accounts,
    events,
    signIn(client, whom) {
      person = whom
      const credentials = { id: client, secret: secretOf(client) }
      const scope = 'openid email offline_access'
      return signInHeadless({ issuer, tokenEndpoint: `${issuer}/token`, client: credentials, person, scope })
    },
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

export interface TokenAnswer {
  status: number
  headers: Headers
  body: { [member: string]: unknown }
}

/** One POST to an endpoint of an application, authenticated by Basic. */
export async function post(
  address: string,
  client: string,
  form: { [name: string]: string } | string,
  headers: { [name: string]: string } = {},
): Promise<TokenAnswer> {
  const answer = await fetch(address, {
    method: 'POST',
    headers: {
      accept: 'application/json',
      authorization: `Basic ${btoa(`${client}:${secretOf(client)}`)}`,
      'content-type': 'application/x-www-form-urlencoded',
      ...headers,
    },
    body: typeof form === 'string' ? form : new URLSearchParams(form).toString(),
  })
  const text = await answer.text()
  const isJson = answer.headers.get('content-type')?.startsWith('application/json') === true
  return { status: answer.status, headers: answer.headers, body: isJson ? JSON.parse(text) : { text } }
}
