/** The example for applications, in the world: one line to get a `fetch`, one to use it. */

import { afterAll, expect, it } from 'vitest'
import { startWorld } from 'xaa-broker/testing'
import { fetchAs, mustSignInAgain } from '../../docs/examples/agent.ts'

const world = await startWorld()
afterAll(world.close)
const { assistant } = world.clients
const registrations = {
  identityProvider: { issuer: world.idp.issuer, ...assistant.idp },
  authorizationServer: { issuer: world.resourceAs.chat.issuer, ...assistant.resourceAs },
}

it('an application calls the chat as Bob by its address alone', async () => {
  const fetchAsBob = fetchAs(await world.mintIdToken({ user: 'bob', client: 'assistant' }), registrations)
  const answer = await fetchAsBob(world.messagesUrl)
  expect(await answer.json()).toMatchObject({ as: { account: 'chat-bob', scopes: ['chat.read', 'chat.write'] } })
})

it('an expired ID Token ends in a request to sign in again, and not in another credential', async () => {
  const long = { iat: Math.floor(world.now()) - 7200, exp: Math.floor(world.now()) - 3600 }
  const fetchAsBob = fetchAs(await world.mintIdToken({ user: 'bob', client: 'assistant', claims: long }), registrations)
  const error = await fetchAsBob(world.messagesUrl).catch((cause: unknown) => cause)
  expect(mustSignInAgain(error)).toBe(true)
})
