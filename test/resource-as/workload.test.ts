/** An ID-JAG of a workload at the resource authorization server: whether it is taken, and what is read of it. */

import { beforeEach, describe, expect, it } from 'vitest'
import { usualBranches } from '../../src/protocol/branches.ts'
import type { TrustedIssuer } from '../../src/resource-as/trust.ts'
import { acme, chat, mcp } from '../fixture/addresses.ts'
import { type Enterprise, enterprise, redeem } from '../fixture/enterprise.ts'
import { proofFor, proofKeyNamed } from '../fixture/proofs.ts'
import { expectRedemptionRefused } from '../fixture/refusal.ts'
import { claimsOf } from '../fixture/tokens.ts'

const branches = { ...usualBranches, 'workload-agent-principal': true }
const robot = { sub: 'suite-prod', sub_profile: 'ai_agent' }
let world: Enterprise
beforeEach(async () => {
  world = await enterprise({ branches })
  trust({ workloads: 'accept' })
  const link = [JSON.stringify([acme, 'suite-prod'])]
  world.chat.accounts.all.set('u-suite', { enabled: true, keys: link })
})
function trust(change: Partial<TrustedIssuer>): void {
  const trusted = world.chat.trusted.get(acme)
  if (trusted === undefined) throw new Error('the fixture trusts Acme')
  world.chat.trusted.set(acme, { ...trusted, ...change })
}

describe('a workload', () => {
  it('[FL-WL-03] [AC-01] is the account that its issuer and name are linked to, and every token and the audit say what it is', async () => {
    const { access_token } = (await redeem(world, { claims: robot })).json()
    expect(claimsOf(access_token)).toMatchObject({ sub: 'u-suite', sub_profile: 'ai_agent' })
    expect(world.audit.at(-1)).toMatchObject({ outcome: 'granted', subjectProfile: 'ai_agent' })
    const principal = await world.chat.api.inject({ url: '/mcp', headers: { authorization: `Bearer ${access_token}` } })
    expect(principal.json()).toMatchObject({ account: 'u-suite', subjectProfile: 'ai_agent' })
  })

  it('[FL-WL-03] is refused where its issuer’s entry says so or says nothing, and where the branch is off', async () => {
    const refusal = { error: 'invalid_grant', reason: 'subject_type_mismatch', description: /^assertion: / } as const
    for (const workloads of [undefined, 'refuse'] as const) {
      trust({ workloads })
      await expectRedemptionRefused(world, { claims: robot }, refusal)
    }
    for (const change of [{}, { branches: usualBranches }]) {
      world = await enterprise(change)
      trust({ workloads: 'accept' })
      await expectRedemptionRefused(world, { claims: robot }, refusal)
    }
  })

  it('[FL-WL-03] is no person, whatever its ID-JAG says of one', async () => {
    const { all } = world.chat.accounts
    trust({ audSub: true, subjectId: undefined })
    const ofPeople = { email: 'bob@acme.example', email_verified: true, aud_sub: 'u-bob', auth_time: 1, acr: 'hwk' }
    const claims = { ...robot, ...ofPeople, sub: 'new-one' }
    const refusal = { error: 'invalid_grant', reason: 'subject_unknown' } as const
    await expectRedemptionRefused(world, { claims }, refusal)
    expect((await redeem(world, { claims: { ...ofPeople, aud_sub: undefined, sub: 'bob' } })).statusCode).toBe(200)
    trust({ accounts: { emailDomains: ['acme.example'], unknown: 'create' } })
    const { access_token } = (await redeem(world, { claims: { ...claims, email: 'new@acme.example' } })).json()
    const { sub, ...issued } = claimsOf(access_token)
    expect(issued).not.toHaveProperty('acr')
    expect(issued).not.toHaveProperty('auth_time')
    expect(all.get(String(sub))?.email).toBeUndefined()
  })

  it('[FL-WL-03] of a sign-in that is demanded has none, and is not told to sign in', async () => {
    world = await enterprise({
      branches,
      resources: [{ resource: mcp, scopes: ['chat.read'], signIn: { acr: ['hwk'] } }],
    })
    trust({ workloads: 'accept', accounts: { emailDomains: [], unknown: 'create' } })
    const refusal = { error: 'access_denied', reason: 'policy_denied' } as const
    await expectRedemptionRefused(world, { claims: { ...robot, acr: 'hwk' } }, refusal, { claims: { acr: 'hwk' } })
  })

  it('[FL-WL-03] comes with a bound ID-JAG alone, where its issuer’s entry says so; a person need not', async () => {
    trust({ workloads: 'bound' })
    await expectRedemptionRefused(world, { claims: robot }, { error: 'invalid_grant', reason: 'pop_required' })
    const key = await proofKeyNamed('proof')
    const dpop = proofFor(key, { address: `${chat}/token`, now: world.clock.now })
    const bound = await redeem(world, { claims: { ...robot, cnf: { jkt: key.thumbprint } }, headers: { dpop } })
    expect(bound.json()).toMatchObject({ token_type: 'DPoP' })
    const cnf = { jkt: key.thumbprint }
    expect(claimsOf(bound.json().access_token)).toMatchObject({ sub: 'u-suite', sub_profile: 'ai_agent', cnf })
  })
})

it('[AC-01] an ID-JAG that says user is of a person, and the access token says nothing', async () => {
  const { access_token } = (await redeem(world, { claims: { sub_profile: 'user' } })).json()
  expect(claimsOf(access_token)).not.toHaveProperty('sub_profile')
  await expectRedemptionRefused(world, { claims: { sub_profile: 1 } }, { error: 'invalid_grant', reason: 'malformed' })
})
