/** What `xaa-broker/client` gives to the world. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import * as client from '../../src/client/client.ts'
import { answerOf, type Enterprise, enterprise, secret } from './enterprise.ts'

let world: Enterprise
beforeEach(async () => {
  world = await enterprise()
})
afterEach(() => world.close())

describe('the client room', () => {
  it('exports two ways to call, three ways to authenticate, two errors, and nothing else', () => {
    expect(Object.keys(client).sort()).toEqual([
      'CrossAppError',
      'SignInRequired',
      'clientSecretBasic',
      'clientSecretPost',
      'createCrossAppClient',
      'createCrossAppFetch',
      'privateKeyJwt',
    ])
  })

  it('is enough for a whole application: it calls, and tells refusals apart by its errors', async () => {
    const idToken = await world.idToken()
    const options: client.CrossAppOptions = {
      identityProvider: { issuer: world.idp.origin, client: client.clientSecretPost('assistant', secret) },
      resourceServers: { [world.ras.origin]: { client: client.clientSecretBasic('assistant-at-chat', secret) } },
      subject: { idToken: () => idToken },
      now: () => world.clock.now,
    }
    const response = await client.createCrossAppFetch(options)(world.resource)
    expect(await response.json()).toEqual({ messages: ['hello, alice'] })
    const refused = async () => {
      const { token } = client.createCrossAppClient(options)
      return await token(world.resource).catch((error: unknown) => error)
    }
    world.idp.bend.set('/token', answerOf(400, { error: 'access_denied' }))
    const denied = await refused()
    expect(denied).toBeInstanceOf(client.CrossAppError)
    expect(denied).not.toBeInstanceOf(client.SignInRequired)
    world.idp.bend.set('/token', answerOf(400, { error: 'insufficient_user_authentication' }))
    const weak = await refused()
    expect(weak).toBeInstanceOf(client.CrossAppError)
    expect(weak).toBeInstanceOf(client.SignInRequired)
  })
})
