/** What a redemption answers: the access token, the members beside it, and the line in the audit. */

import { beforeEach, describe, expect, it } from 'vitest'
import { jwtAccessTokens } from '../../src/resource-as/issue.ts'
import { acme, chat, mcp } from '../fixture/addresses.ts'
import { type Enterprise, enterprise, redeem } from '../fixture/enterprise.ts'
import { claimsOf, headerOf } from '../fixture/tokens.ts'

let world: Enterprise
beforeEach(async () => {
  world = await enterprise()
})

describe('the answer', () => {
  it('[RAS-16] [RAS-20] [RAS-21] [FL-ISS-06] has these members, must not be stored, and holds no refresh token', async () => {
    const answer = await redeem(world)
    expect(answer.headers).toMatchObject({ 'cache-control': 'no-store', pragma: 'no-cache' })
    expect(answer.headers['content-type']).toMatch(/^application\/json/)
    expect(answer.json()).toEqual({
      access_token: expect.any(String),
      token_type: 'Bearer',
      expires_in: 600,
      scope: 'chat.read',
      resource: mcp,
    })
  })

  it('[FL-ISS-06] names a resource once, however often it was asked for', async () => {
    expect((await redeem(world, { claims: { resource: [mcp, mcp] } })).json()).toMatchObject({ resource: mcp })
    expect((await redeem(world, { form: { resource: [mcp, mcp] } })).json()).toMatchObject({ resource: mcp })
  })

  it('[RAS-24] holds an access token as RFC 9068 has it', async () => {
    const attempt = { claims: { auth_time: 5, acr: 'strong', amr: ['pwd', 'otp'] } }
    const token = ((await redeem(world, attempt)).json() as { access_token: string }).access_token
    expect(headerOf(token)).toEqual({ alg: 'ES256', kid: 'chat-1', typ: 'at+jwt' })
    expect(claimsOf(token)).toEqual({
      iss: chat,
      sub: 'u-alice',
      aud: mcp,
      client_id: world.chat.clients.basic.id,
      jti: expect.stringMatching(/^[\w-]{32}$/),
      iat: world.clock.now,
      exp: world.clock.now + 600,
      scope: 'chat.read',
      ...attempt.claims,
    })
  })

  it('[ATK-046] names the actor where the server is set to', async () => {
    const { keys } = world.chat
    world = await enterprise({
      issue: jwtAccessTokens({ issuer: chat, signingKeys: keys, lifetime: 60, copyActor: true }),
    })
    const act = { sub: 'agent', sub_profile: 'ai' }
    const answer = await redeem(world, { claims: { act } })
    expect(claimsOf(answer.json().access_token)).toMatchObject({ act, sub: 'u-alice' })
    expect(world.audit.at(-1)).toMatchObject({ act })
  })

  it('is in the audit, with every name and no token', async () => {
    const answer = await redeem(world, { claims: { jti: 'known' } })
    expect(world.audit).toEqual([
      {
        at: world.clock.now,
        role: 'resource-as',
        server: chat,
        action: 'redeem',
        outcome: 'granted',
        reason: 'granted',
        correlationId: answer.headers['x-correlation-id'],
        policyVersion: 'unversioned',
        client: world.chat.clients.basic.id,
        issuer: acme,
        subject: 'alice',
        account: 'u-alice',
        scope: 'chat.read',
        resource: mcp,
        tokenId: expect.stringMatching(/^[\w-]{22}$/),
        issuedTokenId: expect.stringMatching(/^[\w-]{22}$/),
      },
    ])
  })
})
