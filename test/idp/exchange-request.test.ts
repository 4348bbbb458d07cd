/** What an identity provider demands of a token exchange: its parameters, its target, and how it refuses. */

import { beforeEach, describe, expect, it } from 'vitest'
import { grantType, tokenType } from '../../src/protocol/names.ts'
import { acme, chat, drive, files, mcp, search } from '../fixture/addresses.ts'
import { basic } from '../fixture/clients.ts'
import { type Attempt, type Enterprise, enterprise, exchange, redemptionCall } from '../fixture/enterprise.ts'
import { expectExchangeRefused, type Refusal } from '../fixture/refusal.ts'
import { claimsOf } from '../fixture/tokens.ts'

let world: Enterprise
beforeEach(async () => {
  world = await enterprise()
})

const missing = (name: string): Refusal => ({
  error: 'invalid_request',
  reason: 'missing_parameter',
  description: `${name} is required`,
})
const unknownTarget: Refusal = {
  error: 'invalid_target',
  reason: 'target_unknown',
  description: 'audience: unknown, or not connected for this client',
}

describe('the request of a token exchange', () => {
  it.each<[string, Attempt['form'], Refusal]>([
    ['no grant_type', { grant_type: undefined }, missing('grant_type')],
    [
      '[IDP-01] an unknown grant',
      { grant_type: 'password' },
      { error: 'unsupported_grant_type', reason: 'grant_not_enabled' },
    ],
    ['[IDP-02] no requested_token_type', { requested_token_type: undefined }, missing('requested_token_type')],
    [
      '[IDP-02] [ATK-098] another requested_token_type',
      { requested_token_type: tokenType.refreshToken },
      { error: 'invalid_request', reason: 'unsupported_type', description: tokenType.idJag },
    ],
    ['[IDP-03] [ATK-099] no audience', { audience: undefined }, missing('audience')],
    ['[T19] an empty audience', { audience: '' }, missing('audience')],
    [
      '[IDP-03] [D-10] [ATK-099] two audiences',
      { audience: [chat, files] },
      {
        error: 'invalid_request',
        reason: 'repeated_parameter',
        description: 'audience must not be sent more than once',
      },
    ],
    ['[IDP-03] [T-04] [ATK-099] an unknown audience', { audience: 'https://as.other.example' }, unknownTarget],
    ['[ATK-099] the identity provider itself', { audience: acme }, unknownTarget],
    ['[D-09] [ATK-099] an audience with a slash', { audience: `${chat}/` }, unknownTarget],
    ['[ATK-099] an audience in other case', { audience: 'https://AS.chat.example' }, unknownTarget],
    ['[IDP-08] no subject_token', { subject_token: undefined }, missing('subject_token')],
    ['[ATK-098] an empty subject_token', { subject_token: '', code: 'x', redirect_uri: 'y' }, missing('subject_token')],
    ['[IDP-09] no subject_token_type', { subject_token_type: undefined }, missing('subject_token_type')],
    [
      '[IDP-09] [ATK-109] a SAML assertion',
      {
        subject_token_type: 'urn:ietf:params:oauth:token-type:saml2',
        subject_token: '<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>',
      },
      {
        error: 'invalid_request',
        reason: 'unsupported_type',
        description: `${tokenType.idToken} or ${tokenType.refreshToken}`,
      },
    ],
    [
      '[IDP-10] [ATK-105] an actor_token without type',
      { actor_token: 'x' },
      {
        error: 'invalid_request',
        reason: 'actor_unsupported',
        description: 'actor_token_type is required with actor_token',
      },
    ],
    [
      '[IDP-10] [ATK-105] an actor_token_type alone',
      { actor_token_type: 'x' },
      { error: 'invalid_request', reason: 'actor_unsupported', description: 'must not be sent without actor_token' },
    ],
    [
      '[SEC-07] [VER-04] [EMA-03] [D-21] [ATK-105] both',
      { actor_token: 'x', actor_token_type: 'y' },
      { error: 'invalid_request', reason: 'actor_unsupported', description: 'actor_token is not supported' },
    ],
    [
      '[IDP-05] [ATK-102] a relative resource',
      { resource: '/mcp' },
      { error: 'invalid_target', reason: 'resource_denied' },
    ],
    [
      '[IDP-05] [ATK-102] a resource with a fragment',
      { resource: `${mcp}#x` },
      { error: 'invalid_target', reason: 'resource_denied' },
    ],
    [
      '[FL-ISS-01] [T-04] [ATK-102] a resource of another server',
      { resource: drive },
      { error: 'invalid_target', reason: 'resource_denied' },
    ],
    [
      '[ATK-102] a foreign resource among others',
      { resource: [mcp, drive] },
      { error: 'invalid_target', reason: 'resource_denied' },
    ],
    [
      '[IDP-24] a resource the connection does not give',
      { resource: search },
      { error: 'invalid_target', reason: 'resource_denied' },
    ],
    ['[IDP-25] [ATK-103] nothing grantable', { scope: 'admin' }, { error: 'invalid_scope', reason: 'scope_denied' }],
    ['[ATK-103] a scope with a backslash', { scope: 'a\\b' }, { error: 'invalid_scope', reason: 'scope_denied' }],
    [
      '[IDP-07] [IDP-26] [ATK-104] authorization_details',
      { authorization_details: '[{"type":"x"}]' },
      { error: 'invalid_authorization_details', reason: 'details_invalid' },
    ],
    [
      '[ATK-104] authorization_details that are no JSON',
      { authorization_details: 'x' },
      { error: 'invalid_authorization_details', reason: 'details_invalid' },
    ],
    [
      '[ATK-085] scope twice',
      { scope: ['chat.read', 'chat.read'] },
      { error: 'invalid_request', reason: 'repeated_parameter' },
    ],
    [
      '[ATK-101] the client_id of another application',
      { client_id: 'notes-at-acme' },
      { error: 'invalid_request', reason: 'multiple_auth' },
    ],
  ])('%s is refused', async (_, form, refusal) => {
    await expectExchangeRefused(world, { form: form ?? {} }, refusal)
  })

  it('[POP-01] [ATK-084] a broken DPoP proof is refused', async () => {
    const refusal: Refusal = { error: 'invalid_dpop_proof', reason: 'pop_malformed' }
    await expectExchangeRefused(world, { headers: { dpop: 'eyJ' } }, refusal)
  })

  it('[ATK-006] [IDP-31] [VER-13] [T-16] an ID-JAG of its own is not redeemed', async () => {
    const { assertion } = redemptionCall(world).form
    const form = { grant_type: grantType.jwtBearer, assertion }
    await expectExchangeRefused(world, { form }, { error: 'unsupported_grant_type', reason: 'grant_not_enabled' })
  })

  it.each<[string, Attempt['form']]>([
    ['[ATK-093] empty optional parameters', { scope: '', resource: '', actor_token: '', authorization_details: '' }],
    [
      '[ATK-101] parameters that are claims',
      { sub: 'bob', tenant: 't1', aud: files, exp: '9', iss: 'x', jti: 'y', 'act[sub]': 'z' },
    ],
    ['the client_id again', { client_id: 'wiki-at-acme' }],
  ])('%s change nothing', async (_, form) => {
    const answer = await exchange(world, { form: form ?? {} })
    expect(answer.statusCode).toBe(200)
    const claims = claimsOf(answer.json().access_token)
    expect(claims).toMatchObject({ iss: acme, sub: 'alice', aud: chat, client_id: 'wiki-at-chat' })
    expect(claims).not.toHaveProperty('act')
    expect(claims).not.toHaveProperty('tenant')
  })
})

