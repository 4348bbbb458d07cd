/** The MCP client, unmodified, in an application that no company manages: the address of the server in, a person asked, the tools out. */

import {
  auth,
  Client,
  IssuerMismatchError,
  type OAuthClientProvider,
  type OAuthDiscoveryState,
  type StoredOAuthClientInformation,
  type StoredOAuthTokens,
  StreamableHTTPClientTransport,
  UnauthorizedError,
} from '@modelcontextprotocol/client'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { startWorld, type World } from '../../src/testing/world.ts'
import { claimsOf } from '../fixture/tokens.ts'
import { runsIn } from './rows.ts'
import { application } from './unmanaged/mcp-application.ts'
import { endToken } from './unmanaged/tokens.ts'

runsIn(import.meta.url, '@modelcontextprotocol/client', '@modelcontextprotocol/server')

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
  application<StoredOAuthClientInformation, StoredOAuthTokens, OAuthDiscoveryState>() satisfies OAuthClientProvider
type Magpie = ReturnType<typeof magpie>

const newClient = () => {
  const client = new Client({ name: 'interop', version: '1.0.0' })
  open.push(client)
  return client
}
let streams = 0
/** Where answers with 401 wait for each other. */
let meeting: (() => Promise<void>) | undefined
/** Counts the answers to the request for a stream, which a client sends by itself once it is connected. */
const counting: typeof fetch = async (address, init) => {
  const answer = await fetch(address, init)
  if (init?.method === 'GET' && String(address) === world.resources.mcp && answer.status !== 401) streams++
  if (answer.status === 401) await meeting?.()
  return answer
}
const transport = (authProvider: Magpie, url = world.resources.mcp) =>
  new StreamableHTTPClientTransport(new URL(url), { authProvider, fetch: counting })

/** A session of somebody who said yes. */
async function connected(provider: Magpie, person = 'alice') {
  const client = newClient()
  const first = transport(provider)
  await expect(client.connect(first)).rejects.toBeInstanceOf(UnauthorizedError)
  const { callback, consent } = await provider.ask(person)
  await first.finishAuth(callback.searchParams)
  const second = transport(provider)
  const before = streams
  await client.connect(second)
  // The SDK refreshes for each request on its own: this one must not be under way when a test needs a single refresh.
  await expect.poll(() => streams).toBe(before + 1)
  return { client, consent, transport: second }
}

/** A session that was allowed to read, and not to write. */
async function reading(provider: Magpie) {
  const serverUrl = world.resources.mcp
  expect(await auth(provider, { serverUrl, scope: 'chat.read' })).toBe('REDIRECT')
  const { searchParams } = (await provider.ask('alice')).callback
  const [authorizationCode = '', iss = ''] = [searchParams.get('code') ?? '', searchParams.get('iss') ?? '']
  expect(await auth(provider, { serverUrl, authorizationCode, iss })).toBe('AUTHORIZED')
  const client = newClient()
  const there = transport(provider)
  await client.connect(there)
  return { client, transport: there }
}

/** Resolves for everybody when as many have come. */
function meetingOf(number: number): () => Promise<void> {
  const waiting: (() => void)[] = []
  return async () =>
    await new Promise((resolve) => {
      waiting.push(() => resolve())
      if (waiting.length >= number) for (const go of waiting) go()
    })
}

async function call(client: Client, name: string, input: { [name: string]: string } = {}): Promise<unknown> {
  const { content } = await client.callTool({ name, arguments: input })
  const [first] = content
  return first?.type === 'text' ? JSON.parse(first.text) : first
}

