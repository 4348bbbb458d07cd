/** How the client finds the servers, and which documents it does not believe. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { clientSecretBasic, createCrossAppClient } from '../../src/client/client.ts'
import { answerOf, type Bend, type Enterprise, enterprise, secret, withMembers } from './enterprise.ts'

const resourceMetadata = '/.well-known/oauth-protected-resource/mcp'
const serverMetadata = '/.well-known/oauth-authorization-server'

let world: Enterprise
beforeEach(async () => {
  world = await enterprise()
})
afterEach(() => world.close())

async function token(url = world.resource) {
  return await createCrossAppClient(await world.options()).token(url)
}

/** No credential was sent anywhere. */
function nothingSent() {
  expect([world.count(world.idp, '/token'), world.count(world.ras, '/token')]).toEqual([0, 0])
}

function withHeader(name: string, value: string): Bend {
  return (real) => ({ ...real, headers: { ...real.headers, [name]: value } })
}

describe('the metadata of a resource', () => {
  it('is believed when it names the address called, or one above it [PR-04]', async () => {
    expect((await token()).resource).toBe(world.resource)
    expect((await token(`${world.resource}/below?x=1`)).resource).toBe(world.resource)
  })

  it.each<[string, () => unknown]>([
    ['another host', () => 'https://api.other.example/mcp'],
    ['another path', () => `${world.api.origin}/mc`],
    ['a path below', () => `${world.resource}/below`],
    ['a fragment', () => `${world.resource}#x`],
    ['a number', () => 7],
    ['nothing', () => undefined],
  ])('that names %s is discarded [PR-04]', async (_, resource) => {
    world.api.bend.set(resourceMetadata, withMembers({ resource: resource() }))
    await expect(token()).rejects.toMatchObject({
      step: 'discovery',
      stop: 'check',
      message: expect.stringContaining('another resource'),
    })
    nothingSent()
  })

  it('leads to the first authorization server the client knows [PR-06]', async () => {
    world.api.bend.set(
      resourceMetadata,
      withMembers({ authorization_servers: ['https://auth.other.example', world.ras.origin] }),
    )
    expect((await token()).authorizationServer).toBe(world.ras.origin)
  })

  it.each(['https://auth.other.example', 'toString', '__proto__'])(
    'that names only %s is refused with what to add [PR-06]',
    async (issuer) => {
      world.api.bend.set(resourceMetadata, withMembers({ authorization_servers: [issuer] }))
      await expect(token()).rejects.toMatchObject({
        step: 'discovery',
        stop: 'check',
        message: expect.stringContaining(`add "${issuer}" to resourceServers`),
      })
      nothingSent()
    },
  )

  it.each([[[]], ['https://auth.other.example'], [[7]], [undefined]])(
    'with authorization_servers %j is refused',
    async (servers) => {
      world.api.bend.set(resourceMetadata, withMembers({ authorization_servers: servers }))
      await expect(token()).rejects.toMatchObject({ step: 'discovery', stop: 'check' })
    },
  )

  it('leads past an authorization server that does not govern the resource', async () => {
    const other = 'https://auth.other.example'
    const client = clientSecretBasic('assistant-at-chat', secret)
    world.api.bend.set(resourceMetadata, withMembers({ authorization_servers: [other, world.ras.origin] }))
    const resourceServers = { [other]: { client, resources: ['https://api.other.example/'] } }
    const both = createCrossAppClient(
      await world.options({ resourceServers: { ...resourceServers, [world.ras.origin]: { client } } }),
    )
    expect((await both.token(world.resource)).authorizationServer).toBe(world.ras.origin)
    const alone = createCrossAppClient(await world.options({ resourceServers }))
    await expect(alone.token(world.resource)).rejects.toMatchObject({
      step: 'discovery',
      stop: 'check',
      message: expect.stringContaining(`not among the resources that this client takes for ${other}`),
    })
  })

  it.each([['chat.read'], [[7]], [null]])('with scopes_supported %j is refused', async (scopes) => {
    world.api.bend.set(resourceMetadata, withMembers({ scopes_supported: scopes }))
    await expect(token()).rejects.toMatchObject({
      step: 'discovery',
      stop: 'check',
      message: expect.stringContaining('scopes_supported'),
    })
    nothingSent()
  })

  it('that lists no scopes leads to a request without scope', async () => {
    world.api.bend.set(resourceMetadata, withMembers({ scopes_supported: undefined }))
    await token()
    expect(new URLSearchParams(world.idp.seen.at(-1)?.body).has('scope')).toBe(false)
    world.api.bend.delete(resourceMetadata)
    await token()
    expect(new URLSearchParams(world.idp.seen.at(-1)?.body).get('scope')).toBe('chat.read')
  })

  it.each<[string, (origin: string) => string]>([
    ['a password', (origin) => origin.replace('//', '//user:password@')],
    ['a fragment', (origin) => origin],
    ['another scheme', (origin) => `blob:${origin}`],
  ])('is not fetched from an address with %s', async (fault, change) => {
    const address = `${change(world.api.origin)}${resourceMetadata}${fault === 'a fragment' ? '#x' : ''}`
    world.api.bend.set('/mcp', withHeader('www-authenticate', `Bearer resource_metadata="${address}"`))
    await expect(token()).rejects.toMatchObject({
      step: 'discovery',
      stop: 'check',
      message: expect.stringContaining('may not be used'),
    })
    expect(world.count(world.api, resourceMetadata)).toBe(0)
  })

  it('is not fetched from another origin than the API', async () => {
    world.api.bend.set(
      '/mcp',
      withHeader('www-authenticate', `Bearer resource_metadata="${world.idp.origin}${resourceMetadata}"`),
    )
    await expect(token()).rejects.toMatchObject({
      step: 'discovery',
      stop: 'check',
      message: expect.stringContaining('another origin'),
    })
    expect(world.idp.seen).toEqual([])
  })

  it('is missed in words an operator can act on', async () => {
    world.api.bend.set('/mcp', withHeader('www-authenticate', 'Basic realm="x"'))
    world.api.bend.set(resourceMetadata, answerOf(404, {}))
    await expect(token()).rejects.toMatchObject({
      step: 'discovery',
      message: expect.stringContaining('there is no resource metadata at'),
    })
  })
})

