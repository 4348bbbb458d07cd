/** The MCP client of the first generation, unmodified: its transport with a provider of the application's, and with our `fetch`. */

import { auth, type OAuthClientProvider, type OAuthDiscoveryState } from '@modelcontextprotocol/sdk/client/auth.js'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { OAuthTokens } from '@modelcontextprotocol/sdk/shared/auth.js'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { clientSecretBasic, createCrossAppFetch } from '../../src/client/client.ts'
import { grantType, tokenType } from '../../src/protocol/names.ts'
import type { ClientName } from '../../src/testing/clients.ts'
import type { PersonName } from '../../src/testing/people.ts'
import { startWorld, type World } from '../../src/testing/world.ts'
import { runsIn } from './rows.ts'

runsIn(import.meta.url, '@modelcontextprotocol/sdk', '@modelcontextprotocol/server')

let world: World
const open: Client[] = []
beforeAll(async () => {
  world = await startWorld()
})
afterEach(async () => {
  for (const client of open.splice(0)) await client.close()
})
afterAll(() => world.close())

interface Session {
  client: ClientName
  user: PersonName
  /** Asked for instead of all that the resource lists. */
  scope?: string
}

/**
 * What an application writes to use this SDK with Cross-App Access: it has no class for it, but lets a provider make the token
 * request. The provider learns from the discovery which server and which resource it is for.
 */
function crossAppProvider({ client, user, scope }: Session): OAuthClientProvider & { exchanges: number } {
  const { idp, resourceAs } = world.clients[client]
  let found: OAuthDiscoveryState | undefined
  let tokens: OAuthTokens | undefined
  return {
    exchanges: 0,
    redirectUrl: undefined,
    clientMetadata: { redirect_uris: [], ...(scope === undefined ? {} : { scope }) },
    // The SDK sends these to the authorization server they are stamped for, and to no other.
    clientInformation: () => ({
      client_id: resourceAs.id,
      client_secret: resourceAs.secret,
      issuer: world.resourceAs.chat.issuer,
    }),
    tokens: () => tokens,
    saveTokens(issued) {
      tokens = issued
    },
    saveDiscoveryState(state) {
      found = state
    },
    async prepareTokenRequest(asked) {
      this.exchanges++
      const response = await fetch(world.idp.tokenEndpoint, {
        method: 'POST',
        headers: { authorization: `Basic ${btoa(`${idp.id}:${idp.secret}`)}` },
        body: new URLSearchParams({
          grant_type: grantType.tokenExchange,
          requested_token_type: tokenType.idJag,
          audience: found?.authorizationServerUrl ?? '',
          resource: found?.resourceMetadata?.resource ?? '',
          scope: asked ?? found?.resourceMetadata?.scopes_supported?.join(' ') ?? '',
          subject_token: await world.mintIdToken({ user, client }),
          subject_token_type: tokenType.idToken,
        }),
      })
      const { access_token: assertion, error } = (await response.json()) as { [name: string]: string }
      if (assertion === undefined) throw new Error(`the identity provider refused: ${error}`)
      return new URLSearchParams({ grant_type: grantType.jwtBearer, assertion })
    },
    redirectToAuthorization: nobodyIsAtABrowser,
    saveCodeVerifier: nobodyIsAtABrowser,
    codeVerifier: nobodyIsAtABrowser,
  }
}

function nobodyIsAtABrowser(): never {
  throw new Error('Cross-App Access sends nobody to a page')
}

async function connect(transport: StreamableHTTPClientTransport): Promise<Client> {
  const client = new Client({ name: 'interop', version: '1.0.0' })
  open.push(client)
  await client.connect(transport)
  return client
}

async function connectWith(authProvider: OAuthClientProvider): Promise<Client> {
  return await connect(new StreamableHTTPClientTransport(new URL(world.resources.mcp), { authProvider }))
}

