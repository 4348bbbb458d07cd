/** A workload as the subject: what shows it, who lets it in, and what its ID-JAG says. */

import { beforeEach, describe, expect, it } from 'vitest'
import type { Workloads } from '../../src/idp/workload-subject.ts'
import { usualBranches } from '../../src/protocol/branches.ts'
import { jwtType, tokenType } from '../../src/protocol/names.ts'
import { acme } from '../fixture/addresses.ts'
import { basic, byAssertion, type Credentials } from '../fixture/clients.ts'
import { type Enterprise, enterprise, exchange, exchangeCall, idJagClaims } from '../fixture/enterprise.ts'
import { connectionOf, everyone } from '../fixture/identity-provider.ts'
import { signerOf, signingKeysNamed } from '../fixture/keys.ts'
import { expectRefusal, type Refusal } from '../fixture/refusal.ts'
import { send } from '../fixture/requests.ts'
import { claimsOf, signed } from '../fixture/tokens.ts'

const platform = 'https://platform.acme.example'
let world: Enterprise
let suite: Credentials
beforeEach(async () => {
  world = await enterprise()
  suite = world.idp.clients.any
  const keys = (await signingKeysNamed(['platform'])).source
  const listed = [
    { sub: 'spiffe://acme/suite', client: suite.id, name: 'suite-prod', profile: 'ai_agent' },
    { sub: 'spiffe://acme/wiki', client: world.idp.clients.basic.id, name: 'wiki-prod' },
  ]
  const workloads: Workloads = {
    ofClient: (client) => (client === suite.id ? { name: 'suite' } : undefined),
    findWorkloadIssuer: (issuer) =>
      issuer === platform ? { issuer, keys, algorithms: ['ES256'], maxLifetime: 3600, workloads: listed } : undefined,
    isName: (name) => ['suite', 'suite-prod', 'wiki-prod'].includes(name),
  }
  world.idp.provider.workloads = workloads
  world.idp.provider.branches = { ...usualBranches, 'workload-agent-principal': true }
  connect({ who: { ...everyone, workloads: ['suite', 'suite-prod'] } })
})

/** Replaces the connection of the suite. */
function connect(change: Parameters<typeof connectionOf>[2]): void {
  const { connections } = world.idp
  const at = connections.findIndex(({ client }) => client === suite.id)
  connections[at] = connectionOf(suite.id, 'suite-at-chat', change)
}
const assertionOf = (client = suite, change: Parameters<typeof byAssertion>[3] = {}) =>
  String(byAssertion(client, acme, world.clock.now, change).form?.client_assertion)
const platformToken = async (claims: object = {}, header: object = {}) => {
  const { now } = world.clock
  const own = { iss: platform, sub: 'spiffe://acme/suite', aud: acme, iat: now, exp: now + 600, ...claims }
  return signed({ ...header }, own, await signerOf('platform'))
}
const attempt = (token: string, form: object = {}) => ({
  as: basic(suite),
  form: { subject_token: token, subject_token_type: tokenType.jwt, ...form },
})
const ask = async (token: string, form?: object) => await exchange(world, attempt(token, form))

/** Refused, with nothing spent; and a good one is granted. */
async function expectRefused(token: string, refusal: Refusal, form: object = {}): Promise<void> {
  const call = exchangeCall(world, attempt(token, form))
  const [events, spent] = [world.audit.length, world.spent.length]
  expectRefusal(world, { events }, call, await send(world.idp.app, call), refusal)
  expect(world.spent).toHaveLength(spent)
}

