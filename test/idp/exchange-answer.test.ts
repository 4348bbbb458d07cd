/** What an identity provider grants and says: the ID-JAG, its claims, and the members of the answer. */

import { beforeEach, describe, expect, it } from 'vitest'
import { acme, chat, mcp, search } from '../fixture/addresses.ts'
import { byAssertion } from '../fixture/clients.ts'
import { type Attempt, type Enterprise, enterprise, exchange, exchangeCall, redeem } from '../fixture/enterprise.ts'
import { identityProvider } from '../fixture/identity-provider.ts'
import { send } from '../fixture/requests.ts'
import { claimsOf, headerOf } from '../fixture/tokens.ts'

let world: Enterprise
beforeEach(async () => {
  world = await enterprise()
})

const connection = () => {
  const found = world.idp.connections.find(({ client }) => client === world.idp.clients.basic.id)
  if (found === undefined) throw new Error('no connection')
  return found
}
const granted = async (attempt: Attempt = {}) => {
  const answer = await exchange(world, attempt)
  expect(answer.json()).not.toHaveProperty('error')
  return { answer, claims: claimsOf(answer.json().access_token) }
}

describe('the answer', () => {
  it('[IDP-40] [IDP-41] [IDP-42] [IDP-43] [IDP-45] [IDP-46] [POP-03] [T-01] has these members and no more', async () => {
    const { answer, claims } = await granted()
    expect(answer.headers).toMatchObject({ 'cache-control': 'no-store', pragma: 'no-cache' })
    expect(answer.json()).toEqual({
      issued_token_type: 'urn:ietf:params:oauth:token-type:id-jag',
      access_token: expect.any(String),
      token_type: 'N_A',
      expires_in: 300,
      scope: 'chat.read',
      resource: mcp,
    })
    expect(Number(claims.exp) - Number(claims.iat)).toBe(300)
  })

  it('[POP-03] holds an ID-JAG with these claims and no more', async () => {
    const { answer, claims } = await granted({ claims: { auth_time: 5, acr: 'strong', amr: ['pwd'] } })
    expect(headerOf(answer.json().access_token)).toEqual({ alg: 'ES256', kid: 'a1', typ: 'oauth-id-jag+jwt' })
    expect(claims).toEqual({
      iss: acme,
      sub: 'alice',
      aud: chat,
      client_id: 'wiki-at-chat',
      jti: expect.stringMatching(/^[\w-]{32}$/),
      iat: world.clock.now,
      exp: world.clock.now + 300,
      scope: 'chat.read',
      resource: mcp,
      auth_time: 5,
      acr: 'strong',
      amr: ['pwd'],
      email: 'alice@acme.example',
      email_verified: true,
    })
  })

  it('[ATK-108] nothing of the ID Token travels but the sign-in', async () => {
    const smuggled = {
      scope: 'admin',
      cnf: { jkt: 'x' },
      act: { sub: 'root' },
      client_id: 'evil',
      resource: 'https://evil.example',
      jti: 'chosen',
      email: 'root@acme.example',
      tenant: 't1',
      'https://acme.example/private': true,
    }
    const { claims } = await granted({ claims: smuggled })
    for (const [name, value] of Object.entries(smuggled)) expect(claims[name], name).not.toEqual(value)
    expect(Object.keys(claims)).not.toEqual(expect.arrayContaining(['cnf', 'act', 'tenant']))
  })

  it('[JAG-07] [ATK-108] every ID-JAG has an id of its own', async () => {
    const ids = await Promise.all(Array.from({ length: 20 }, async () => (await granted()).claims.jti))
    expect(new Set(ids).size).toBe(20)
  })

  it('is in the audit, with every name and no token', async () => {
    const { answer } = await granted({ claims: { jti: 'id-token-1' } })
    expect(world.audit).toEqual([
      {
        at: world.clock.now,
        role: 'idp',
        server: acme,
        action: 'exchange',
        outcome: 'granted',
        reason: 'granted',
        correlationId: answer.headers['x-correlation-id'],
        policyVersion: 'policy-7',
        client: 'wiki-at-acme',
        issuer: acme,
        subject: 'alice',
        audience: chat,
        clientThere: 'wiki-at-chat',
        scope: 'chat.read',
        resource: [mcp],
        tokenId: expect.stringMatching(/^[\w-]{22}$/),
        issuedTokenId: expect.stringMatching(/^[\w-]{22}$/),
      },
    ])
  })

  it('names its token in the audit as the resource authorization server will', async () => {
    const { answer } = await granted({ form: { scope: 'chat.read' } })
    expect((await redeem(world, { token: answer.json().access_token })).statusCode).toBe(200)
    const [issued, redeemed] = world.audit
    expect(redeemed?.tokenId).toBe(issued?.issuedTokenId)
  })

  it.each([
    ['the store', 'store'],
    ['the audit', 'audit'],
  ] as const)('[ATK-127] is 503, and no token, without %s', async (_, part) => {
    const { signing } = world.idp.clients
    const as = byAssertion(signing, acme, world.clock.now)
    world.broken[part] = new Error('down')
    const answer = await exchange(world, { as, claims: { aud: signing.id } })
    expect(answer.statusCode).toBe(503)
    expect(answer.json()).toMatchObject({ error: 'temporarily_unavailable' })
    expect(answer.headers['retry-after']).toBe('1')
  })
})

