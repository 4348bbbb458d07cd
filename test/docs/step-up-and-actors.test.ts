/** What docs/step-up-and-actors.md shows is a configuration that can be used, and it demands and lets in what the page says. */

import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { parse } from 'yaml'
import { createCrossAppClient } from '../../src/client/client.ts'
import { clientSecretBasic } from '../../src/client/client-authentication.ts'
import { readConfig } from '../../src/server/config.ts'
import { atIdp, basicOf, configured, exchange, idToken } from '../profiles/configured.ts'
import { environment, example, exampleFolder } from '../server/example.ts'

const page = readFileSync(new URL('../../docs/step-up-and-actors.md', import.meta.url), 'utf8')
const documented = parse(/```yaml\n([\s\S]*?)```/.exec(page)?.[1] ?? '')
const login = 'https://login.example.com/tenant/v2.0'

it('the configuration has no problem, and says what it means', async () => {
  const folder = await exampleFolder()
  try {
    const idp = { ...example.idp, ...documented.idp }
    const resourceAs = { ...example.resourceAs, ...documented.resourceAs }
    const config = await readConfig(await folder.write({ ...example, idp, resourceAs }), environment)
    expect(config.idp).toMatchObject({
      clients: [{ actor: 'own-assertion', actorProfile: 'ai_agent', workload: { name: 'assistant-itself' } }],
      connections: [{ workloads: ['night-agent', 'assistant-itself'] }],
    })
    expect(config.resourceAs).toMatchObject({ copyActor: true, trustedIssuers: [{ workloads: 'bound' }] })
  } finally {
    await folder.remove()
  }
})

it('[IDP-29] its scope demands a better sign-in where it is asked for, and says which', async () => {
  const { scopes } = documented.idp.connections[0]
  const world = await configured({ connection: { scopes } })
  const signer = await world.publish(login)
  const ask = async (claims: object) =>
    await exchange(
      world,
      idToken(world, signer, { iss: login, sub: 'alice', ...claims }),
      { scope: 'chat.write' },
      basicOf(atIdp),
    )
  expect((await ask({})).body).toMatchObject({
    error: 'insufficient_user_authentication',
    acr_values: 'phr',
    max_age: 300,
  })
  expect((await ask({ acr: 'phr', auth_time: world.clock.now })).status).toBe(200)
})

it('names options that the client library has', () => {
  const client = createCrossAppClient({
    identityProvider: { issuer: 'https://id.acme.example', client: clientSecretBasic('assistant', 'secret') },
    resourceServers: {},
    subject: {},
    actor: () => 'token',
    signIn: async ({ acrValues, maxAge }) => void [acrValues, maxAge],
  })
  expect(client.fetch).toBeTypeOf('function')
})
