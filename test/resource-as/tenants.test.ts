/** Tenants on both sides of a redemption: whom an issuer speaks for, and that nobody of one tenant reaches another. */

import { beforeEach, describe, expect, it } from 'vitest'
import { accountsBySubject, subjectKeyText } from '../../src/resource-as/accounts.ts'
import { answerDiscovery } from '../../src/resource-as/discovery.ts'
import type { NamedTenants, TrustedIssuer } from '../../src/resource-as/trust.ts'
import { memoryAccounts } from '../../src/server/accounts.ts'
import { acme, beta, chat, mcp } from '../fixture/addresses.ts'
import { basic } from '../fixture/clients.ts'
import { type Attempt, type Enterprise, enterprise, redeem, redemptionCall } from '../fixture/enterprise.ts'
import { signerOf } from '../fixture/keys.ts'
import { expectRefusal } from '../fixture/refusal.ts'
import { send } from '../fixture/requests.ts'
import { claimsOf } from '../fixture/tokens.ts'

/** Beta has the tenants t1 and t2. The chat's tenant `one` takes t1 of Beta, `two` takes t2, and both take t3; Acme is of `one` alone. */
const accounts = memoryAccounts([
  { id: 'one-alice', audTenant: 'one', links: [{ issuer: beta, tenant: 't1', sub: 'alice' }] },
  { id: 'two-alice', audTenant: 'two', links: [{ issuer: beta, tenant: 't2', sub: 'alice' }] },
  { id: 'one-acme-alice', audTenant: 'one', links: [{ issuer: acme, sub: 'alice' }] },
  { id: 'one-dora', audTenant: 'one', email: 'dora@beta.example' },
  { id: 'two-dora', audTenant: 'two', email: 'dora@beta.example' },
  { id: 'no-tenant-dora', email: 'dora@beta.example' },
])

let world: Enterprise
let entries: TrustedIssuer[]
const asked: (NamedTenants | undefined)[] = []

beforeEach(async () => {
  world = await enterprise({
    resolveSubject: accountsBySubject(accounts),
    async findTrustedIssuer(issuer, named) {
      asked.push(named)
      const of = entries.filter((one) => one.issuer === issuer)
      const { tenant = '', audTenant } = named ?? {}
      const fitting = of.filter(
        (one) => (audTenant ?? one.audTenant) === one.audTenant && one.tenants?.includes(tenant) !== false,
      )
      return fitting[0] ?? of[0]
    },
  })
  const base = (issuer: string): TrustedIssuer => {
    const found = world.chat.trusted.get(issuer)
    if (found === undefined) throw new Error('no entry')
    return { ...found, accounts: { emailDomains: ['beta.example'], unknown: 'refuse' } }
  }
  entries = [
    { ...base(acme), audTenant: 'one' },
    { ...base(beta), tenants: ['t1', 't3'], audTenant: 'one', audSub: true },
    { ...base(beta), tenants: ['t2', 't3'], audTenant: 'two', scopes: ['chat.read'], resources: [mcp] },
  ]
})

const ofBeta = async (claims: Record<string, unknown>): Promise<Attempt> => ({
  claims: { iss: beta, ...claims },
  signer: await signerOf('b1'),
})
const accountOf = async (attempt: Attempt) => {
  const answer = await redeem(world, attempt)
  const { sub, tenant } = claimsOf(String(answer.json().access_token))
  return [answer.statusCode, sub, tenant]
}
async function expectRefused(attempt: Attempt, reason: 'tenant_mismatch' | 'subject_unknown') {
  const [spent, events] = [world.spent.length, world.audit.length]
  const call = redemptionCall(world, attempt)
  const refusal = { error: 'invalid_grant', reason, description: /^assertion: / } as const
  expectRefusal(world, { events }, call, await send(world.chat.app, call), refusal)
  expect(world.spent).toHaveLength(spent)
}

