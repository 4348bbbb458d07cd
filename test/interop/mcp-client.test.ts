/** The MCP client, unmodified: its three functions for Cross-App Access, and a whole session that knows only the server's address. */

import {
  Client,
  CrossAppAccessProvider,
  DpopSession,
  discoverAndRequestJwtAuthGrant,
  exchangeJwtAuthGrant,
  InsufficientScopeError,
  requestJwtAuthorizationGrant,
  StreamableHTTPClientTransport,
  type StreamableHTTPClientTransportOptions,
} from '@modelcontextprotocol/client'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { grantType, tokenType } from '../../src/protocol/names.ts'
import { startWorld, type World } from '../../src/testing/world.ts'
import { claimsOf } from '../fixture/tokens.ts'
import { runsIn } from './rows.ts'

runsIn(import.meta.url, '@modelcontextprotocol/client', '@modelcontextprotocol/server')

let world: World
beforeAll(async () => {
  world = await startWorld()
})
afterAll(() => world.close())

type Request = Parameters<typeof requestJwtAuthorizationGrant>[0]

/** What the assistant asks the identity provider for. Its secret goes in the form: the functions know no other way. */
async function request(change: Partial<Request> = {}): Promise<Omit<Request, 'tokenEndpoint'>> {
  const { id: clientId, secret: clientSecret } = world.clients.assistant.idp
  const idToken = await world.mintIdToken({ user: 'alice', client: 'assistant' })
  const { issuer: audience } = world.resourceAs.chat
  return { audience, resource: world.resources.mcp, idToken, clientId, clientSecret, scope: 'chat.read', ...change }
}

describe('the functions', () => {
  it('requestJwtAuthorizationGrant and exchangeJwtAuthGrant make the two requests', async () => {
    const { tokenEndpoint } = world.idp
    const exchanged = await requestJwtAuthorizationGrant({ tokenEndpoint, ...(await request()) })
    expect(exchanged).toEqual({ jwtAuthGrant: expect.any(String), expiresIn: 300, scope: 'chat.read' })
    const { id: clientId, secret: clientSecret } = world.clients.assistant.resourceAs
    const redeemed = await exchangeJwtAuthGrant({
      tokenEndpoint: world.resourceAs.chat.tokenEndpoint,
      jwtAuthGrant: exchanged.jwtAuthGrant,
      clientId,
      clientSecret,
    })
    expect(redeemed).toMatchObject({ token_type: 'Bearer', expires_in: 600, scope: 'chat.read' })
  })

  it.each(['client_secret_basic', 'client_secret_post'] as const)(
    'discoverAndRequestJwtAuthGrant finds the identity provider by its issuer, and %s redeems what it gives',
    async (authMethod) => {
      const { jwtAuthGrant } = await discoverAndRequestJwtAuthGrant({
        idpUrl: world.idp.issuer,
        ...(await request()),
      })
      expect(claimsOf(jwtAuthGrant)).toMatchObject({ iss: world.idp.issuer, aud: world.resourceAs.chat.issuer })
      const { id: clientId, secret: clientSecret } = world.clients.assistant.resourceAs
      const { tokenEndpoint } = world.resourceAs.chat
      const redeemed = await exchangeJwtAuthGrant({ tokenEndpoint, jwtAuthGrant, clientId, clientSecret, authMethod })
      expect(redeemed).toMatchObject({ token_type: 'Bearer' })
    },
  )

  it('give code and sentence of a refusal', async () => {
    const { tokenEndpoint } = world.idp
    const unknown = await request({ audience: 'https://nobody.example' })
    await expect(requestJwtAuthorizationGrant({ tokenEndpoint, ...unknown })).rejects.toThrow(
      'Token exchange failed: invalid_target - audience: unknown, or not connected for this client',
    )
    const { jwtAuthGrant } = await requestJwtAuthorizationGrant({ tokenEndpoint, ...(await request()) })
    const { id: clientId, secret: clientSecret } = world.clients.assistant.resourceAs
    const redeem = () =>
      exchangeJwtAuthGrant({ tokenEndpoint: world.resourceAs.chat.tokenEndpoint, jwtAuthGrant, clientId, clientSecret })
    expect(await redeem()).toMatchObject({ token_type: 'Bearer' })
    await expect(redeem()).rejects.toThrow('JWT grant exchange failed: invalid_grant - assertion: was redeemed before')
  })
})

