/** What the redemption inside an oidc-provider application refuses, each beside the same request made right. */

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { grantType, idJagGrantProfile } from '../../../src/protocol/names.ts'
import { signingKeysOf } from '../../../src/protocol/own-keys.ts'
import { proofFor, proofKeyNamed } from '../../fixture/proofs.ts'
import { post, type TokenAnswer } from './application.ts'
import { idJagOf } from './assertions.ts'
import { acmeCompany, type Company, chatCompany, mcp, redeem, search } from './companies.ts'

let acme: Company
let chat: Company
const opened: Company[] = []
const open = async (...change: Parameters<typeof chatCompany> extends [unknown, ...infer Rest] ? Rest : never) => {
  const company = await chatCompany(() => acme, ...change)
  opened.push(company)
  return company
}
beforeAll(async () => {
  chat = await chatCompany(() => acme)
  acme = await acmeCompany(chat.issuer)
})
afterEach(async () => {
  for (const company of opened.splice(0)) await company.close()
})
afterAll(async () => {
  await acme.close()
  await chat.close()
})

const idJag = async (
  claims: { [claim: string]: unknown } = {},
  at = chat,
  header: { [member: string]: unknown } = {},
) => await idJagOf(acme.issuer, (await signingKeysOf(acme.jwks)).current(), { aud: at.issuer, ...claims }, header)

function expectRefused(at: Company, answer: TokenAnswer, error: string, reason: string, status = 400): void {
  expect(answer).toMatchObject({ status, body: { error, error_description: expect.any(String) } })
  expect(at.audit.at(-1)).toMatchObject({
    role: 'resource-as',
    server: at.issuer,
    action: 'redeem',
    outcome: 'refused',
    error,
    reason,
    correlationId: answer.headers.get('x-correlation-id'),
  })
  expect(at.events.at(-1)).toMatchObject({ name: 'grant.error', error: { error, statusCode: status } })
}

describe('an ID-JAG', () => {
  it('is redeemed once', async () => {
    const assertion = await idJag()
    expect((await redeem(chat, assertion)).status).toBe(200)
    expectRefused(chat, await redeem(chat, assertion), 'invalid_grant', 'replay')
  })

  it('is redeemed once by ten requests at the same moment', async () => {
    const assertion = await idJag()
    const answers = await Promise.all(Array.from({ length: 10 }, () => redeem(chat, assertion)))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    expect(answers.filter(({ body }) => body.error === 'invalid_grant')).toHaveLength(9)
  })

  it.each<[string, { [claim: string]: unknown }, { [member: string]: unknown }, string, string]>([
    ['for another server', { aud: 'https://elsewhere.example' }, {}, 'invalid_grant', 'aud_mismatch'],
    ['for another client', { client_id: 'other-at-chat' }, {}, 'invalid_grant', 'client_mismatch'],
    ['of an unknown issuer', { iss: 'https://unknown.example' }, {}, 'invalid_grant', 'issuer_unknown'],
    ['that has expired', { iat: 1, exp: 61 }, {}, 'invalid_grant', 'expired'],
    ['that is another kind of token', {}, { typ: 'JWT' }, 'invalid_grant', 'typ_mismatch'],
    ['bound to a key', { cnf: { jkt: 'x' } }, {}, 'invalid_grant', 'pop_missing'],
    ['bound to a certificate', { cnf: { 'x5t#S256': 'x' } }, {}, 'invalid_grant', 'pop_unsupported'],
    ['of a person without an account', { sub: 'bob' }, {}, 'invalid_grant', 'subject_unknown'],
    ['for a foreign resource', { resource: 'https://elsewhere.example' }, {}, 'invalid_grant', 'resource_denied'],
    ['with a scope that is not given', { scope: 'chat.write' }, {}, 'invalid_scope', 'scope_denied'],
  ])('%s is refused and spends nothing', async (_, claims, header, error, reason) => {
    const jti = `j-${crypto.randomUUID()}`
    expectRefused(chat, await redeem(chat, await idJag({ jti, ...claims }, chat, header)), error, reason)
    expect((await redeem(chat, await idJag({ jti }))).status).toBe(200)
  })

  it('[POP-04] bound to a key is redeemed with a proof by that key, and with no other', async () => {
    const [key, other] = [await proofKeyNamed('own'), await proofKeyNamed('other')]
    const assertion = await idJag({ cnf: { jkt: key.thumbprint } })
    const now = Math.floor(Date.now() / 1000)
    const dpop = (by: typeof key) => ({ headers: { dpop: proofFor(by, { address: `${chat.issuer}/token`, now }) } })
    expectRefused(chat, await redeem(chat, assertion, dpop(other)), 'invalid_grant', 'pop_mismatch')
    expect(await redeem(chat, assertion, dpop(key))).toMatchObject({ status: 200, body: { token_type: 'DPoP' } })
  })

  it('of an account that findAccount does not find is refused', async () => {
    const other = await open({ resolveSubject: async () => 'u-nobody' })
    expectRefused(other, await redeem(other, await idJag({}, other)), 'invalid_grant', 'subject_unknown')
    other.accounts.set('u-nobody', { email: 'x', groups: [] })
    expect((await redeem(other, await idJag({}, other))).status).toBe(200)
  })

  it('may lead to an account that is made only when it is spent', async () => {
    const made: string[] = []
    const settle = async () => {
      made.push('u-new')
      return 'u-new'
    }
    const other = await open({ resolveSubject: async () => ({ settle }) })
    await redeem(other, await idJag({ scope: 'chat.write' }, other))
    expect(made).toEqual([])
    const { body } = await redeem(other, await idJag({}, other))
    const introspected = await post(`${other.issuer}/token/introspection`, 'mcp', { token: String(body.access_token) })
    expect([made, introspected.body.sub]).toEqual([['u-new'], 'u-new'])
  })
})