describe('an issuer with tenants', () => {
  it('[TEN-03] [T-19] [JAG-14] [JAG-04] has another person for the same sub in each', async () => {
    expect(await accountOf(await ofBeta({ tenant: 't1' }))).toEqual([200, 'one-alice', 'one'])
    expect(await accountOf(await ofBeta({ tenant: 't2' }))).toEqual([200, 'two-alice', 'two'])
    expect(asked.slice(-2)).toEqual([{ tenant: 't1' }, { tenant: 't2' }])
    expect(world.audit.slice(-2)).toMatchObject([
      { tenant: 't1', audTenant: 'one', account: 'one-alice' },
      { tenant: 't2', audTenant: 'two', account: 'two-alice' },
    ])
  })

  it.each([
    ['[ATK-038] [T-11] [TEN-03] a tenant that is not connected', { tenant: 't9' }],
    ['[ATK-038] [TEN-03] no tenant', {}],
    ['[ATK-038] a tenant in other case', { tenant: 'T1' }],
    ['[ATK-038] a tenant as a list', { tenant: ['t1'] }],
    [
      '[ATK-039] [TEN-08] [JAG-15] a tenant of the server that this tenant does not reach',
      { tenant: 't1', aud_tenant: 'two' },
    ],
    ['[ATK-039] [TEN-08] a tenant of the server that there is not', { tenant: 't1', aud_tenant: 'three' }],
    ['[ATK-039] a tenant of the server as a number', { tenant: 't1', aud_tenant: 1 }],
  ])('is refused with %s, and a token made right is redeemed', async (_, claims) => {
    await expectRefused(await ofBeta(claims), 'tenant_mismatch')
    expect(await accountOf(await ofBeta({ tenant: 't1', aud_tenant: 'one' }))).toEqual([200, 'one-alice', 'one'])
  })

  it('[ATK-059] may use a jti again in another of its tenants, and in none twice', async () => {
    const again = async (tenant: string) => (await redeem(world, await ofBeta({ jti: 'the-same', tenant }))).statusCode
    expect([await again('t1'), await again('t2'), await again('t1'), await again('t2')]).toEqual([200, 200, 400, 400])
    expect((await redeem(world, { claims: { jti: 'the-same' } })).statusCode).toBe(200)
  })
})

describe('an issuer without tenants', () => {
  it('[ATK-038] is refused with one, and redeemed without, into the tenant that trusts it', async () => {
    await expectRefused({ claims: { tenant: 't1' } }, 'tenant_mismatch')
    expect(await accountOf({})).toEqual([200, 'one-acme-alice', 'one'])
  })

  it('[ATK-039] [TEN-08] never reaches a tenant that does not trust it, whatever it names', async () => {
    await expectRefused({ claims: { aud_tenant: 'two' } }, 'tenant_mismatch')
    expect(await accountOf({ claims: { aud_tenant: 'one' } })).toEqual([200, 'one-acme-alice', 'one'])
  })
})