async function call(client: Client, name: string, input: { [name: string]: string } = {}): Promise<unknown> {
  const { content } = await client.callTool({ name, arguments: input })
  const [first] = content as { type: string; text: string }[]
  return JSON.parse(first?.text ?? '')
}

describe('a session with a provider of the application', () => {
  it('that knows only the address lists the tools and calls them as alice', async () => {
    const provider = crossAppProvider({ client: 'assistant', user: 'alice' })
    const client = await connectWith(provider)
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['whoami', 'post_message'])
    expect(await call(client, 'whoami')).toMatchObject({
      email: 'alice@acme.example',
      client: world.clients.assistant.resourceAs.id,
    })
    const text = 'hello from an MCP client of the first generation'
    expect(await call(client, 'post_message', { text })).toMatchObject({ text, channel: 'general' })
    expect(provider.exchanges).toBe(1)
  })

  it('gets what its client may have, and ends at 403 where it needs more', async () => {
    const client = await connectWith(crossAppProvider({ client: 'notebook', user: 'bob' }))
    expect(await call(client, 'whoami')).toMatchObject({ email: 'bob@acme.example', scopes: ['chat.read'] })
    await expect(call(client, 'post_message', { text: 'not allowed' })).rejects.toMatchObject({ code: 403 })
    expect(await call(client, 'whoami')).toMatchObject({ scopes: ['chat.read'] })
  })

  it('cannot step up: the SDK hands such a provider its own scope again, and not that of the challenge', async () => {
    const provider = crossAppProvider({ client: 'assistant', user: 'alice', scope: 'chat.read' })
    const client = await connectWith(provider)
    await expect(call(client, 'post_message', { text: 'too little scope' })).rejects.toMatchObject({ code: 403 })
    expect(provider.exchanges).toBe(2)
    expect(await call(client, 'whoami')).toMatchObject({ scopes: ['chat.read'] })
  })

  it('ends with the words of the identity provider for somebody who has left', async () => {
    const left = crossAppProvider({ client: 'assistant', user: 'mallory' })
    await expect(connectWith(left)).rejects.toThrow('the identity provider refused: invalid_grant')
  })

  it("shows its credentials to no other vendor's server", async () => {
    const provider = crossAppProvider({ client: 'assistant', user: 'alice' })
    await expect(auth(provider, { serverUrl: world.resources.files })).rejects.toThrow('bound to')
    expect(provider.exchanges).toBe(0)
    expect(await auth(provider, { serverUrl: world.resources.mcp })).toBe('AUTHORIZED')
  })
})

describe('a session over our fetch', () => {
  async function connectOurs(name: ClientName): Promise<Client> {
    const { idp, resourceAs } = world.clients[name]
    const fetch = createCrossAppFetch({
      identityProvider: { issuer: world.idp.issuer, client: clientSecretBasic(idp.id, idp.secret) },
      resourceServers: {
        [world.resourceAs.chat.issuer]: {
          client: clientSecretBasic(resourceAs.id, resourceAs.secret),
          scope: 'chat.read',
        },
      },
      subject: { idToken: () => world.mintIdToken({ user: 'alice', client: name }) },
    })
    return await connect(new StreamableHTTPClientTransport(new URL(world.resources.mcp), { fetch }))
  }

  it('needs no authorization of its own, and steps up', async () => {
    const client = await connectOurs('assistant')
    expect(await call(client, 'whoami')).toMatchObject({ email: 'alice@acme.example', scopes: ['chat.read'] })
    expect(await call(client, 'post_message', { text: 'with more scope' })).toMatchObject({ text: 'with more scope' })
    expect(await call(client, 'whoami')).toMatchObject({ scopes: ['chat.read', 'chat.write'] })
  })

  it('is told 403 when there is no more scope to be had', async () => {
    const client = await connectOurs('notebook')
    await expect(call(client, 'post_message', { text: 'not allowed' })).rejects.toMatchObject({ code: 403 })
    expect(await call(client, 'whoami')).toMatchObject({ scopes: ['chat.read'] })
  })
})