describe('the resource', () => {
  it('is one: two are refused before anything is spent, and one of them is granted', async () => {
    const assertion = await idJag({ resource: [mcp, search], scope: 'search.read chat.read' })
    const other = await open({
      resources: [mcp, search].map((resource) => ({ resource, scopes: ['chat.read'] })),
    })
    const both = await idJag({ resource: [mcp, search], scope: 'chat.read' }, other)
    expectRefused(other, await redeem(other, both), 'invalid_target', 'resource_denied')
    expect(await redeem(other, both, { resource: mcp })).toMatchObject({ status: 200, body: { resource: mcp } })
    expect(await redeem(chat, assertion, { resource: search })).toMatchObject({
      status: 200,
      body: { scope: 'search.read' },
    })
  })

  it('with a scope that the application’s resource server does not know is refused', async () => {
    const other = await open({
      resources: [{ resource: search, scopes: ['chat.read', 'search.read'] }],
    })
    const assertion = await idJag({ resource: search, scope: 'chat.read search.read' }, other)
    expectRefused(other, await redeem(other, assertion), 'invalid_scope', 'scope_denied')
    expect((await redeem(other, assertion, { scope: 'search.read' })).status).toBe(200)
  })
})

describe('a client', () => {
  it('that the application did not give this grant is refused by the provider, and stands in the audit', async () => {
    const assertion = await idJag()
    expectRefused(
      chat,
      await redeem(chat, assertion, { client: 'old-at-chat' }),
      'invalid_request',
      'grant_not_enabled',
    )
    expect((await redeem(chat, assertion)).status).toBe(200)
  })

  it('the issuer may not speak for is refused', async () => {
    const refused = await redeem(chat, await idJag({ client_id: 'other-at-chat' }), { client: 'other-at-chat' })
    expectRefused(chat, refused, 'access_denied', 'policy_denied')
  })
})

it('a store that cannot answer is 503, and no token', async () => {
  const assertion = await idJag()
  chat.broken.store = new Error('no route to the store')
  const answer = await redeem(chat, assertion)
  chat.broken.store = undefined
  expectRefused(chat, answer, 'temporarily_unavailable', 'replay_store_unavailable', 503)
  expect(answer.headers.get('retry-after')).toBe('1')
  expect((await redeem(chat, assertion)).status).toBe(200)
})

it('the discovery document names the grant, its profile and the scopes', async () => {
  const document = await (await fetch(`${chat.issuer}/.well-known/oauth-authorization-server`)).json()
  expect(document).toMatchObject({
    issuer: chat.issuer,
    grant_types_supported: expect.arrayContaining([grantType.jwtBearer]),
    authorization_grant_profiles_supported: [idJagGrantProfile],
    scopes_supported: expect.arrayContaining(['openid', 'chat.read', 'search.read']),
  })
})
