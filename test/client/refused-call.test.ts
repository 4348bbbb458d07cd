/** What the client does when the API refuses a call: it remedies once, and then the caller sees the answer. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createCrossAppFetch } from '../../src/client/client.ts'
import { type Enterprise, enterprise } from './enterprise.ts'

let world: Enterprise
beforeEach(async () => {
  world = await enterprise()
})
afterEach(() => world.close())

describe('a call that is refused', () => {
  it('is repeated with its body after the token was got', async () => {
    const fetch = createCrossAppFetch(await world.options())
    const response = await fetch(world.resource, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: new Blob(['{"text":"hello"}']).stream(),
      duplex: 'half',
    } as RequestInit)
    expect([response.status, await response.json()]).toEqual([200, { said: { text: 'hello' } }])
  })

  it('for want of scope is repeated once with the union of scopes', async () => {
    const fetch = createCrossAppFetch(await world.options())
    await fetch(world.resource)
    const response = await fetch(world.resource, {
      method: 'POST',
      body: '"hi"',
      headers: { 'content-type': 'application/json' },
    })
    expect(response.status).toBe(200)
    const exchanges = world.steps.filter(({ name }) => name === 'exchange')
    expect(exchanges.map(({ request }) => new URLSearchParams(request.body).get('scope'))).toEqual([
      'chat.read',
      'chat.read chat.write',
    ])
    await fetch(world.resource)
    expect(world.count(world.idp, '/token')).toBe(2)
  })

  it('for want of scope reaches the caller when the identity provider grants no more [CL-12] [T-12]', async () => {
    world.connection.scopes = [{ name: 'chat.read' }]
    const fetch = createCrossAppFetch(await world.options())
    const say = () =>
      fetch(world.resource, { method: 'POST', body: '"hi"', headers: { 'content-type': 'application/json' } })
    expect((await say()).status).toBe(403)
    expect((await say()).status).toBe(403)
    expect(world.count(world.idp, '/token')).toBe(2)
    expect((await fetch(world.resource)).status).toBe(200)
  })

  it('with 401 again and again reaches the caller after one flow', async () => {
    const fetch = createCrossAppFetch(await world.options())
    world.api.bend.set('/mcp', (real) => ({
      ...real,
      status: 401,
      headers: { 'www-authenticate': 'Bearer error="invalid_token"' },
    }))
    expect((await fetch(world.resource)).status).toBe(401)
    expect([world.count(world.api, '/mcp'), world.count(world.ras, '/token')]).toEqual([2, 1])
  })

  it('for a weak sign-in says what the next one must be [CL-11]', async () => {
    const fetch = createCrossAppFetch(await world.options())
    expect((await fetch(world.resource)).status).toBe(200)
    const challenge = 'Bearer error="insufficient_user_authentication", acr_values="phr phrh", max_age="60"'
    world.api.bend.set('/mcp', (real) => ({ ...real, status: 401, headers: { 'www-authenticate': challenge } }))
    await expect(fetch(world.resource)).rejects.toMatchObject({
      name: 'SignInRequired',
      acrValues: ['phr', 'phrh'],
      maxAge: 60,
    })
    expect(world.count(world.idp, '/token')).toBe(1)
  })

  it('leaves no answer open that the caller never sees', async () => {
    const answers: Response[] = []
    const options = await world.options({
      fetch: async (input, init) => {
        const answer = await globalThis.fetch(input, init)
        answers.push(answer)
        return answer
      },
    })
    const fetch = createCrossAppFetch(options)
    await (await fetch(world.resource)).text()
    const challenge = 'Bearer error="insufficient_user_authentication"'
    world.api.bend.set('/mcp', (real) => ({ ...real, status: 401, headers: { 'www-authenticate': challenge } }))
    await expect(fetch(world.resource)).rejects.toMatchObject({ name: 'SignInRequired' })
    expect(answers.at(-1)?.status).toBe(401)
    for (const answer of answers) expect(answer.bodyUsed || (await answer.text()) === '').toBe(true)
  })

  it.each([
    ['no challenge', undefined],
    ['another error', 'Bearer error="access_denied", scope="chat.write"'],
    ['no scope', 'Bearer error="insufficient_scope"'],
    ['no scope it has not asked for', 'Bearer error="insufficient_scope", scope="chat.read"'],
  ])('with 403 and %s reaches the caller, and nothing more is asked for', async (_, challenge) => {
    const fetch = createCrossAppFetch(await world.options())
    await fetch(world.resource)
    const headers: { [name: string]: string } = challenge === undefined ? {} : { 'www-authenticate': challenge }
    world.api.bend.set('/mcp', (real) => ({ ...real, status: 403, headers }))
    expect((await fetch(world.resource)).status).toBe(403)
    expect(world.count(world.idp, '/token')).toBe(1)
  })

  it('with any other status is the caller’s', async () => {
    world.api.bend.set('/mcp', (real) => ({ ...real, status: 403 }))
    expect((await createCrossAppFetch(await world.options())(world.resource)).status).toBe(403)
    expect(world.count(world.idp, '/token')).toBe(0)
  })
})
