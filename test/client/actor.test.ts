/** The actor that a client shows: at the exchange, by its own assertion or a token of the application, and nowhere else. */

import { afterEach, beforeEach, expect, it } from 'vitest'
import { clientSecretPost, createCrossAppClient, privateKeyJwt } from '../../src/client/client.ts'
import type { CrossAppOptions } from '../../src/client/options.ts'
import { tokenType } from '../../src/protocol/names.ts'
import { claimsOf } from '../fixture/tokens.ts'
import { type Enterprise, enterprise, type Server, secret } from './enterprise.ts'

let world: Enterprise
beforeEach(async () => {
  world = await enterprise()
})
afterEach(() => world.close())

const clientWith = async (actor: CrossAppOptions['actor']) =>
  createCrossAppClient(await world.options(actor === undefined ? {} : { actor }))
const formsAt = ({ seen }: Server) =>
  seen.filter(({ path }) => path === '/token').map(({ body }) => new URLSearchParams(body))

it('[OKTA-05] is shown at the exchange alone, by an assertion of the client’s own, new each time', async () => {
  const client = await clientWith(privateKeyJwt('assistant', world.clientKey, { kid: 'client-1' }))
  expect((await client.fetch(world.resource)).status).toBe(200)
  expect((await (await clientWith(privateKeyJwt('assistant', world.clientKey))).fetch(world.resource)).status).toBe(200)
  const [form, again] = formsAt(world.idp)
  expect(form?.get('actor_token_type')).toBe(tokenType.jwt)
  expect(claimsOf(String(form?.get('actor_token')))).toMatchObject({ iss: 'assistant', aud: world.idp.origin })
  expect(again?.get('actor_token')).not.toBe(form?.get('actor_token'))
  const [redemption] = formsAt(world.ras)
  expect(redemption?.has('actor_token')).toBe(false)
  const act = { iss: world.idp.origin, sub: 'assistant', sub_profile: 'ai_agent' }
  expect(claimsOf(String(redemption?.get('assertion')))).toMatchObject({ sub: 'alice', act })
})

it('[OKTA-05] is whom the token of a function is of, which is asked for each exchange', async () => {
  const { identityProvider, ...options } = await world.options()
  let asked = 0
  const client = createCrossAppClient({
    ...options,
    identityProvider: { ...identityProvider, assertionAudience: 'token-endpoint' },
    actor: async () => `token-${++asked}`,
  })
  for (const one of ['token-1', 'token-2']) {
    await expect(client.token(world.resource)).rejects.toMatchObject({ step: 'exchange', code: 'invalid_grant' })
    expect(formsAt(world.idp).at(-1)?.get('actor_token')).toBe(one)
  }
})

it('[OKTA-05] is nobody unless the application says so', async () => {
  await (await clientWith(undefined)).token(world.resource)
  const [form] = formsAt(world.idp)
  expect([form?.has('actor_token'), form?.has('actor_token_type')]).toEqual([false, false])
})

it('is addressed as the identity provider’s entry says', async () => {
  const { identityProvider, ...options } = await world.options()
  const actor = privateKeyJwt('assistant', world.clientKey)
  const entry = { ...identityProvider, assertionAudience: 'token-endpoint' } as const
  const client = createCrossAppClient({ ...options, identityProvider: entry, actor })
  await client.token(world.resource).catch(() => {})
  const [form] = formsAt(world.idp)
  expect(claimsOf(String(form?.get('actor_token'))).aud).toBe(`${world.idp.origin}/token`)
})

it('that shows nothing stops the call before the identity provider is asked', async () => {
  for (const actor of [clientSecretPost('assistant', secret), () => '']) {
    const call = (await clientWith(actor)).fetch(world.resource)
    await expect(call).rejects.toMatchObject({ step: 'exchange', stop: 'check' })
  }
  expect(formsAt(world.idp)).toEqual([])
})
