/** The three registrations of Cross-App Access: client with identity provider, client with authorization server, server with server. */

import { beforeEach, describe, expect, it } from 'vitest'
import { acme } from '../fixture/addresses.ts'
import { basic } from '../fixture/clients.ts'
import { type Enterprise, enterprise, exchange, redeem } from '../fixture/enterprise.ts'
import { expectExchangeRefused, expectRedemptionRefused, type Refusal } from '../fixture/refusal.ts'

let world: Enterprise
beforeEach(async () => {
  world = await enterprise()
})

const stranger: Refusal = { error: 'invalid_client', reason: 'client_unauthenticated' }

/** An ID-JAG that the identity provider issued, redeemed as it is. */
async function redeemed(as?: { headers?: Record<string, string> }) {
  const issued = await exchange(world)
  expect(issued.statusCode).toBe(200)
  return await redeem(world, { token: issued.json().access_token, ...(as === undefined ? {} : { as }) })
}

describe('a client', () => {
  it('[MAP-03] redeems with the credential it has at the authorization server, not with that of the identity provider', async () => {
    expect((await redeemed(basic(world.idp.clients.basic))).json()).toMatchObject({ error: 'invalid_client' })
    const { id } = world.chat.clients.basic
    const mixed = basic({ id, secret: world.idp.clients.basic.secret })
    expect((await redeemed(mixed)).json()).toMatchObject({ error: 'invalid_client' })
    expect((await redeemed(basic(world.chat.clients.basic))).statusCode).toBe(200)
  })

  it('[MAP-04] is unknown where it is not registered, whatever it is at the other server', async () => {
    await expectExchangeRefused(world, { as: basic(world.chat.clients.basic) }, stranger)
    await expectRedemptionRefused(world, { as: basic(world.idp.clients.basic) }, stranger)
  })
})

it('[MAP-04] an authorization server that does not know the identity provider takes its ID-JAGs from no client', async () => {
  const entry = world.chat.trusted.get(acme)
  if (entry === undefined) throw new Error('no entry')
  world.chat.trusted.delete(acme)
  expect((await redeemed()).json()).toMatchObject({ error: 'invalid_grant' })
  world.chat.trusted.set(acme, entry)
  expect((await redeemed()).statusCode).toBe(200)
})
