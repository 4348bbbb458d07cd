/** An ID-JAG that only its authorization server can open: used where the application says that it may come so. */

import { afterEach, beforeEach, expect, it } from 'vitest'
import { clientSecretBasic, createCrossAppClient } from '../../src/client/client.ts'
import type { ResourceServerOptions } from '../../src/client/options.ts'
import { tokenType } from '../../src/protocol/names.ts'
import { encryptionJwk, nested } from '../fixture/nested.ts'
import { type Enterprise, enterprise, secret } from './enterprise.ts'

let world: Enterprise
/** What the redemption was sent. */
const shown = () => new URLSearchParams(world.ras.seen.findLast(({ path }) => path === '/token')?.body).get('assertion')

beforeEach(async () => {
  world = await enterprise()
  const { d: _private, ...key } = await encryptionJwk('e1')
  world.idp.bend.set('/token', async (real) => {
    const answer = {
      issued_token_type: tokenType.idJag,
      token_type: 'N_A',
      expires_in: 300,
      scope: 'chat.read',
      resource: world.resource,
    }
    return { ...real, status: 200, body: JSON.stringify({ ...answer, access_token: await nested('a.b.c', key) }) }
  })
  // Stands for the key that this authorization server does not have.
  world.ras.bend.set('/token', (_real, { body }) => {
    const isNested = new URLSearchParams(body).get('assertion')?.split('.').length === 5
    const answer = { access_token: 'at-1', token_type: 'Bearer', expires_in: 60 }
    return {
      status: isNested ? 200 : 400,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(answer),
    }
  })
})
afterEach(() => world.close())

const client = async (entry: Partial<ResourceServerOptions>, more: object = {}) =>
  createCrossAppClient(
    await world.options({
      resourceServers: { [world.ras.origin]: { client: clientSecretBasic('assistant-at-chat', secret), ...entry } },
      ...more,
    }),
  )

it('[FL-JWE-01] goes on to the server unopened, for the resource that the answer names', async () => {
  const token = await (await client({ encryptedIdJags: true })).token(world.resource)
  expect(token).toMatchObject({ token: 'at-1', resource: world.resource })
  expect(shown()?.split('.')).toHaveLength(5)
})

it('[FL-JWE-01] is not used unless the application says so', async () => {
  await expect((await client({})).token(world.resource)).rejects.toMatchObject({ step: 'exchange', stop: 'check' })
  expect(world.count(world.ras, '/token')).toBe(0)
})

it('is not used without any word on the resource, where nobody else knows it', async () => {
  const real = world.idp.bend.get('/token') ?? (() => undefined)
  world.idp.bend.set('/token', async (answer, request) => {
    const { body, ...bent } = (await real(answer, request)) as { body: string }
    const { resource: _, scope: __, ...members } = JSON.parse(body)
    return { ...bent, body: JSON.stringify(members) }
  })
  const refused = (await client({ encryptedIdJags: true })).token(world.resource)
  await expect(refused).rejects.toMatchObject({ step: 'redemption', stop: 'check' })
  const known = await client({ encryptedIdJags: true, resources: [world.resource] })
  expect(await known.token(world.resource)).toMatchObject({ token: 'at-1' })
})

it('is not used when details were asked for, which nobody here can see in it', async () => {
  const authorizationDetails = [{ type: 'chat_room', room: 'finance' }]
  await expect(
    (await client({ encryptedIdJags: true, authorizationDetails })).token(world.resource),
  ).rejects.toMatchObject({ step: 'exchange' })
  expect(world.count(world.ras, '/token')).toBe(0)
})