describe('a target', () => {
  const connection = () => {
    const found = world.idp.connections.find(({ client }) => client === world.idp.clients.basic.id)
    if (found === undefined) throw new Error('no connection')
    return found
  }

  it('[IDP-04] [VER-01] may be named by an alias, and aud is the issuer all the same', async () => {
    const answer = await exchange(world, { form: { audience: 'urn:vendor:chat' } })
    expect(claimsOf(answer.json().access_token).aud).toBe(chat)
    expect(world.audit.at(-1)).toMatchObject({ audience: chat, clientThere: 'wiki-at-chat' })
  })

  it('[ATK-100] [IDP-23] [IDP-30] that is unknown, unconnected or switched off looks the same', async () => {
    const unknown = await exchange(world, { form: { audience: 'https://as.other.example' } })
    const bytes = async (attempt: Attempt = {}) => {
      const answer = await exchange(world, attempt)
      expect(world.audit.at(-1)?.reason).toBe('target_unknown')
      return answer.payload
    }
    expect(await bytes({ form: { audience: files, resource: undefined } })).toBe(unknown.payload)
    connection().enabled = false
    expect(await bytes()).toBe(unknown.payload)
    connection().enabled = true
    for (const server of world.idp.servers) server.enabled = false
    expect(await bytes()).toBe(unknown.payload)
    for (const server of world.idp.servers) server.enabled = true
    expect(new Set(world.audit.map(({ detail }) => detail)).size).toBe(4)
    expect((await exchange(world)).statusCode).toBe(200)
  })

  it('[IDP-23] [FL-DEN-01] [ATK-100] a person the connection is not for is refused by policy', async () => {
    connection().who = { users: ['bob'], groups: ['sales'] }
    const answer = await exchange(world)
    expect(answer.statusCode).toBe(400)
    expect(answer.json()).toMatchObject({ error: 'access_denied' })
    expect(world.audit.at(-1)).toMatchObject({ reason: 'policy_denied', client: 'wiki-at-acme', subject: 'alice' })
  })

  it('[IDP-29] [ATK-107] [SEC-04] that wants a stronger sign-in says which', async () => {
    connection().signIn = { acr: ['mfa', 'hwk'], maxAge: 600 }
    const refusal: Refusal = {
      error: 'insufficient_user_authentication',
      reason: 'step_up',
      parameters: { acr_values: 'mfa hwk', max_age: 600 },
    }
    const { now } = world.clock
    for (const claims of [{}, { acr: 'pwd', auth_time: now }, { acr: 'mfa' }, { acr: 'mfa', auth_time: now - 631 }]) {
      const answer = await exchange(world, { claims })
      expect(answer.json()).toEqual({
        error: refusal.error,
        error_description: expect.any(String),
        ...refusal.parameters,
      })
      expect(world.audit.at(-1)?.reason).toBe('step_up')
    }
    const answer = await exchange(world, { claims: { acr: 'mfa', auth_time: now - 630 } })
    expect(answer.statusCode).toBe(200)
  })

  it('[IDP-30] [MAP-01] [VER-17] is each client’s own: another client has another id there', async () => {
    const { any } = world.idp.clients
    const answer = await exchange(world, { claims: { aud: any.id }, as: basic(any) })
    expect(claimsOf(answer.json().access_token).client_id).toBe('suite-at-chat')
  })
})
