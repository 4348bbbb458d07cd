/** Rules of the exchange that stand between its parts: scope beside resource, and a refresh token beside the person's record. */

import { beforeEach, describe, expect, it } from 'vitest'
import { tokenType } from '../../src/protocol/names.ts'
import { drive, mcp, search } from '../fixture/addresses.ts'
import { type Enterprise, enterprise, exchange } from '../fixture/enterprise.ts'
import { expectExchangeRefused } from '../fixture/refusal.ts'
import { claimsOf } from '../fixture/tokens.ts'

let world: Enterprise
beforeEach(async () => {
  world = await enterprise()
})

describe('scope and resource of one request', () => {
  it('[IDP-27] are each narrowed, whatever becomes of the other', async () => {
    const answer = await exchange(world, { form: { scope: 'chat.write admin', resource: [search, mcp] } })
    expect(claimsOf(answer.json().access_token)).toMatchObject({ scope: 'chat.write', resource: mcp })
  })

  it('[IDP-27] are each refused, however good the other is', async () => {
    const form = { scope: 'chat.read', resource: mcp }
    await expectExchangeRefused(
      world,
      { form: { ...form, resource: drive } },
      { error: 'invalid_target', reason: 'resource_denied' },
    )
    await expectExchangeRefused(
      world,
      { form: { ...form, scope: 'admin' } },
      { error: 'invalid_scope', reason: 'scope_denied' },
    )
  })
})

describe('the claims of an ID-JAG', () => {
  it('[IDP-22] for a refresh token are those of the person’s record now, not as it was at sign-in', async () => {
    const token = 'a-refresh-token-of-alice'
    const record = { client: 'wiki-at-acme', sub: 'alice', expiresAt: world.clock.now + 1000, revoked: false }
    world.idp.refreshTokens.set(token, record)
    const granted = async () => {
      const form = { subject_token: token, subject_token_type: tokenType.refreshToken, scope: undefined }
      return claimsOf((await exchange(world, { form })).json().access_token)
    }
    expect(await granted()).toMatchObject({ email: 'alice@acme.example', scope: 'chat.read chat.write' })
    const alice = world.idp.users.get('alice')
    if (alice === undefined) throw new Error('no alice')
    world.idp.users.set('alice', { ...alice, groups: [], claims: { ...alice.claims, email: 'a.smith@acme.example' } })
    expect(await granted()).toMatchObject({ email: 'a.smith@acme.example', scope: 'chat.read' })
  })
})
