/** How the client finds the servers, and which documents it does not believe. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createCrossAppClient } from '../../src/client/client.ts'
import { answerOf, type Bend, type Enterprise, enterprise, withMembers } from './enterprise.ts'

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
  it.each(['https://auth.other.example', undefined])('that says issuer %s is discarded [MD-03]', async (issuer) => {
    world.ras.bend.set(serverMetadata, withMembers({ issuer }))
    await expect(token()).rejects.toMatchObject({ step: 'discovery', stop: 'check', server: world.ras.origin })
    nothingSent()
  })

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

  it('need not say that Cross-App Access is offered [META-09]', async () => {
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

describe('a document', () => {
  it.each<[string, Bend, string]>([
    ['larger than 256 KiB', () => ({ status: 200, headers: {}, body: `{"x":"${'y'.repeat(300_000)}"}` }), 'network'],
    ['behind a redirect', () => ({ status: 302, headers: { location: 'http://127.0.0.1:1/' }, body: '' }), 'network'],
    ['that is HTML', () => ({ status: 200, headers: { 'content-type': 'text/html' }, body: '<html>' }), 'check'],
    ['with a member twice', () => ({ status: 200, headers: {}, body: '{"resource":"a","resource":"b"}' }), 'check'],
    ['of a server in trouble', () => ({ status: 500, headers: {}, body: '' }), 'network'],
  ])('%s is not used', async (_, bend, stop) => {
    for (const [server, path] of [
      [world.api, resourceMetadata],
      [world.ras, serverMetadata],
    ] as const) {
      server.bend.set(path, bend)
      await expect(token()).rejects.toMatchObject({ step: 'discovery', stop })
      server.bend.delete(path)
    }
    nothingSent()
    await expect(token()).resolves.toBeDefined()
  })

  it('that redirects the token request takes no credential along', async () => {
    world.idp.bend.set('/token', () => ({
      status: 307,
      headers: { location: `${world.api.origin}/elsewhere` },
      body: '{}',
    }))
    await expect(token()).rejects.toMatchObject({ step: 'exchange', stop: 'network', status: 307 })
    expect(world.count(world.api, '/elsewhere')).toBe(0)
  })

  it('that does not come in time is a matter of the network', async () => {
    world.ras.bend.set(serverMetadata, () => new Promise(() => {}))
    const options = await world.options({ timeout: 0.05 })
    await expect(createCrossAppClient(options).token(world.resource)).rejects.toMatchObject({
      stop: 'network',
      message: expect.stringContaining('within 0.05 s'),
    })
  })

  it('of a server that is not there names the address', async () => {
    await world.ras.close()
    await expect(token()).rejects.toMatchObject({
      step: 'discovery',
      stop: 'network',
      message: expect.stringContaining(world.ras.origin),
    })
  })
})
