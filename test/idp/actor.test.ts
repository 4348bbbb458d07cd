/** The actor of an exchange: which token shows one, whose it may be, and what the ID-JAG says of it. */

import { beforeEach, describe, expect, it } from 'vitest'
import type { ActorRule, Actors } from '../../src/idp/actor.ts'
import { jwtType, tokenType } from '../../src/protocol/names.ts'
import { acme } from '../fixture/addresses.ts'
import { byAssertion, type Credentials } from '../fixture/clients.ts'
import {
  type Attempt,
  type Enterprise,
  enterprise,
  exchange,
  exchangeCall,
  idJagClaims,
} from '../fixture/enterprise.ts'
import { signerOf, signingKeysNamed } from '../fixture/keys.ts'
import { expectRefusal, type Refusal } from '../fixture/refusal.ts'
import { send } from '../fixture/requests.ts'
import { claimsOf, signed } from '../fixture/tokens.ts'

const platform = 'https://platform.acme.example'
let world: Enterprise
let rule: ActorRule | undefined
let suite: Credentials
beforeEach(async () => {
  world = await enterprise()
  suite = world.idp.clients.any
  rule = undefined
  const keys = (await signingKeysNamed(['platform'])).source
  const workloads = [
    { sub: 'spiffe://acme/suite', client: suite.id, name: 'suite-prod', profile: 'ai_agent' },
    { sub: 'spiffe://acme/quiet', client: suite.id, name: 'quiet' },
    { sub: 'spiffe://acme/wiki', client: world.idp.clients.basic.id, name: 'wiki-prod' },
  ]
  const actors: Actors = {
    ruleOf: (client) => (client === suite.id ? rule : undefined),
    findWorkloadIssuer: (issuer) =>
      issuer === platform ? { issuer, keys, algorithms: ['ES256'], maxLifetime: 3600, workloads } : undefined,
  }
  world.idp.provider.actors = actors
})

const shown = (token: string, type: string = tokenType.jwt) => ({ actor_token: token, actor_token_type: type })
/** An exchange of the suite, for alice, with this in its form. */
const attempt = (form: Attempt['form'], change: Attempt = {}): Attempt => ({
  as: { headers: { authorization: `Basic ${btoa(`${suite.id}:${suite.secret}`)}` } },
  ...change,
  claims: { aud: suite.id, ...change.claims },
  form: { ...form },
})
const ask = async (form: Attempt['form'], change?: Attempt) => await exchange(world, attempt(form, change))
const assertionOf = (client = suite, change: Parameters<typeof byAssertion>[3] = {}) =>
  String(byAssertion(client, acme, world.clock.now, change).form?.client_assertion)
const workloadToken = async (claims: object = {}, header: object = {}) => {
  const { now } = world.clock
  const own = { iss: platform, sub: 'spiffe://acme/suite', aud: [acme], iat: now, exp: now + 600, ...claims }
  return signed({ ...header }, own, await signerOf('platform'))
}

async function expectRefused(form: Attempt['form'], refusal: Refusal): Promise<void> {
  const call = exchangeCall(world, attempt(form))
  const [events, spent] = [world.audit.length, world.spent.length]
  expectRefusal(world, { events }, call, await send(world.idp.app, call), refusal)
  expect(world.spent).toHaveLength(spent)
  expect((await ask({})).statusCode).toBe(200)
}

describe('a client without a rule for actors', () => {
  it('[IDP-10] [D-21] [ATK-105] is refused whatever it shows, and nothing is ignored', async () => {
    const refusal = { error: 'invalid_request', reason: 'actor_unsupported' } as const
    await expectRefused(shown(assertionOf()), { ...refusal, description: 'actor_token is not supported' })
    rule = { by: 'own-assertion' }
    await expectRefused({ actor_token: assertionOf() }, refusal)
    await expectRefused({ actor_token_type: tokenType.jwt }, refusal)
  })
})