describe('scopes and resources', () => {
  it.each<[string, Attempt['form'], string, unknown]>([
    [
      '[IDP-25] [IDP-28] [T-12] what was asked and the connection gives',
      { scope: 'chat.read admin chat.write' },
      'chat.read chat.write',
      mcp,
    ],
    ['[IDP-06] all the connection gives, when none was asked', { scope: undefined }, 'chat.read chat.write', mcp],
    ['each once', { scope: 'chat.read chat.read' }, 'chat.read', mcp],
    [
      '[IDP-05] [FL-ISS-02] [EMA-01] the resource of the connection, when none was asked',
      { resource: undefined },
      'chat.read',
      mcp,
    ],
    ['[IDP-24] the part of the resources the connection gives', { resource: [search, mcp] }, 'chat.read', mcp],
  ])('%s', async (_, form, scope, resource) => {
    const { answer, claims } = await granted({ form: form ?? {} })
    expect(answer.json().scope).toBe(scope)
    expect(claims).toMatchObject({ scope, resource })
  })

  it('a person in fewer groups gets fewer scopes, not a refusal', async () => {
    const { claims } = await granted({ claims: { sub: 'bob' }, form: { scope: 'chat.read chat.write' } })
    expect(claims.scope).toBe('chat.read')
  })

  it('[IDP-05] [JAG-10] several resources stand in an array, and none in no claim', async () => {
    connection().resources = [mcp, search]
    expect((await granted({ form: { resource: [mcp, search] } })).claims.resource).toEqual([mcp, search])
    connection().resources = []
    expect((await granted({ form: { resource: undefined } })).claims).not.toHaveProperty('resource')
  })
})

describe('the subject', () => {
  it('[IDP-32] [VER-07] is the one the resource server knows: the same, a claim, or a pairwise one', async () => {
    connection().subject = { kind: 'claim', claim: 'employee_number' }
    expect((await granted()).claims.sub).toBe('n-alice')
    connection().subject = { kind: 'pairwise' }
    const { sub } = (await granted()).claims
    expect(sub).toMatch(/^[\w-]{43}$/)
    expect((await granted()).claims.sub).toBe(sub)
    expect((await granted({ claims: { sub: 'bob' } })).claims.sub).not.toBe(sub)
  })

  it.each(['salary', 'nothing'])('[IDP-32] a person whose claim %s is no subject is refused', async (claim) => {
    connection().subject = { kind: 'claim', claim }
    expect((await exchange(world)).json()).toMatchObject({ error: 'access_denied' })
    expect(world.audit.at(-1)).toMatchObject({ reason: 'policy_denied', detail: expect.stringContaining(claim) })
  })

  it('pairwise without a secret is a mistake of the host: 500, reported, no token', async () => {
    const reported: unknown[] = []
    const report = (error: unknown) => reported.push(error)
    const idp = await identityProvider(world, world.chat.clients, { report })
    delete idp.provider.pairwiseSecret
    for (const one of idp.connections) one.subject = { kind: 'pairwise' }
    const own = { ...world, idp }
    const answer = await send(idp.app, exchangeCall(own))
    expect(answer.statusCode).toBe(500)
    expect(reported).toEqual([expect.any(TypeError)])
  })

  it('[JAG-17] [FL-PRV-01] takes along the claims the connection lists, and never one the exchange decides', async () => {
    connection().userClaims = ['email', 'aud', 'salary', 'missing', 'acr']
    const alice = world.idp.users.get('alice')
    if (alice === undefined) throw new Error('no alice')
    Object.assign(alice.claims, { aud: 'https://evil.example', acr: 'chosen' })
    const { claims } = await granted()
    expect(claims).toMatchObject({ aud: chat, salary: 1, email: 'alice@acme.example' })
    for (const absent of ['acr', 'missing', 'email_verified']) expect(claims).not.toHaveProperty(absent)
  })

  it('is signed by the first key, and the second is published for the time after', async () => {
    expect(headerOf((await granted()).answer.json().access_token)).toMatchObject({ kid: 'a1', alg: 'ES256' })
    const answer = await world.idp.app.inject('/jwks')
    expect(answer.json().keys.map(({ kid }: { kid: string }) => kid)).toEqual(['a1', 'a2'])
  })
})
