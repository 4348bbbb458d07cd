/** Which of the kept tokens is shown to the identity provider, in the order of ID-JAG §4.4.3. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createCrossAppClient, type Subject } from '../../src/client/client.ts'
import { signJwt } from '../../src/protocol/jwt.ts'
import { type Enterprise, enterprise } from './enterprise.ts'

let world: Enterprise
beforeEach(async () => {
  world = await enterprise()
  world.refreshTokens.set('kept-refresh-token', {
    client: 'assistant',
    sub: 'alice',
    expiresAt: world.clock.now + 86_400,
    revoked: false,
    authTime: world.clock.now,
  })
})
afterEach(() => world.close())

async function shown(subject: Subject) {
  await createCrossAppClient(await world.options({ subject })).token(world.resource)
  const form = new URLSearchParams(world.idp.seen.at(-1)?.body)
  return form.get('subject_token_type')?.split(':').at(-1)
}

describe('the subject token', () => {
  it('is the ID Token while it lives, and the refresh token after it [CL-07] [T82]', async () => {
    const idToken = await world.idToken(120)
    const subject = { idToken: () => idToken, refreshToken: async () => 'kept-refresh-token' }
    expect(await shown(subject)).toBe('id_token')
    world.clock.now += 90
    expect(await shown(subject)).toBe('refresh_token')
  })

  it('is the refresh token where there is no ID Token', async () => {
    expect(await shown({ refreshToken: () => 'kept-refresh-token' })).toBe('refresh_token')
  })

  it('is asked for anew at every exchange', async () => {
    const tokens = [await world.idToken(600), await world.idToken(1200)]
    const client = createCrossAppClient(await world.options({ subject: { idToken: () => tokens.shift() } }))
    await client.token(world.resource)
    world.clock.now += 590
    await client.token(world.resource)
    expect(tokens).toEqual([])
  })

  it('that is missing means that the person must sign in [CL-01] [CL-07]', async () => {
    const expired = await world.idToken(10)
    for (const subject of [{}, { idToken: () => undefined }, { idToken: () => expired }])
      await expect(shown(subject)).rejects.toMatchObject({
        name: 'SignInRequired',
        step: 'sign-in',
        stop: 'check',
        code: undefined,
      })
    expect(world.count(world.idp, '/token')).toBe(0)
  })

  it('that is refused is not replaced by the other [T81]', async () => {
    const refreshToken = () => 'revoked-refresh-token'
    await expect(shown({ refreshToken })).rejects.toMatchObject({ step: 'exchange', code: 'invalid_grant' })
    expect(world.count(world.idp, '/token')).toBe(1)
  })

  it.each<[string, () => string | Promise<string>]>([
    ['no JWT', async () => 'opaque'],
    ['no text', async () => 7 as unknown as string],
    ['a JWT that never ends', () => signJwt({ sub: 'alice' }, 'JWT', world.idpKeys.current())],
    ['a JWT that ends as text', () => signJwt({ exp: '1800000600' }, 'JWT', world.idpKeys.current())],
  ])('that is %s is the application’s mistake, and not sent', async (_, idToken) => {
    await expect(shown({ idToken })).rejects.toMatchObject({
      step: 'exchange',
      stop: 'check',
      server: world.idp.origin,
      message: expect.stringContaining('the ID Token that the application gave cannot be used'),
    })
    expect(world.count(world.idp, '/token')).toBe(0)
    expect(await shown({ idToken: () => world.idToken() })).toBe('id_token')
  })
})