describe('an account', () => {
  it('of another tenant is reached by no address', async () => {
    const dora = { sub: 'dora', email: 'dora@beta.example', email_verified: true }
    expect(await accountOf(await ofBeta({ ...dora, tenant: 't1' }))).toEqual([200, 'one-dora', 'one'])
    expect(await accountOf(await ofBeta({ ...dora, tenant: 't2' }))).toEqual([200, 'two-dora', 'two'])
  })

  it('of another tenant is given to nobody, also by a host that looks up accounts without asking for the tenant', async () => {
    const careless = {
      ...accounts,
      findLinked: async () => accounts.findById?.('two-alice', 'two'),
      findByEmail: async () => await accounts.findByEmail('dora@beta.example', 'two'),
    }
    const trusted = {
      issuer: acme,
      audTenant: 'one',
      accounts: { emailDomains: ['beta.example'], unknown: 'create' },
    } as const
    const resolve = accountsBySubject(careless)
    const person = { sub: 'x', email: 'dora@beta.example', email_verified: true }
    expect(await resolve(person, trusted)).toBeUndefined()
    expect(await accountsBySubject({ ...careless, findLinked: async () => undefined })(person, trusted)).toBeUndefined()
  })

  it('[JAG-16] is named by its id where the issuer may, within its tenant, the first time', async () => {
    const fresh = memoryAccounts([
      { id: 'free', audTenant: 'one' },
      { id: 'taken', audTenant: 'one', links: [{ issuer: acme, sub: 'bob' }] },
      { id: 'elsewhere', audTenant: 'two' },
    ])
    const resolve = accountsBySubject(fresh)
    const trusted = {
      issuer: beta,
      audTenant: 'one',
      audSub: true,
      accounts: { emailDomains: [], unknown: 'create' },
    } as const
    const found = async (sub: string, aud_sub: string, change = {}) => {
      const resolution = await resolve({ sub, tenant: 't1', aud_sub }, { ...trusted, ...change })
      return typeof resolution === 'object' ? await resolution.settle() : resolution
    }
    expect(await found('eve', 'taken')).toBeUndefined()
    expect(await found('eve', 'elsewhere')).toBeUndefined()
    expect(await found('eve', 'nobody')).toBeUndefined()
    expect(await found('alice', 'free')).toBe('free')
    expect(await found('alice', 'free')).toBe('free')
    // The link stands, and what contradicts it is not followed.
    expect(await found('alice', 'taken')).toBeUndefined()
    // An issuer that may not name accounts is not listened to.
    expect(await found('eve', 'taken', { audSub: false })).toMatch(/^person-/)
    const without = accountsBySubject({ ...fresh, findById: undefined } as never)
    expect(await without({ sub: 'new', aud_sub: 'free' }, trusted)).toBeUndefined()
  })

  it('[JAG-16] named by the token is not made up where it is not there', async () => {
    await expectRefused(await ofBeta({ sub: 'eve', tenant: 't1', aud_sub: 'two-dora' }), 'subject_unknown')
  })

  it('is known by keys that run into no other, and by those of before where there are no tenants', () => {
    const keys = [
      { issuer: beta, sub: 'a' },
      { issuer: beta, sub: 'a', tenant: 't1' },
      { issuer: beta, sub: 'a', audTenant: 't1' },
      { issuer: beta, sub: 'a', tenant: 't1', audTenant: 't1' },
    ]
    expect(subjectKeyText({ issuer: beta, sub: 'a' })).toBe(JSON.stringify([beta, 'a']))
    expect(new Set(keys.map(subjectKeyText)).size).toBe(keys.length)
  })
})

describe('what is granted in a tenant', () => {
  it('is at most what its entry of the issuer says', async () => {
    const wide = { scope: 'chat.read chat.write' }
    expect((await redeem(world, await ofBeta({ ...wide, tenant: 't1' }))).json().scope).toBe('chat.read chat.write')
    expect((await redeem(world, await ofBeta({ ...wide, tenant: 't2' }))).json().scope).toBe('chat.read')
  })

  it('is what discovery says of it, and nothing of a tenant that is not connected', async () => {
    const { server, clients } = world.chat
    const endpoint = { ...server, findClient: async (id: string) => clients.entries.get(id), policyVersion: () => 'p' }
    const ask = async (more: string) =>
      await answerDiscovery(
        {
          body: `issuer=${encodeURIComponent(beta)}&resource=${encodeURIComponent(mcp)}${more}`,
          authorization: [basic(clients.basic).headers?.authorization ?? ''],
          correlationId: 'c',
        },
        endpoint,
        world.ports,
      )
    expect(await ask('&tenant=t2')).toEqual({ accepted: true, resources: [{ resource: mcp, scope: 'chat.read' }] })
    for (const more of ['', '&tenant=t9', '&tenant=t1&aud_tenant=two'])
      expect(await ask(more)).toEqual({ accepted: false })
  })

  it('ends for its people alone when the tenant is blocked', async () => {
    const blocked = { inForce: () => [{ tenant: 'one' }], lifted: () => [] }
    world = await enterprise({
      resolveSubject: accountsBySubject(accounts),
      findTrustedIssuer: async (_, named) => entries.find((one) => one.tenants?.includes(named?.tenant ?? '')),
      blocks: blocked,
    })
    const answer = await redeem(world, await ofBeta({ tenant: 't1' }))
    expect([answer.statusCode, answer.json().error]).toEqual([400, 'access_denied'])
    expect(world.audit.at(-1)).toMatchObject({ reason: 'blocked', audTenant: 'one' })
    expect((await redeem(world, await ofBeta({ tenant: 't2' }))).statusCode).toBe(200)
  })

  it('carries the tenant of the server to the status and to the resource', async () => {
    const issued = (await redeem(world, await ofBeta({ tenant: 't1' }))).json()
    expect(claimsOf(String(issued.access_token))).toMatchObject({ iss: chat, tenant: 'one' })
  })
})
