/** What an administrator of the world switches off: it ends what was given out before, and what ended stays ended. */

import { afterAll, describe, expect, it } from 'vitest'
import { signInHeadless } from '../../src/testing/headless-sign-in.ts'
import { startWorld } from '../../src/testing/world.ts'
import { exchange, redeem } from './flow.ts'

const world = await startWorld()
afterAll(() => world.close())
const { assistant } = world.clients
const soon = { interval: 200, timeout: 20_000 }

async function enable(path: string, enabled: boolean): Promise<void> {
  const answer = await fetch(world.admin.url + path, {
    method: 'PATCH',
    headers: { authorization: `Bearer ${world.admin.token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ enabled }),
  })
  expect(answer.status).toBe(200)
}

const pathOf = (user: 'alice' | 'bob') =>
  `/users/${encodeURIComponent(world.users.find(({ name }) => name === user)?.sub ?? '')}`
const accessToken = async (user: 'alice' | 'bob') => {
  const idJag = await exchange(world, await world.mintIdToken({ user, client: 'assistant' }))
  return String((await redeem(world, idJag.body.access_token)).body.access_token)
}
const callWith = async (token: string) =>
  (await fetch(world.messagesUrl, { headers: { authorization: `Bearer ${token}` } })).status

describe('a person who is switched off', () => {
  it('is refused with the access token they have, and it stays refused when they are back', async () => {
    const [ofAlice, ofBob] = [await accessToken('alice'), await accessToken('bob')]
    expect([await callWith(ofAlice), await callWith(ofBob)]).toEqual([200, 200])
    await enable(pathOf('bob'), false)
    await expect.poll(() => callWith(ofBob), soon).toBe(401)
    expect(await callWith(ofAlice)).toBe(200)
    await enable(pathOf('bob'), true)
    expect(await callWith(ofBob)).toBe(401)
    await expect.poll(async () => callWith(await accessToken('bob')), soon).toBe(200)
  })

  it('cannot sign in, and a refresh token from before is no subject token when they are back', async () => {
    const signIn = () =>
      signInHeadless({ ...world.idp, client: assistant.idp, person: 'bob', scope: 'openid email offline_access' })
    const withRefreshToken = async (token: string) =>
      await exchange(world, token, { subject_token_type: 'urn:ietf:params:oauth:token-type:refresh_token' })
    // Moments of refresh tokens are whole seconds, and one of the same second as a block counts as before it.
    let before = ''
    const newOne = async () => {
      before = (await signIn()).refreshToken ?? ''
      return (await withRefreshToken(before)).status
    }
    await expect.poll(newOne, soon).toBe(200)
    await enable(pathOf('bob'), false)
    expect((await withRefreshToken(before)).body).toMatchObject({ error: 'invalid_grant' })
    await expect(signIn()).rejects.toThrow('is disabled and cannot sign in')
    await enable(pathOf('bob'), true)
    expect((await withRefreshToken(before)).body).toMatchObject({ error: 'invalid_grant' })
    await expect.poll(newOne, soon).toBe(200)
  })
})