describe('a client that shows its own assertion', () => {
  beforeEach(() => {
    rule = { by: 'own-assertion', profile: 'ai_agent' }
  })

  it('[IDP-10] [OKTA-05] [D-21] is the actor, beside the person and the client', async () => {
    const answer = await ask(shown(assertionOf()))
    const act = { iss: acme, sub: suite.id, sub_profile: 'ai_agent' }
    expect(claimsOf(answer.json().access_token)).toMatchObject({ sub: 'alice', client_id: 'suite-at-chat', act })
    expect(world.audit.at(-1)).toMatchObject({ outcome: 'granted', act })
    expect(claimsOf((await ask({})).json().access_token)).not.toHaveProperty('act')
  })

  it('says nothing of its kind where its entry does not', async () => {
    rule = { by: 'own-assertion' }
    const { access_token } = (await ask(shown(assertionOf()))).json()
    expect(claimsOf(access_token).act).toEqual({ iss: acme, sub: suite.id })
  })

  it('shows it once: neither again as actor nor as client authentication', async () => {
    const token = assertionOf()
    expect((await ask(shown(token))).statusCode).toBe(200)
    expect((await ask(shown(token))).json()).toMatchObject({ error: 'invalid_grant' })
    expect(world.audit.at(-1)?.reason).toBe('client_assertion_replay')
    const as = { form: byAssertion(suite, acme, world.clock.now).form ?? {} }
    const again = await exchange(world, attempt({ ...as.form, client_assertion: token }, { as: {} }))
    expect(again.json()).toMatchObject({ error: 'invalid_client' })
  })

  it('may show the one with which it authenticates itself, which is spent once', async () => {
    const { form = {} } = byAssertion(suite, acme, world.clock.now)
    const both = { ...form, ...shown(String(form.client_assertion)) }
    const first = await exchange(world, attempt(both, { as: {} }))
    expect([first.statusCode, world.spent.length]).toEqual([200, 1])
    expect((await exchange(world, attempt(both, { as: {} }))).statusCode).toBe(401)
  })

  it.each<[string, () => string | Promise<string>, Refusal['reason']]>([
    ['[SEC-07] of another client', () => assertionOf(world.idp.clients.signing), 'client_assertion_invalid'],
    [
      '[SEC-07] in its name, signed by another client',
      () => assertionOf({ ...suite, signer: world.idp.clients.signing.signer }),
      'client_assertion_invalid',
    ],
    ['for another server', () => assertionOf(suite, { claims: { aud: 'https://other' } }), 'client_assertion_invalid'],
    ['that has expired', () => assertionOf(suite, { claims: { exp: 1 } }), 'client_assertion_invalid'],
    ['without an id', () => assertionOf(suite, { claims: { jti: undefined } }), 'client_assertion_invalid'],
    [
      '[AC-03] that is an ID-JAG',
      () => signed({ typ: jwtType.idJag }, idJagClaims(world), world.idp.keys.current()),
      'client_assertion_invalid',
    ],
    ['of a workload', () => workloadToken(), 'client_assertion_invalid'],
    ['that is no JWT', () => 'x', 'client_assertion_invalid'],
  ])('is refused with a token %s, and nothing is spent', async (_, token, reason) => {
    await expectRefused(shown(await token()), {
      error: 'invalid_grant',
      reason,
      description: "actor_token: is no good client assertion of the client's own",
    })
  })

  it('[AC-03] is refused with another type, good as the token may be', async () => {
    const refusal = { error: 'invalid_request', reason: 'unsupported_type' } as const
    await expectRefused(shown(assertionOf(), tokenType.idToken), refusal)
  })

  it('needs a store that answers, and its failure is no fault of the client', async () => {
    world.broken.store = new Error('gone')
    expect((await ask(shown(assertionOf()))).statusCode).toBe(503)
  })

  it('[JAG-13] stands around the actors that the ID Token names, as far as they are bounded', async () => {
    const act = { sub: 'desk', act: { sub: 'phone' } }
    const { access_token } = (await ask(shown(assertionOf()), { claims: { act } })).json()
    expect(claimsOf(access_token).act).toEqual({ iss: acme, sub: suite.id, sub_profile: 'ai_agent', act })
    const nested = { sub: 'a', act: { sub: 'b', act: { sub: 'c', act: { sub: 'd' } } } }
    for (const one of ['desk', nested]) {
      const refused = await ask(shown(assertionOf()), { claims: { act: one } })
      expect(refused.json()).toMatchObject({ error: 'invalid_grant' })
      expect(world.audit.at(-1)).toMatchObject({ reason: 'malformed' })
    }
  })
})

describe('a client that runs as a workload', () => {
  beforeEach(() => {
    rule = { by: 'workload' }
  })

  it('[SEC-07] [AC-01] names it by the entry, as often as the platform’s token lives', async () => {
    const token = await workloadToken()
    for (const _ of [1, 2]) {
      const { access_token } = (await ask(shown(token))).json()
      expect(claimsOf(access_token).act).toEqual({ iss: acme, sub: 'suite-prod', sub_profile: 'ai_agent' })
    }
    const quiet = await workloadToken({ sub: 'spiffe://acme/quiet', iat: undefined, aud: acme }, { typ: 'JWT' })
    expect(claimsOf((await ask(shown(quiet))).json().access_token).act).toEqual({ iss: acme, sub: 'quiet' })
  })

  it.each<[string, object, object, Refusal['reason']]>([
    ['[SEC-07] of another client’s workload', { sub: 'spiffe://acme/wiki' }, {}, 'subject_unknown'],
    ['of a workload nobody knows', { sub: 'spiffe://acme/new' }, {}, 'subject_unknown'],
    ['of another issuer', { iss: 'https://other' }, {}, 'issuer_unknown'],
    ['of no issuer', { iss: undefined }, {}, 'issuer_unknown'],
    ['for another server', { aud: 'https://other' }, {}, 'aud_mismatch'],
    ['for two servers', { aud: [acme, 'https://other'] }, {}, 'aud_mismatch'],
    ['that has expired', { exp: 1, iat: undefined }, {}, 'expired'],
    ['that never expires', { exp: undefined, iat: undefined }, {}, 'malformed'],
    ['[AC-03] of another kind', {}, { typ: jwtType.idJag }, 'typ_mismatch'],
  ])('is refused with a token %s', async (_, claims, header, reason) => {
    await expectRefused(shown(await workloadToken(claims, header)), { error: 'invalid_grant', reason })
  })

  it('is refused with an assertion of its own', async () => {
    await expectRefused(shown(assertionOf()), { error: 'invalid_grant', reason: 'typ_mismatch' })
    const plain = assertionOf(suite, { header: { typ: 'JWT' } })
    await expectRefused(shown(plain), { error: 'invalid_grant', reason: 'issuer_unknown' })
  })

  it('waits where the keys of the platform cannot be had', async () => {
    const broken = { find: () => Promise.reject(new Error('no keys')) }
    const issuer = { issuer: platform, keys: broken, algorithms: ['ES256' as const], maxLifetime: 60, workloads: [] }
    world.idp.provider.actors = { ruleOf: () => rule, findWorkloadIssuer: () => issuer }
    expect((await ask(shown(await workloadToken()))).statusCode).toBe(500)
  })
})
