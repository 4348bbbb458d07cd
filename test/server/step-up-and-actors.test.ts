/** A better sign-in and an actor from the configuration on: two servers over HTTP, and a foreign issuer for people and workloads. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { grantType, tokenType } from '../../src/protocol/names.ts'
import { readConfig } from '../../src/server/config.ts'
import { ConfigError } from '../../src/server/problems.ts'
import { claimsOf } from '../fixture/tokens.ts'
import { type Deployment, deploy } from './deployment.ts'
import { environment, example, exampleFolder } from './example.ts'

const login = 'https://login.example.com/tenant/v2.0'
const workload = { sub: 'spiffe://acme/agent', client: 'assistant', name: 'assistant-prod', profile: 'ai_agent' }
const [client] = example.idp.clients
const [clientThere] = example.resourceAs.clients
const [connection] = example.idp.connections
const [trusted] = example.resourceAs.trustedIssuers
const [api] = example.resourceAs.resources

let place: Deployment
beforeAll(async () => {
  place = await deploy(1, {
    idp: (idp) => ({
      ...idp,
      clients: [{ ...client, actor: 'workload' }],
      workloadIssuers: [{ issuer: login, workloads: [workload] }],
      connections: [
        {
          ...connection,
          scopes: ['chat.read', { name: 'chat.write', signIn: { acr: ['hwk'], maxAge: 120 } }],
          signIn: {},
        },
      ],
    }),
    resourceAs: (server) => ({
      ...server,
      copyActor: true,
      resources: [{ ...api, signIn: { maxAge: 600 } }],
      clients: [{ ...clientThere, signIn: { acr: ['pwd', 'hwk'] } }],
      trustedIssuers: [{ ...trusted, actors: ['assistant-prod'] }],
    }),
  })
})
afterAll(() => place.close())

describe('configured', () => {
  it('[IDP-29] [D-22] a scope, a client and a resource each demand their sign-in', async () => {
    const weak = await place.exchange(0, await place.idToken({ acr: 'pwd' }), 'chat.write')
    expect(weak.body).toMatchObject({ error: 'insufficient_user_authentication', acr_values: 'hwk', max_age: 120 })
    const without = await place.exchange(0, await place.idToken())
    expect((await place.redeem(0, without.body.access_token)).body).toMatchObject({
      error: 'insufficient_user_authentication',
      acr_values: 'pwd hwk',
      max_age: 600,
    })
    const strong = await place.exchange(0, await place.idToken({ acr: 'hwk' }), 'chat.write')
    const access = await place.redeem(0, strong.body.access_token)
    expect(access).toMatchObject({ status: 200, body: { scope: 'chat.write' } })
    expect(claimsOf(String(access.body.access_token))).toMatchObject({ acr: 'hwk', auth_time: expect.any(Number) })
  })

  it('[IDP-10] [SEC-07] a workload is the actor, as far as the access token', async () => {
    const iat = Math.floor(Date.now() / 1000)
    const exchangeWith = async (actor: object) => {
      const response = await fetch(`${place.idp}/token`, {
        method: 'POST',
        headers: { authorization: `Basic ${btoa(`assistant:${environment.ASSISTANT_SECRET}`)}` },
        body: new URLSearchParams({
          grant_type: grantType.tokenExchange,
          requested_token_type: tokenType.idJag,
          audience: place.chat,
          scope: 'chat.read',
          subject_token: await place.idToken({ acr: 'pwd' }),
          subject_token_type: tokenType.idToken,
          actor_token: await place.idToken({ sub: workload.sub, aud: place.idp, iat, exp: iat + 60, ...actor }),
          actor_token_type: tokenType.jwt,
        }),
      })
      return (await response.json()) as { access_token: string; error?: string; error_description?: string }
    }
    const act = { iss: place.idp, sub: 'assistant-prod', sub_profile: 'ai_agent' }
    const { access_token } = await exchangeWith({})
    const access = await place.redeem(0, access_token)
    expect(claimsOf(String(access.body.access_token))).toMatchObject({ sub: 'a-1', act })
    expect((await exchangeWith({ sub: 'spiffe://acme/other' })).error).toBe('invalid_grant')
    expect((await exchangeWith({ aud: 'https://other' })).error).toBe('invalid_grant')
    const off = { issuer: place.login, audience: place.idp }
    await place.administer('block', off)
    const soon = { timeout: 15_000, interval: 100 }
    await expect.poll(async () => (await exchangeWith({})).error_description, soon).toMatch(/^actor_token: /)
    await place.administer('unblock', off)
    await expect.poll(async () => (await exchangeWith({})).access_token, soon).toBeDefined()
  })
})

describe('a configuration', () => {
  const problemsOf = async (idp: object) => {
    const folder = await exampleFolder()
    try {
      await readConfig(await folder.write({ ...example, idp: { ...example.idp, ...idp } }), environment)
      return []
    } catch (error) {
      if (error instanceof ConfigError) return error.problems.map(({ path, message }) => `${path} ${message}`)
      throw error
    } finally {
      await folder.remove()
    }
  }

  it.each<[string, object, string[]]>([
    ['with keys for its own assertion has no problem', { clients: [{ ...client, actor: 'own-assertion' }] }, []],
    [
      'without keys for it has one',
      {
        clients: [
          {
            id: 'assistant',
            authMethods: ['client_secret_basic'],
            secret: { env: 'ASSISTANT_SECRET' },
            actor: 'own-assertion',
          },
        ],
      },
      ['idp.clients[0].actor needs keys of the client'],
    ],
    [
      'without the workload has one',
      { clients: [{ ...client, actor: 'workload' }] },
      ['idp.clients[0].actor needs a workload that the client runs as'],
    ],
    [
      'with a kind of actor and no actor has one',
      { clients: [{ ...client, actorProfile: 'ai_agent' }] },
      ['idp.clients[0].actorProfile is of no use here'],
    ],
    [
      'with a workload of a client nobody knows has one',
      { workloadIssuers: [{ issuer: login, workloads: [{ ...workload, client: 'asistant' }] }] },
      ['idp.workloadIssuers[0].workloads[0].client names no client'],
    ],
    [
      'with a class that holds a space has one',
      { connections: [{ ...connection, signIn: { acr: ['a b'] } }] },
      ['idp.connections[0].signIn.acr[0] must be visible characters without space, quote and backslash'],
    ],
  ])('%s', async (_, idp, problems) => {
    expect(await problemsOf(idp)).toEqual(problems)
  })
})
