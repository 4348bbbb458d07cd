/** The client with a key of its own: everything bound to it, at real servers, and nothing used that is not. */

import { randomBytes } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createCrossAppClient } from '../../src/client/client.ts'
import type { CrossAppOptions } from '../../src/client/options.ts'
import { proverOf } from '../../src/client/prover.ts'
import { proofNonces } from '../../src/protocol/dpop-nonces.ts'
import { grantType } from '../../src/protocol/names.ts'
import { privateJwk } from '../fixture/keys.ts'
import { claimsOf } from '../fixture/tokens.ts'
import { answerOf, type Enterprise, enterprise, type Server, withMembers } from './enterprise.ts'

let world: Enterprise
beforeEach(async () => {
  world = await enterprise()
})
afterEach(() => world.close())

const client = async (dpop: NonNullable<CrossAppOptions['dpop']> = true) =>
  createCrossAppClient(await world.options({ dpop }))

describe('a client with a key', () => {
  it('[CL-08] [POP-09] proves it at both servers and at the API, with a new proof each time', async () => {
    const key = await privateJwk('own')
    const { fetch, token } = await client({ key })
    expect((await fetch(`${world.resource}/below?page=2`)).status).toBe(200)
    const thumbprint = await proverOf({ key }, { now: () => 0, newId: () => '' }).thumbprint()
    const { token: accessToken, type } = await token(world.resource)
    expect([type, claimsOf(accessToken).cnf]).toEqual(['DPoP', { jkt: thumbprint }])
    const proofs = world.steps.flatMap(({ request }) => request.headers.dpop ?? [])
    expect(proofs.map((proof) => claimsOf(proof).htu)).toEqual([
      `${world.idp.origin}/token`,
      `${world.ras.origin}/token`,
      `${world.resource}/below`,
    ])
    expect(new Set(proofs.map((proof) => claimsOf(proof).jti)).size).toBe(3)
    expect(world.steps.at(-1)?.request.headers.authorization).toBe(`DPoP ${accessToken}`)
  })

  it('[D-06] redeems by the grant type that is named for the proof where the server names it, and by the usual one elsewhere', async () => {
    const grants = () =>
      world.ras.seen
        .filter(({ path }) => path === '/token')
        .map(({ body }) => new URLSearchParams(body).get('grant_type'))
    await (await client()).token(world.resource)
    await createCrossAppClient(await world.options()).token(world.resource)
    world.ras.bend.set(
      '/.well-known/oauth-authorization-server',
      withMembers({ grant_types_supported: [grantType.jwtBearer] }),
    )
    await (await client()).token(world.resource)
    expect(grants()).toEqual([grantType.jwtDpop, grantType.jwtBearer, grantType.jwtBearer])
  })

  it('makes one that lives as long as the client, and steps up by the DPoP challenge', async () => {
    const { fetch } = await client()
    expect((await fetch(world.resource)).status).toBe(200)
    expect((await fetch(world.resource, { method: 'POST', body: '{}' })).status).toBe(200)
    expect(world.count(world.ras, '/token')).toBe(2)
  })

  it('sends no proof without one', async () => {
    const { fetch, token } = createCrossAppClient(await world.options())
    expect((await fetch(world.resource)).status).toBe(200)
    expect((await token(world.resource)).type).toBe('Bearer')
    expect(world.steps.filter(({ request }) => request.headers.dpop !== undefined)).toEqual([])
  })
})

describe('what is not bound', () => {
  it('[CL-08] an ID-JAG bound to another key, or to none, is not redeemed', async () => {
    const other = await client()
    await other.token(world.resource)
    const foreign = JSON.parse(world.steps.find(({ name }) => name === 'exchange')?.answer.body ?? '').access_token
    world.idp.bend.set('/token', withMembers({ access_token: foreign }))
    const refusal = { step: 'exchange', stop: 'check' }
    await expect((await client()).token(world.resource)).rejects.toMatchObject({
      ...refusal,
      message: expect.stringContaining('not bound to the key of the DPoP proof'),
    })
    await expect(createCrossAppClient(await world.options()).token(world.resource)).rejects.toMatchObject(refusal)
    expect(world.count(world.ras, '/token')).toBe(1)
  })

  it('a Bearer token in answer to a proof is not used', async () => {
    world.ras.bend.set('/token', withMembers({ token_type: 'Bearer' }))
    await expect((await client()).fetch(world.resource)).rejects.toMatchObject({ step: 'redemption', stop: 'check' })
    world.ras.bend.delete('/token')
    expect((await (await client()).fetch(world.resource)).status).toBe(200)
  })
})

describe('a server that wants a nonce', () => {
  const demand = answerOf(400, { error: 'use_dpop_nonce' }, { 'dpop-nonce': 'nonce-1' })
  const noncesAt = (server: Server) =>
    server.seen.flatMap(({ headers }) => (headers.dpop === undefined ? [] : [claimsOf(String(headers.dpop)).nonce]))

  it('[DP-12] is asked once more with it, and from then on at once', async () => {
    const nonces = proofNonces(randomBytes(32).toString('hex'))
    const strict = await enterprise(world.clock.now, nonces)
    const nonce = nonces.current(strict.clock.now)
    const { fetch } = createCrossAppClient(await strict.options({ dpop: true }))
    const statuses = [await fetch(strict.resource), await fetch(strict.resource)].map(({ status }) => status)
    await strict.close()
    expect(statuses).toEqual([200, 200])
    expect(noncesAt(strict.idp)).toEqual([undefined, nonce])
    expect(noncesAt(strict.ras)).toEqual([undefined, nonce])
    expect(noncesAt(strict.api)).toEqual([undefined, nonce, nonce])
  })

  it('[DP-12] is not asked a third time', async () => {
    world.idp.bend.set('/token', demand)
    await expect((await client()).fetch(world.resource)).rejects.toMatchObject({ code: 'use_dpop_nonce' })
    expect(world.count(world.idp, '/token')).toBe(2)
  })

  it.each([
    ['another error', answerOf(400, { error: 'invalid_grant' }, { 'dpop-nonce': 'n' })],
    ['no JSON', () => ({ status: 400, headers: { 'dpop-nonce': 'n' }, body: '<p>' })],
    ['no nonce', answerOf(400, { error: 'use_dpop_nonce' })],
  ])('with %s is not asked again', async (_, bend) => {
    world.idp.bend.set('/token', bend)
    await expect((await client()).fetch(world.resource)).rejects.toMatchObject({ step: 'exchange' })
    expect(world.count(world.idp, '/token')).toBe(1)
  })
})
