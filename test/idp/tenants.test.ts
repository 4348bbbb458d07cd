/** Tenants at an identity provider: whose people a connection is for, and what the ID-JAG says of them. */

import { describe, expect, it } from 'vitest'
import { decideAccess, type User } from '../../src/idp/connections.ts'
import { subjectFor } from '../../src/idp/subject-mapping.ts'
import { findTarget } from '../../src/idp/target.ts'
import { isForTenant, tenantClaims } from '../../src/idp/tenants.ts'
import { chat, mcp } from '../fixture/addresses.ts'
import { connectionOf } from '../fixture/identity-provider.ts'

const alice: User = { sub: 'alice', enabled: true, groups: [], claims: { chat_id: 'c-1', empty: '' } }
const inT1: User = { ...alice, tenant: 't1' }
const connection = (change = {}) => connectionOf('wiki', 'wiki-at-chat', change)
const server = { issuer: chat, aliases: [], resources: [mcp], enabled: true }

describe('a connection', () => {
  it.each([
    ['for one tenant, a person of it', { tenant: 't1' }, inT1, true],
    ['for one tenant, a person of another', { tenant: 't2' }, inT1, false],
    ['for one tenant, a person of none', { tenant: 't1' }, alice, false],
    ['for one tenant and every one, a person of another', { tenant: 't2', everyTenant: true }, inT1, false],
    ['for every tenant, a person of one', { everyTenant: true }, inT1, true],
    ['that names none, a person of one', {}, inT1, false],
    ['that names none, a person of none', {}, alice, true],
  ])('[TEN-06] %s', async (_, change, user, expected) => {
    expect(isForTenant(connection(change), user)).toBe(expected)
    const asked: unknown[] = []
    const targets = {
      findResourceServer: async () => server,
      async findConnection(...question: unknown[]) {
        asked.push(question)
        return connection(change)
      },
    }
    const found = findTarget(targets, 'wiki', chat, user)
    if (expected) expect((await found).server).toBe(server)
    else await expect(found).rejects.toMatchObject({ code: 'invalid_target', reason: 'target_unknown' })
    expect(asked).toEqual([['wiki', chat, user.tenant]])
  })
})

describe('the ID-JAG', () => {
  it.each([
    ['[TEN-01] the tenant of the person', {}, inT1, { tenant: 't1' }],
    ['[TEN-01] nothing for a person without a tenant', {}, alice, {}],
    ['[TEN-05] no tenant for a server that refuses it', { namesTenant: false }, inT1, {}],
    ['[TEN-07] [JAG-15] the tenant there, where it is known', { audTenant: 'one' }, alice, { aud_tenant: 'one' }],
    ['[TEN-07] [JAG-16] the account there, where it is known', { audSubClaim: 'chat_id' }, alice, { aud_sub: 'c-1' }],
    ['[JAG-16] no account that is no name', { audSubClaim: 'empty' }, alice, {}],
    ['[JAG-16] no account of which nothing is known', { audSubClaim: 'other' }, alice, {}],
  ])('[JAG-14] says %s', (_, change, user, expected) => {
    expect(tenantClaims(user, connection(change))).toEqual(expected)
  })

  it('[TEN-02] has another pairwise sub for the same sub of another tenant, and the one of before without tenants', () => {
    const { audience } = connection()
    const sub = (user: User) => subjectFor(user, { audience, subject: { kind: 'pairwise' } }, 'secret')
    expect(new Set([sub(alice), sub(inT1), sub({ ...inT1, tenant: 't2' })]).size).toBe(3)
  })
})

describe('a block on a tenant', () => {
  it.each([
    ['stops its people', 't1', false],
    ['lets others pass', 't2', true],
  ])('%s', (_, tenant, allowed) => {
    const question = {
      ...{
        user: inT1,
        connection: connection({ tenant: 't1' }),
        server,
        scopes: [],
        resources: [],
        authentication: {},
      },
      ...{ issuer: 'https://login.example', blocks: [{ tenant }], now: 0, skew: 0 },
    }
    expect(decideAccess(question).allowed).toBe(allowed)
  })
})
