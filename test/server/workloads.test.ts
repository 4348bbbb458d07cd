/** Workloads as subjects from the configuration on: two servers over HTTP, a client that is one, and a platform. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { grantType, tokenType } from '../../src/protocol/names.ts'
import { readConfig } from '../../src/server/config.ts'
import { ConfigError } from '../../src/server/problems.ts'
import { claimsOf } from '../fixture/tokens.ts'
import { type Deployment, deploy } from './deployment.ts'
import { environment, example, exampleFolder } from './example.ts'

const login = 'https://login.example.com/tenant/v2.0'
const branches = { 'workload-agent-principal': true }
const listed = { sub: 'spiffe://acme/agent', client: 'assistant', name: 'assistant-prod', profile: 'ai_agent' }
const [client] = example.idp.clients
const [connection] = example.idp.connections
const [trusted] = example.resourceAs.trustedIssuers
const workloads = ['assistant-prod', 'assistant-itself']
const { everyone: _, signIn: __, ...open } = { ...connection, signIn: {} }
const idpPart = {
  branches,
  clients: [{ ...client, workload: { name: 'assistant-itself' } }],
  workloadIssuers: [{ issuer: login, workloads: [listed] }],
  connections: [{ ...open, workloads, scopes: ['chat.read', { name: 'chat.write', workloads: ['assistant-itself'] }] }],
}

let place: Deployment
beforeAll(async () => {
  place = await deploy(1, {
    idp: (idp) => ({ ...idp, ...idpPart }),
    resourceAs: (server) => ({
      ...server,
      branches,
      trustedIssuers: [{ ...trusted, workloads: 'accept', unknownUsers: 'create' }],
    }),
  })
})
afterAll(() => place.close())

it('[FL-WL-01] [FL-WL-02] [FL-WL-03] a workload that an administrator let in reaches an account of its own', async () => {
  const iat = Math.floor(Date.now() / 1000)
  const exchangeWith = async (claims: object) => {
    const response = await fetch(`${place.idp}/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`assistant:${environment.ASSISTANT_SECRET}`)}` },
      body: new URLSearchParams({
        grant_type: grantType.tokenExchange,
        requested_token_type: tokenType.idJag,
        audience: place.chat,
        subject_token: await place.idToken({ sub: listed.sub, aud: place.idp, iat, exp: iat + 60, ...claims }),
        subject_token_type: tokenType.jwt,
      }),
    })
    return (await response.json()) as { access_token: string; scope?: string; error?: string }
  }
  const { access_token, scope } = await exchangeWith({ email: 'alice@acme.example', email_verified: true })
  expect(scope).toBe('chat.read')
  expect(claimsOf(access_token)).toMatchObject({ sub: 'assistant-prod', sub_profile: 'ai_agent' })
  expect(claimsOf(access_token)).not.toHaveProperty('email')
  const access = await place.redeem(0, access_token)
  const { sub, sub_profile } = claimsOf(String(access.body.access_token))
  expect(sub_profile).toBe('ai_agent')
  expect(sub).not.toBe('a-1')
  expect((await exchangeWith({ sub: 'spiffe://acme/other' })).error).toBe('invalid_grant')
})

describe('a configuration', () => {
  const problemsOf = async (idp: object, resourceAs: object = {}) => {
    const folder = await exampleFolder()
    const config = {
      ...example,
      idp: { ...example.idp, ...idp },
      resourceAs: { ...example.resourceAs, ...resourceAs },
    }
    try {
      await readConfig(await folder.write(config), environment)
      return []
    } catch (error) {
      if (error instanceof ConfigError) return error.problems.map(({ path, message }) => `${path} ${message}`)
      throw error
    } finally {
      await folder.remove()
    }
  }

  it.each<[string, object, string[]]>([
    ['with workloads in the branch has no problem', {}, []],
    [
      'without the branch has one for each place that needs it',
      { branches: undefined },
      [
        'idp.clients[0].workload needs the branch workload-agent-principal',
        'idp.connections[0].workloads needs the branch workload-agent-principal',
      ],
    ],
    [
      'with a client without keys has one',
      {
        clients: [
          {
            id: 'assistant',
            authMethods: ['client_secret_basic'],
            secret: { env: 'ASSISTANT_SECRET' },
            workload: { name: 'assistant-itself' },
          },
        ],
      },
      ['idp.clients[0].workload needs keys of the client'],
    ],
    [
      'with a workload that is called like a user has one',
      { subjectIssuers: [{ issuer: login, users: 'directory' }], users: [{ sub: 'assistant-prod' }] },
      ['idp.workloadIssuers[0].workloads[0].name is the sub of a user'],
    ],
    [
      'with a name that is no workload of the client has one for each place',
      { connections: [{ ...open, workloads: ['x'], scopes: [{ name: 'chat.read', workloads: ['y'] }] }] },
      [
        'idp.connections[0].scopes[0].workloads[0] names no workload of this client',
        'idp.connections[0].workloads[0] names no workload of this client',
      ],
    ],
    [
      'with workloads where a sign-in is demanded has one',
      { connections: [{ ...open, workloads, signIn: { maxAge: 60 } }] },
      ['idp.connections[0].workloads is of no use with signIn, because workloads sign in nowhere'],
    ],
    [
      'with a workload that is said to be a person has one',
      { workloadIssuers: [{ issuer: login, workloads: [{ ...listed, profile: 'user' }] }] },
      ['idp.workloadIssuers[0].workloads[0].profile must not be user, which people are'],
    ],
  ])('%s', async (_, idp, problems) => {
    expect(await problemsOf({ ...idpPart, ...idp })).toEqual(problems)
  })

  it('that takes workloads from an issuer needs the branch at that server, too', async () => {
    const trustedIssuers = [{ ...trusted, workloads: 'bound' }]
    expect(await problemsOf({}, { trustedIssuers })).toEqual([
      'resourceAs.trustedIssuers[0].workloads needs the branch workload-agent-principal',
    ])
    expect(await problemsOf({}, { trustedIssuers, branches })).toEqual([])
    expect(await problemsOf({}, { trustedIssuers: [{ ...trusted, workloads: 'refuse' }] })).toEqual([])
  })
})
