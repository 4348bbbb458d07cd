/** What the client says of itself at each server, and what it makes of the codes that deployed servers refuse with. */

import { afterEach, beforeEach, expect, it } from 'vitest'
import { clientSecretBasic, clientSecretPost, createCrossAppClient } from '../../src/client/client.ts'
import { answerOf, type Enterprise, enterprise, secret } from './enterprise.ts'

let world: Enterprise
beforeEach(async () => {
  world = await enterprise()
})
afterEach(() => world.close())

it('[MAP-03] [CL-05] it is another client at each server, with the credential it has there', async () => {
  const elsewhere = 'another-secret-of-at-least-thirty-two'
  const options = (idp: string, ras: string) =>
    world.options({
      identityProvider: { issuer: world.idp.origin, client: clientSecretPost('assistant', idp) },
      resourceServers: { [world.ras.origin]: { client: clientSecretBasic('assistant-at-chat', ras) } },
    })
  await createCrossAppClient(await options(secret, secret)).token(world.resource)
  const sent = (server: 'idp' | 'ras') => world[server].seen.findLast(({ path }) => path === '/token')
  expect(new URLSearchParams(sent('idp')?.body).get('client_id')).toBe('assistant')
  expect(sent('idp')?.headers).not.toHaveProperty('authorization')
  expect(sent('ras')?.headers.authorization).toBe(`Basic ${btoa(`assistant-at-chat:${secret}`)}`)
  expect(sent('ras')?.body).not.toContain('client_secret')
  const mixedUp = createCrossAppClient(await options(secret, elsewhere))
  await expect(mixedUp.token(world.resource)).rejects.toMatchObject({ step: 'redemption', code: 'invalid_client' })
})

it.each([
  [401, 'invalid_client'],
  [400, 'invalid_grant'],
  [400, 'invalid_target'],
  [400, 'unauthorized_client'],
  [403, 'invalid_scope'],
])(
  '[OKTA-06] an exchange that is refused with %i %s grants nothing, and the code reaches the caller',
  async (status, code) => {
    world.idp.bend.set('/token', answerOf(status, { error: code }))
    const client = createCrossAppClient(await world.options())
    await expect(client.token(world.resource)).rejects.toMatchObject({ step: 'exchange', stop: 'server', status, code })
    expect(world.count(world.ras, '/token')).toBe(0)
    world.idp.bend.delete('/token')
    await expect(client.token(world.resource)).resolves.toBeDefined()
  },
)
