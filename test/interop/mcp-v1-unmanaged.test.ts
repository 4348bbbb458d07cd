/** The MCP client of the first generation, unmodified, in an application that no company manages and nobody registered. */

import {
  auth,
  type OAuthClientProvider,
  type OAuthDiscoveryState,
  UnauthorizedError,
} from '@modelcontextprotocol/sdk/client/auth.js'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { OAuthClientInformationMixed, OAuthTokens } from '@modelcontextprotocol/sdk/shared/auth.js'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { startWorld, type World } from '../../src/testing/world.ts'
import { runsIn } from './rows.ts'
import { application } from './unmanaged/mcp-application.ts'
import { endToken } from './unmanaged/tokens.ts'

runsIn(import.meta.url, '@modelcontextprotocol/sdk', '@modelcontextprotocol/server')

let world: World
const open: Client[] = []
beforeAll(async () => {
  world = await startWorld({ registration: true })
})
afterEach(async () => {
  for (const client of open.splice(0)) await client.close()
})
afterAll(() => world.close())

const magpie = () =>
  application<OAuthClientInformationMixed, OAuthTokens, OAuthDiscoveryState>() satisfies OAuthClientProvider
type Magpie = ReturnType<typeof magpie>

const newClient = () => {
  const client = new Client({ name: 'interop', version: '1.0.0' })
  open.push(client)
  return client
}
let streams = 0
/** Counts the answers to the request for a stream, which a client sends by itself once it is connected. */
const counting: typeof fetch = async (address, init) => {
  const answer = await fetch(address, init)
  if (init?.method === 'GET' && String(address) === world.resources.mcp && answer.status !== 401) streams++
  return answer
}
const transport = (authProvider: Magpie, url = world.resources.mcp) =>
  new StreamableHTTPClientTransport(new URL(url), { authProvider, fetch: counting })

async function connectedWith(provider: Magpie): Promise<{ client: Client; transport: StreamableHTTPClientTransport }> {
  const [client, there, before] = [newClient(), transport(provider), streams]
  await client.connect(there)
  // The SDK refreshes for each request on its own: this one must not be under way when a test needs a single refresh.
  await expect.poll(() => streams).toBe(before + 1)
  return { client, transport: there }
}

/** A session of somebody who said yes. */
async function connected(provider: Magpie) {
  const first = transport(provider)
  await expect(newClient().connect(first)).rejects.toBeInstanceOf(UnauthorizedError)
  await first.finishAuth(await codeOf(provider))
  return await connectedWith(provider)
}

async function codeOf(provider: Magpie): Promise<string> {
  return (await provider.ask('alice')).callback.searchParams.get('code') ?? ''
}

async function call(client: Client, name: string, input: { [name: string]: string } = {}): Promise<unknown> {
  const { content } = await client.callTool({ name, arguments: input })
  const [first] = content as { type: string; text: string }[]
  return JSON.parse(first?.text ?? '')
}

describe('an application that registers itself', () => {
  it('gets in with the address alone, once the person has signed in and said yes', async () => {
    const provider = magpie()
    const { client } = await connected(provider)
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['whoami', 'post_message'])
    expect(await call(client, 'whoami')).toMatchObject({
      account: 'chat-alice',
      client: expect.stringMatching(/^dcr-/),
      scopes: ['chat.read', 'chat.write'],
    })
  })

  it('gets a new access token when the old one has expired or was ended, and nobody is asked', async () => {
    const provider = magpie()
    const { client } = await connected(provider)
    const first = provider.tokens()?.access_token ?? ''
    world.pass(700)
    expect(await call(client, 'whoami')).toMatchObject({ email: 'alice@acme.example' })
    const second = provider.tokens()?.access_token ?? ''
    expect(second).not.toBe(first)
    await endToken(world, { token: second, clientId: provider.clientInformation()?.client_id ?? '' })
    const { client: next } = await connectedWith(provider)
    expect(await call(next, 'whoami')).toMatchObject({ email: 'alice@acme.example' })
    expect(provider.tokens()?.access_token).not.toBe(second)
    expect(provider.sentTo).toHaveLength(1)
  })

  it('cannot step up while it has a refresh token: the SDK refreshes at 403, which gives no more than before', async () => {
    const provider = magpie()
    const serverUrl = world.resources.mcp
    expect(await auth(provider, { serverUrl, scope: 'chat.read' })).toBe('REDIRECT')
    expect(await auth(provider, { serverUrl, authorizationCode: await codeOf(provider) })).toBe('AUTHORIZED')
    const { client } = await connectedWith(provider)
    expect(await call(client, 'whoami')).toMatchObject({ scopes: ['chat.read'] })
    await expect(call(client, 'post_message', { text: 'too little scope' })).rejects.toMatchObject({ code: 403 })
    expect(provider.sentTo).toHaveLength(1)
    // What an application can do itself: begin anew with all of the scope.
    provider.invalidateCredentials('tokens')
    expect(await auth(provider, { serverUrl, scope: 'chat.read chat.write' })).toBe('REDIRECT')
    expect(await auth(provider, { serverUrl, authorizationCode: await codeOf(provider) })).toBe('AUTHORIZED')
    const text = 'with more scope'
    expect(await call(client, 'post_message', { text })).toMatchObject({ text })
  })

  it('brings back no code when the person says no', async () => {
    const provider = magpie()
    await expect(newClient().connect(transport(provider))).rejects.toBeInstanceOf(UnauthorizedError)
    const { searchParams } = (await provider.ask('alice', 'deny')).callback
    expect([searchParams.get('error'), searchParams.get('code')]).toEqual(['access_denied', null])
    expect(await codeOf(provider)).toBeTruthy()
  })
})

describe('an application that can neither register itself nor show a document', () => {
  it('is told so before anybody is sent to a page', async () => {
    const closed = await startWorld()
    try {
      const provider = magpie()
      const connecting = newClient().connect(transport(provider, closed.resources.mcp))
      await expect(connecting).rejects.toThrow('does not support dynamic client registration')
      expect(provider.sentTo).toEqual([])
    } finally {
      await closed.close()
    }
  })
})
