/** A better sign-in that a server demands: the application has the person sign in, once, and the call goes on. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createCrossAppClient, type DemandedSignIn, SignInRequired } from '../../src/client/client.ts'
import { answerOf, type Enterprise, enterprise } from './enterprise.ts'

let world: Enterprise
beforeEach(async () => {
  world = await enterprise()
})
afterEach(() => world.close())

const challenge = 'Bearer error="insufficient_user_authentication", acr_values="phr", max_age="60"'

/** A client whose person signs in by `then`. */
async function clientWith(then: (demanded: DemandedSignIn) => void | Promise<void>) {
  const asked: DemandedSignIn[] = []
  const options = await world.options({
    async signIn(demanded) {
      asked.push(demanded)
      await then(demanded)
    },
  })
  return { client: createCrossAppClient(options), asked }
}

describe('[CL-11] [SU-02] a server that wants a better sign-in', () => {
  it('at the exchange gets the token of a new one, and the call succeeds', async () => {
    world.connection.signIn = { maxAge: 60, acr: ['phr'] }
    const { client, asked } = await clientWith(() => {
      world.connection.signIn = {}
    })
    expect((await client.fetch(world.resource)).status).toBe(200)
    expect(asked).toEqual([{ acrValues: ['phr'], maxAge: 60, server: world.idp.origin }])
    expect(world.count(world.idp, '/token')).toBe(2)
  })

  it('at the redemption gets a new ID-JAG', async () => {
    const refusal = { error: 'insufficient_user_authentication', max_age: 0 }
    world.ras.bend.set('/token', answerOf(400, refusal))
    const { client, asked } = await clientWith(() => {
      world.ras.bend.clear()
    })
    await expect(client.token(world.resource)).resolves.toMatchObject({ type: 'Bearer' })
    expect(asked).toEqual([{ acrValues: [], maxAge: 0, server: world.ras.origin }])
    expect([world.count(world.idp, '/token'), world.count(world.ras, '/token')]).toEqual([2, 2])
  })

  it('at the API gets a new access token, and the call with its body', async () => {
    const { client, asked } = await clientWith(() => {
      world.api.bend.clear()
    })
    await client.fetch(world.resource)
    world.api.bend.set('/mcp', (real) => ({ ...real, status: 401, headers: { 'www-authenticate': challenge } }))
    const init = { method: 'POST', body: '"hi"', headers: { 'content-type': 'application/json' } }
    expect(await (await client.fetch(world.resource, init)).json()).toEqual({ said: 'hi' })
    expect(asked).toEqual([{ acrValues: ['phr'], maxAge: 60, server: world.resource }])
  })

  it('a second time is final: nobody is asked again and again', async () => {
    world.connection.signIn = { acr: ['phr'] }
    const { client, asked } = await clientWith(() => {})
    await expect(client.fetch(world.resource)).rejects.toBeInstanceOf(SignInRequired)
    await expect(client.token(world.resource)).rejects.toMatchObject({ acrValues: ['phr'], maxAge: undefined })
    expect([asked.length, world.count(world.idp, '/token')]).toEqual([2, 4])
  })

  it('from two calls at once is met by one sign-in', async () => {
    world.connection.signIn = { acr: ['phr'] }
    let signedIn = () => {}
    const { client, asked } = await clientWith(
      () =>
        new Promise<void>((resolve) => {
          signedIn = resolve
        }),
    )
    const calls = [client.fetch(world.resource), client.fetch(`${world.resource}?x`)]
    await expect.poll(() => asked.length).toBe(1)
    await expect.poll(() => world.count(world.idp, '/token')).toBeGreaterThan(0)
    world.connection.signIn = {}
    signedIn()
    expect((await Promise.all(calls)).map(({ status }) => status)).toEqual([200, 200])
    expect(asked).toHaveLength(1)
  })
})

it('[CL-07] a person who has nothing to show signs in', async () => {
  const idToken = await world.idToken()
  let kept: string | undefined
  const { subject: _, ...options } = await world.options()
  const client = createCrossAppClient({
    ...options,
    subject: { idToken: () => kept },
    async signIn() {
      kept = idToken
    },
  })
  expect((await client.fetch(world.resource)).status).toBe(200)
})

it('a sign-in that fails is why the call fails, and another refusal asks for none', async () => {
  world.connection.signIn = { acr: ['phr'] }
  const { client, asked } = await clientWith(() => Promise.reject(new Error('the person went away')))
  await expect(client.fetch(world.resource)).rejects.toThrow('the person went away')
  world.connection.enabled = false
  await expect(client.fetch(world.resource)).rejects.toMatchObject({ step: 'exchange' })
  expect(asked).toHaveLength(1)
})