describe('the metadata of an authorization server', () => {
  it.each(['https://auth.other.example', undefined])(
    'that says issuer %s is discarded [FL-ISS-07] [MD-03]',
    async (issuer) => {
      world.ras.bend.set(serverMetadata, withMembers({ issuer }))
      await expect(token()).rejects.toMatchObject({ step: 'discovery', stop: 'check', server: world.ras.origin })
      nothingSent()
    },
  )

  it('of the identity provider that says another issuer is discarded [MD-03]', async () => {
    world.idp.bend.set(serverMetadata, withMembers({ issuer: `${world.idp.origin}/` }))
    await expect(token()).rejects.toMatchObject({ step: 'discovery', stop: 'check', server: world.idp.origin })
    nothingSent()
  })

  it.each(['http://auth.other.example/token', 'ftp://127.0.0.1/token', '/token', 7, undefined])(
    'with the token endpoint %s is refused before a credential is sent',
    async (endpoint) => {
      world.ras.bend.set(serverMetadata, withMembers({ token_endpoint: endpoint }))
      await expect(token()).rejects.toMatchObject({ step: 'discovery', stop: 'check', server: world.ras.origin })
      nothingSent()
    },
  )

  it('need not say that Cross-App Access is offered [META-09] [VER-11]', async () => {
    world.ras.bend.set(
      serverMetadata,
      withMembers({ authorization_grant_profiles_supported: undefined, grant_types_supported: undefined }),
    )
    await expect(token()).resolves.toBeDefined()
  })

  it('is read once for many tokens, and again after ten minutes', async () => {
    const client = createCrossAppClient(await world.options())
    world.ras.bend.set('/token', withMembers({ expires_in: 40 }))
    await client.token(world.resource)
    world.clock.now += 20
    await client.token(world.resource)
    expect([world.count(world.ras, serverMetadata), world.count(world.ras, '/token')]).toEqual([1, 2])
    world.clock.now += 580
    await client.token(world.resource)
    expect(world.count(world.ras, serverMetadata)).toBe(2)
  })
})