describe('an application that registers itself', () => {
  it('gets in with the address alone, once the person has signed in and said yes', async () => {
    const provider = magpie()
    const { client, consent } = await connected(provider)
    expect(consent?.heading).toContain('Magpie')
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['whoami', 'post_message'])
    const clientId = provider.clientInformation()?.client_id
    expect(await call(client, 'whoami')).toMatchObject({
      account: 'chat-alice',
      email: 'alice@acme.example',
      client: clientId,
      scopes: ['chat.read', 'chat.write'],
    })
    expect(clientId).toMatch(/^dcr-/)
    expect(claimsOf(provider.tokens()?.access_token ?? '')).toMatchObject({
      iss: world.resourceAs.chat.issuer,
      aud: world.resources.mcp,
      client_id: clientId,
    })
  })

  it('gets a new access token when the old one has expired, and nobody is asked', async () => {
    const provider = magpie()
    const { client } = await connected(provider)
    const before = provider.tokens()
    world.pass(700)
    expect(await call(client, 'whoami')).toMatchObject({ email: 'alice@acme.example' })
    expect(provider.tokens()?.access_token).not.toBe(before?.access_token)
    expect(provider.tokens()?.refresh_token).not.toBe(before?.refresh_token)
    expect(provider.sentTo).toHaveLength(1)
  })

  it('gets a new access token when the old one was ended, and nobody is asked', async () => {
    const provider = magpie()
    const { client } = await connected(provider)
    const ended = provider.tokens()?.access_token ?? ''
    await endToken(world, { token: ended, clientId: provider.clientInformation()?.client_id ?? '' })
    expect(await call(client, 'whoami')).toMatchObject({ email: 'alice@acme.example' })
    expect(provider.tokens()?.access_token).not.toBe(ended)
    expect(provider.sentTo).toHaveLength(1)
  })

  it('has the person asked again after two calls at once with an expired token: the SDK sends one refresh token twice', async () => {
    const provider = magpie()
    const { client, transport } = await connected(provider)
    world.pass(700)
    meeting = meetingOf(2)
    const both = await Promise.allSettled([call(client, 'whoami'), call(client, 'whoami')])
    meeting = undefined
    expect(both.map(({ status }) => status)).toContain('rejected')
    await transport.finishAuth((await provider.ask('alice')).callback.searchParams)
    expect(await Promise.all([call(client, 'whoami'), call(client, 'whoami')])).toHaveLength(2)
  })

  it('has the person asked again when the refresh token was ended, too', async () => {
    const provider = magpie()
    const { client, transport } = await connected(provider)
    const token = provider.tokens()?.refresh_token ?? ''
    await endToken(world, { token, clientId: provider.clientInformation()?.client_id ?? '' })
    await expect(call(client, 'whoami')).rejects.toBeInstanceOf(UnauthorizedError)
    await transport.finishAuth((await provider.ask('alice')).callback.searchParams)
    expect(await call(client, 'whoami')).toMatchObject({ email: 'alice@acme.example' })
  })

  it('steps up: the person is asked for more when a tool needs it, and then the tool works', async () => {
    const provider = magpie()
    const { client, transport } = await reading(provider)
    expect(await call(client, 'whoami')).toMatchObject({ scopes: ['chat.read'] })
    const text = 'with more scope'
    await expect(call(client, 'post_message', { text })).rejects.toBeInstanceOf(UnauthorizedError)
    expect(provider.sentTo.at(-1)?.searchParams.get('scope')).toBe('chat.read chat.write')
    await transport.finishAuth((await provider.ask('alice')).callback.searchParams)
    expect(await call(client, 'post_message', { text })).toMatchObject({ text })
    expect(await call(client, 'whoami')).toMatchObject({ scopes: ['chat.read', 'chat.write'] })
  })

  it('is told when the person says no', async () => {
    const provider = magpie()
    const first = transport(provider)
    await expect(newClient().connect(first)).rejects.toBeInstanceOf(UnauthorizedError)
    const { callback } = await provider.ask('alice', 'deny')
    await expect(first.finishAuth(callback.searchParams)).rejects.toMatchObject({ code: 'access_denied' })
    expect(provider.tokens()).toBeUndefined()
    expect(world.audit.findLast(({ action }) => action === 'consent')).toMatchObject({ reason: 'consent_denied' })
  })

  it('redeems no code that came with the issuer of another server, or with none', async () => {
    const provider = magpie()
    const first = transport(provider)
    await expect(newClient().connect(first)).rejects.toBeInstanceOf(UnauthorizedError)
    const { searchParams } = (await provider.ask('alice')).callback
    const [other, none] = [new URLSearchParams(searchParams), new URLSearchParams(searchParams)]
    other.set('iss', world.resourceAs.files.issuer)
    none.delete('iss')
    for (const wrong of [other, none]) await expect(first.finishAuth(wrong)).rejects.toBeInstanceOf(IssuerMismatchError)
    await first.finishAuth(searchParams)
    expect(provider.tokens()?.access_token).toBeTruthy()
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
