/** The client's `fetch` from the first call to the answer, against real servers. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { clientSecretBasic, createCrossAppClient, createCrossAppFetch, privateKeyJwt } from '../../src/client/client.ts'
import { type Enterprise, enterprise, secret } from './enterprise.ts'

let world: Enterprise
beforeEach(async () => {
  world = await enterprise()
})
afterEach(() => world.close())

describe('the whole way', () => {
  it('needs only the address of the API [T-01]', async () => {
    const fetch = createCrossAppFetch(await world.options())
    const response = await fetch(world.resource)
    expect(response.status).toBe(200)
    expect(await response.json()).toEqual({ messages: ['hello, alice'] })
    expect(world.steps.map(({ name, answer }) => [name, answer.status])).toEqual([
      ['call', 401],
      ['resource-metadata', 200],
      ['authorization-server-metadata', 200],
      ['identity-provider-metadata', 200],
      ['exchange', 200],
      ['redemption', 200],
      ['call', 200],
    ])
  })

  it('asks for the audience, resource and scope that the metadata say, to the letter [CL-02] [CL-05] [FL-ISS-07] [EMA-01] [EMA-02]', async () => {
    await createCrossAppFetch(await world.options())(world.resource)
    const sent = (name: string) =>
      Object.fromEntries(new URLSearchParams(world.steps.find((step) => step.name === name)?.request.body))
    expect(sent('exchange')).toMatchObject({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      requested_token_type: 'urn:ietf:params:oauth:token-type:id-jag',
      subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
      audience: world.ras.origin,
      resource: world.resource,
      scope: 'chat.read',
      client_id: 'assistant',
      client_secret: secret,
    })
    expect(sent('redemption')).toEqual({
      grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
      assertion: expect.any(String),
      resource: world.resource,
      scope: 'chat.read',
    })
  })

  it('authenticates with a private key at both servers', async () => {
    const { origin } = world.ras
    const options = await world.options({
      identityProvider: { issuer: world.idp.origin, client: privateKeyJwt('assistant', world.clientKey) },
      resourceServers: { [origin]: { client: privateKeyJwt('assistant-at-chat', world.clientKey) } },
    })
    expect((await createCrossAppFetch(options)(world.resource)).status).toBe(200)
  })

  it('asks no metadata of an identity provider whose token endpoint it was told', async () => {
    const options = await world.options()
    const identityProvider = { ...options.identityProvider, tokenEndpoint: `${world.idp.origin}/token` }
    expect((await createCrossAppFetch({ ...options, identityProvider })(world.resource)).status).toBe(200)
    expect(world.steps.map(({ name }) => name)).not.toContain('identity-provider-metadata')
  })

  it('gives the token itself to those who call by other means', async () => {
    const token = await createCrossAppClient(await world.options()).token(world.resource)
    expect(token).toMatchObject({
      resource: world.resource,
      authorizationServer: world.ras.origin,
      scopes: ['chat.read'],
      expiresAt: world.clock.now + 600,
    })
    const response = await fetch(world.resource, { headers: { authorization: `Bearer ${token.token}` } })
    expect(response.status).toBe(200)
  })

  it('finds the metadata at the well-known address when the challenge does not say where', async () => {
    world.api.bend.set('/mcp', (real) =>
      real.status === 401 ? { ...real, headers: { ...real.headers, 'www-authenticate': 'Bearer' } } : real,
    )
    expect((await createCrossAppFetch(await world.options())(world.resource)).status).toBe(200)
  })

  it('takes the scope of the challenge before that of the options and the metadata', async () => {
    const { origin } = world.ras
    const resourceServers = {
      [origin]: { client: clientSecretBasic('assistant-at-chat', secret), scope: 'chat.write' },
    }
    const byOption = await createCrossAppClient(await world.options({ resourceServers })).token(world.resource)
    expect(byOption.scopes).toEqual(['chat.write'])
    world.api.bend.set('/mcp', (real) => ({
      ...real,
      headers: {
        ...real.headers,
        'www-authenticate': `Bearer scope="chat.read", ${real.headers['www-authenticate']?.slice(7)}`,
      },
    }))
    const byChallenge = await createCrossAppClient(await world.options({ resourceServers })).token(world.resource)
    expect(byChallenge.scopes).toEqual(['chat.read'])
  })
})

describe('tokens that are kept', () => {
  it('are used until shortly before they expire, and then renewed without a refused call [OKTA-11]', async () => {
    const fetch = createCrossAppFetch(await world.options())
    await fetch(world.resource)
    world.clock.now += 569
    await fetch(`${world.resource}/below`)
    expect([world.count(world.idp, '/token'), world.count(world.ras, '/token')]).toEqual([1, 1])
    world.clock.now += 1
    expect((await fetch(world.resource)).status).toBe(200)
    expect([world.count(world.idp, '/token'), world.count(world.ras, '/token')]).toEqual([2, 2])
    expect(world.steps.filter(({ name, answer }) => name === 'call' && answer.status === 401)).toHaveLength(1)
  })

  it('are not kept when the server does not say how long they live', async () => {
    world.ras.bend.set('/token', (real) => ({
      ...real,
      body: JSON.stringify({ ...JSON.parse(real.body), expires_in: undefined }),
    }))
    const fetch = createCrossAppFetch(await world.options())
    await fetch(world.resource)
    expect((await fetch(world.resource)).status).toBe(200)
    expect(world.count(world.ras, '/token')).toBe(2)
  })

  it('are dropped when the API refuses them, and one new flow is made [CL-06] [T59]', async () => {
    const fetch = createCrossAppFetch(await world.options())
    await fetch(world.resource)
    let refusals = 0
    world.api.bend.set('/mcp', (real) => {
      if (refusals++ > 0) return real
      return { ...real, status: 401, headers: { 'www-authenticate': 'Bearer error="invalid_token"' }, body: '' }
    })
    expect((await fetch(world.resource)).status).toBe(200)
    expect(world.count(world.ras, '/token')).toBe(2)
  })

  it('cost one flow however many callers wait for them', async () => {
    const fetch = createCrossAppFetch(await world.options())
    const answers = await Promise.all(Array.from({ length: 10 }, () => fetch(world.resource)))
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200))
    expect([world.count(world.idp, '/token'), world.count(world.ras, '/token')]).toEqual([1, 1])
  })

  it('never leave the resource they were issued for', async () => {
    const fetch = createCrossAppFetch(await world.options())
    await fetch(world.resource)
    await expect(fetch(`${world.api.origin}/elsewhere`)).rejects.toMatchObject({ step: 'discovery', stop: 'check' })
    expect(
      world.api.seen.filter(({ path }) => path === '/elsewhere').map(({ headers }) => headers.authorization),
    ).toEqual([undefined])
    expect((await fetch(`${world.resource}/below`)).status).toBe(200)
  })
})