describe('a client that is a workload', () => {
  it('[FL-WL-01] [FL-WL-02] shows its own assertion and is called by its entry, as no person and with nothing of one', async () => {
    connect({
      who: { users: [], groups: [], workloads: ['suite'] },
      subject: { kind: 'pairwise' },
      subjectId: { samlIssuer: 'https://saml', nameIdFormat: 'urn:x', nameId: { kind: 'same' } },
      userClaims: ['email'],
    })
    const { access_token } = (await ask(assertionOf())).json()
    const claims = claimsOf(access_token)
    expect(claims).toMatchObject({ sub: 'suite', sub_profile: 'workload', client_id: 'suite-at-chat' })
    for (const ofPeople of ['email', 'sub_id', 'auth_time', 'acr', 'act']) expect(claims).not.toHaveProperty(ofPeople)
    expect(world.audit.at(-1)).toMatchObject({ outcome: 'granted', subject: 'suite', subjectProfile: 'workload' })
  })

  it('[FL-WL-01] shows it once', async () => {
    const token = assertionOf()
    expect((await ask(token)).statusCode).toBe(200)
    expect((await ask(token)).json()).toMatchObject({ error: 'invalid_grant' })
    expect(world.audit.at(-1)?.reason).toBe('client_assertion_replay')
  })

  it('[FL-WL-01] may show the one with which it authenticates itself, which is spent once', async () => {
    const { form = {} } = byAssertion(suite, acme, world.clock.now)
    const both = { ...attempt(String(form.client_assertion), form), as: {} }
    const first = await exchange(world, both)
    expect([first.statusCode, world.spent.length]).toEqual([200, 1])
    expect((await exchange(world, both)).statusCode).toBe(401)
  })

  it.each<[string, () => string, Refusal['reason']]>([
    [
      'in its name, signed by another client',
      () => assertionOf({ ...suite, signer: world.idp.clients.signing.signer }),
      'client_assertion_invalid',
    ],
    ['for another server', () => assertionOf(suite, { claims: { aud: 'https://other' } }), 'client_assertion_invalid'],
    ['that has expired', () => assertionOf(suite, { claims: { exp: 1 } }), 'client_assertion_invalid'],
    [
      '[SEC-07] of another client',
      () => assertionOf(world.idp.clients.signing, { header: { typ: 'JWT' } }),
      'issuer_unknown',
    ],
    [
      'that is an ID-JAG',
      () => signed({ typ: jwtType.idJag }, idJagClaims(world), world.idp.keys.current()),
      'typ_mismatch',
    ],
    ['without an issuer', () => signed({}, { sub: 'x', jti: 1 }, suite.signer), 'issuer_unknown'],
    ['that is no JWT', () => 'x', 'malformed'],
  ])('[FL-WL-01] is refused with a token %s', async (_, token, reason) => {
    await expectRefused(token(), { error: 'invalid_grant', reason, description: /^subject_token: / })
    expect((await ask(assertionOf())).statusCode).toBe(200)
  })

  it('[FL-WL-02] is none without an entry that says so', async () => {
    const { workloads } = world.idp.provider
    if (workloads === undefined) throw new Error('the fixture has workloads')
    world.idp.provider.workloads = { ...workloads, ofClient: () => undefined }
    await expectRefused(assertionOf(), { error: 'invalid_grant', reason: 'subject_unknown' })
  })
})

describe('a client that runs as a workload', () => {
  it('[FL-WL-01] shows the token of its platform, as often as that lives', async () => {
    const token = await platformToken({ jti: 'p-1' })
    for (const _ of [1, 2]) {
      const { access_token } = (await ask(token)).json()
      expect(claimsOf(access_token)).toMatchObject({ sub: 'suite-prod', sub_profile: 'ai_agent' })
    }
    expect(world.audit.at(-1)).toMatchObject({ subjectProfile: 'ai_agent', issuer: platform })
  })

  it.each<[string, object, object, Refusal['reason']]>([
    ['[SEC-07] of another client’s workload', { sub: 'spiffe://acme/wiki' }, {}, 'subject_unknown'],
    ['of another issuer', { iss: 'https://other' }, {}, 'issuer_unknown'],
    ['for another server', { aud: 'https://other' }, {}, 'aud_mismatch'],
    ['that has expired', { exp: 1, iat: undefined }, {}, 'expired'],
    ['of another kind', {}, { typ: jwtType.accessToken }, 'typ_mismatch'],
  ])('[FL-WL-01] is refused with a token %s', async (_, claims, header, reason) => {
    await expectRefused(await platformToken(claims, header), { error: 'invalid_grant', reason })
    expect((await ask(await platformToken())).statusCode).toBe(200)
  })
})