describe('a session', () => {
  const open: Client[] = []
  afterEach(async () => {
    for (const client of open.splice(0)) await client.close()
  })

  async function connect(
    authProvider: CrossAppAccessProvider,
    options: StreamableHTTPClientTransportOptions = {},
  ): Promise<Client> {
    const client = new Client({ name: 'interop', version: '1.0.0' })
    open.push(client)
    const url = new URL(world.resources.mcp)
    await client.connect(new StreamableHTTPClientTransport(url, { ...options, authProvider }))
    return client
  }

  /** As the README of the MCP client has it. `scope` narrows what is asked for first. */
  function assistant(scope?: string): CrossAppAccessProvider {
    const { id: clientId, secret: clientSecret } = world.clients.assistant.resourceAs
    let first = true
    return new CrossAppAccessProvider({
      clientId,
      clientSecret,
      expectedIssuer: world.resourceAs.chat.issuer,
      async assertion(context) {
        const asked = first && scope !== undefined ? scope : context.scope
        first = false
        const { jwtAuthGrant } = await discoverAndRequestJwtAuthGrant({
          idpUrl: world.idp.issuer,
          ...(await request({ audience: context.authorizationServerUrl, resource: context.resourceUrl })),
          ...(asked === undefined ? {} : { scope: asked }),
          fetchFn: context.fetchFn,
        })
        return jwtAuthGrant
      },
    })
  }

  /** A client registered for HTTP Basic alone makes the first request itself. */
  function notebook(): CrossAppAccessProvider {
    const { id: clientId, secret: clientSecret } = world.clients.notebook.resourceAs
    const { id, secret } = world.clients.notebook.idp
    return new CrossAppAccessProvider({
      clientId,
      clientSecret,
      expectedIssuer: world.resourceAs.chat.issuer,
      async assertion({ authorizationServerUrl, resourceUrl, scope }) {
        const response = await fetch(world.idp.tokenEndpoint, {
          method: 'POST',
          headers: { authorization: `Basic ${btoa(`${id}:${secret}`)}` },
          body: new URLSearchParams({
            grant_type: grantType.tokenExchange,
            requested_token_type: tokenType.idJag,
            audience: authorizationServerUrl,
            resource: resourceUrl,
            scope: scope ?? '',
            subject_token: await world.mintIdToken({ user: 'bob', client: 'notebook' }),
            subject_token_type: tokenType.idToken,
          }),
        })
        return ((await response.json()) as { access_token: string }).access_token
      },
    })
  }

  async function call(client: Client, name: string, input: { [name: string]: string } = {}): Promise<unknown> {
    const { content } = await client.callTool({ name, arguments: input })
    const [first] = content
    return first?.type === 'text' ? JSON.parse(first.text) : first
  }

  it('whose provider has dpop() gets a bound access token and calls tools with it', async () => {
    const session = await DpopSession.create()
    const provider = Object.assign(assistant(), { dpop: () => session })
    const client = await connect(provider)
    expect(await call(client, 'whoami')).toMatchObject({ email: 'alice@acme.example' })
    const tokens = await provider.tokens()
    expect(tokens?.token_type).toBe('DPoP')
    expect(claimsOf(tokens?.access_token ?? '').cnf).toEqual({ jkt: session.thumbprint })
  })

  it('that knows only the address lists the tools and calls them as alice', async () => {
    const client = await connect(assistant())
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['whoami', 'post_message'])
    expect(await call(client, 'whoami')).toMatchObject({
      email: 'alice@acme.example',
      client: world.clients.assistant.resourceAs.id,
    })
    const text = 'hello from an MCP client'
    expect(await call(client, 'post_message', { text })).toMatchObject({ text, channel: 'general' })
  })

  it('steps up: a tool that lacks scope gets it, and the call is repeated', async () => {
    const client = await connect(assistant('chat.read'))
    expect(await call(client, 'whoami')).toMatchObject({ scopes: ['chat.read'] })
    expect(await call(client, 'post_message', { text: 'with more scope' })).toMatchObject({ text: 'with more scope' })
    expect(await call(client, 'whoami')).toMatchObject({ scopes: ['chat.read', 'chat.write'] })
  })

  it('that does not want to step up is told the scope that is missing', async () => {
    const client = await connect(assistant('chat.read'), { onInsufficientScope: 'throw' })
    const refused = call(client, 'post_message', { text: 'too little scope' })
    await expect(refused).rejects.toBeInstanceOf(InsufficientScopeError)
    await expect(refused).rejects.toMatchObject({ requiredScope: 'chat.write' })
    expect(await call(client, 'whoami')).toMatchObject({ scopes: ['chat.read'] })
  })

  it('of a client without chat.write reads, and ends at 403 when it writes', async () => {
    const client = await connect(notebook())
    expect(await call(client, 'whoami')).toMatchObject({ email: 'bob@acme.example', scopes: ['chat.read'] })
    await expect(call(client, 'post_message', { text: 'not allowed' })).rejects.toMatchObject({ status: 403 })
    expect(await call(client, 'whoami')).toMatchObject({ scopes: ['chat.read'] })
  })

  it('ends with the words of the identity provider when the company has not connected the server', async () => {
    const { id: clientId, secret: clientSecret } = world.clients.assistant.resourceAs
    const stranger = new CrossAppAccessProvider({
      clientId,
      clientSecret,
      expectedIssuer: world.resourceAs.chat.issuer,
      async assertion() {
        const wrong = await request({ audience: 'https://nobody.example' })
        return (await discoverAndRequestJwtAuthGrant({ idpUrl: world.idp.issuer, ...wrong })).jwtAuthGrant
      },
    })
    await expect(connect(stranger)).rejects.toThrow('invalid_target')
  })
})