describe('a connection', () => {
  const denied = { error: 'access_denied', reason: 'policy_denied' } as const

  it('[FL-WL-02] for everyone is for people: a workload is let in by its name alone', async () => {
    connect({ who: everyone })
    await expectRefused(assertionOf(), denied)
    connect({ who: { users: ['suite'], groups: [] } })
    await expectRefused(assertionOf(), denied)
    connect({ who: { users: [], groups: [], workloads: ['suite-prod'] } })
    await expectRefused(assertionOf(), denied)
    expect((await ask(await platformToken())).statusCode).toBe(200)
  })

  it('[FL-WL-02] for workloads alone is for no person', async () => {
    const idToken = { as: basic(suite), claims: { aud: suite.id } }
    expect((await exchange(world, idToken)).statusCode).toBe(200)
    connect({ who: { users: [], groups: [], workloads: ['suite'] } })
    expect((await exchange(world, idToken)).json()).toMatchObject({ error: 'access_denied' })
  })

  it('[FL-WL-02] that demands a sign-in is for no workload, which is told so once and for all', async () => {
    connect({ who: { ...everyone, workloads: ['suite'] }, signIn: { maxAge: 60 } })
    await expectRefused(assertionOf(), denied)
    connect({ who: { ...everyone, workloads: ['suite'] } })
    expect((await ask(assertionOf())).statusCode).toBe(200)
  })

  it('[FL-WL-02] calls no person as a workload is called', async () => {
    const idToken = { as: basic(suite), claims: { aud: suite.id, sub: 'bob' } }
    connect({ subject: { kind: 'claim', claim: 'employee_number' } })
    expect((await exchange(world, idToken)).statusCode).toBe(200)
    const bob = world.idp.users.get('bob')
    if (bob === undefined) throw new Error('the fixture has bob')
    world.idp.users.set('bob', { ...bob, claims: { employee_number: 'suite' } })
    expect((await exchange(world, idToken)).json()).toMatchObject({ error: 'access_denied' })
  })
})

describe('a workload', () => {
  it('[FL-WL-01] has no actor: it acts itself', async () => {
    world.idp.provider.actors = { ruleOf: () => ({ by: 'own-assertion' }), findWorkloadIssuer: () => undefined }
    const actor = { actor_token: assertionOf(), actor_token_type: tokenType.jwt }
    await expectRefused(await platformToken(), { error: 'invalid_request', reason: 'actor_unsupported' }, actor)
    expect((await exchange(world, { as: basic(suite), claims: { aud: suite.id }, form: actor })).statusCode).toBe(200)
  })

  it('[FL-WL-01] is no subject while the branch is off, nor where none is known', async () => {
    const refusal = { error: 'invalid_request', reason: 'unsupported_type' } as const
    world.idp.provider.branches = usualBranches
    await expectRefused(assertionOf(), refusal)
    world.idp.provider.branches = undefined
    await expectRefused(assertionOf(), refusal)
    world.idp.provider.branches = { ...usualBranches, 'workload-agent-principal': true }
    const known = world.idp.provider.workloads
    world.idp.provider.workloads = undefined
    await expectRefused(assertionOf(), refusal)
    const other = async () =>
      (await ask('x', { subject_token_type: 'urn:x' })).json<{ error_description: string }>().error_description
    expect(await other()).not.toContain(tokenType.jwt)
    world.idp.provider.workloads = known
    expect(await other()).toContain(tokenType.jwt)
  })

  it('[FL-WL-01] waits where the keys of its platform cannot be had', async () => {
    const { workloads } = world.idp.provider
    if (workloads === undefined) throw new Error('the fixture has workloads')
    const keys = { find: () => Promise.reject(new Error('no keys')) }
    const issuer = { issuer: platform, keys, algorithms: ['ES256' as const], maxLifetime: 60, workloads: [] }
    world.idp.provider.workloads = { ...workloads, findWorkloadIssuer: () => issuer }
    expect((await ask(await platformToken())).statusCode).toBe(500)
  })
})
