/** The client exchanges the sign-in for a refresh token once, and works on with it for hours. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createCrossAppClient, type RefreshTokenOptions, type SignInResult } from '../../src/client/client.ts'
import { tokenType } from '../../src/protocol/names.ts'
import { answerOf, type Enterprise, enterprise, withMembers } from './enterprise.ts'

let world: Enterprise
beforeEach(async () => {
  world = await enterprise()
})
afterEach(() => world.close())

const signedIn = async () => ({ idToken: await world.idToken(300) })
const request = async (signIn: SignInResult, options?: RefreshTokenOptions, more = {}) =>
  await createCrossAppClient(await world.options(more)).requestRefreshToken(signIn, options)
const sent = () => Object.fromEntries(new URLSearchParams(world.idp.seen.at(-1)?.body))

describe('a refresh token for a sign-in', () => {
  it('takes the place of the ID Token when that has expired [CL-07] [T82]', async () => {
    const { idToken } = await signedIn()
    const kept: { refreshToken?: string } = {}
    const subject = { idToken: () => idToken, refreshToken: () => kept.refreshToken }
    const client = createCrossAppClient(await world.options({ subject }))
    Object.assign(kept, await client.requestRefreshToken({ idToken }))
    await client.token(world.resource)
    expect(sent().subject_token_type).toBe(tokenType.idToken)
    world.clock.now += 3 * 3600
    await client.token(world.resource)
    expect(sent()).toMatchObject({ subject_token_type: tokenType.refreshToken, subject_token: kept.refreshToken })
    world.clock.now += 5 * 3600
    await expect(client.token(world.resource)).rejects.toMatchObject({ code: 'invalid_grant' })
  })

  it('is asked for as the draft says, and comes with its end and its scope', async () => {
    const signIn = await signedIn()
    const issued = await request(signIn)
    expect(issued).toEqual({
      refreshToken: expect.any(String),
      expiresAt: world.clock.now + 8 * 3600,
      scopes: ['openid', 'offline_access'],
    })
    expect(world.refreshTokens.has(issued.refreshToken)).toBe(true)
    expect(sent()).toMatchObject({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      requested_token_type: 'urn:ietf:params:oauth:token-type:refresh_token',
      scope: 'openid offline_access',
      subject_token: signIn.idToken,
      subject_token_type: tokenType.idToken,
    })
    expect(sent()).not.toHaveProperty('audience')
  })

  it('is got for a SAML assertion, too [SAML-02] [EMA-07]', async () => {
    const { refreshToken } = await request({ samlAssertion: 'PHNhbWw-' })
    expect(sent()).toMatchObject({ subject_token: 'PHNhbWw-', subject_token_type: tokenType.saml2 })
    const subject = { refreshToken: () => refreshToken }
    await createCrossAppClient(await world.options({ subject })).token(world.resource)
  })

  it('may be limited to an audience and to scopes', async () => {
    const options = { audience: world.ras.origin, scope: 'offline_access chat.read' }
    const { refreshToken, scopes } = await request(await signedIn(), options)
    expect(scopes).toEqual(['offline_access', 'chat.read'])
    expect(world.refreshTokens.get(refreshToken)).toMatchObject({
      audiences: [world.ras.origin],
      scopes: ['chat.read'],
    })
    await expect(request(await signedIn(), { scope: 'a  b' })).rejects.toThrow(TypeError)
  })

  it('is bound to the client’s key where it has one [CL-08]', async () => {
    const dpop = { key: world.clientKey }
    const { refreshToken } = await request(await signedIn(), {}, { dpop })
    const { boundTo } = world.refreshTokens.get(refreshToken) ?? {}
    expect(boundTo).toMatch(/^[\w-]{43}$/)
    const subject = { refreshToken: () => refreshToken }
    await createCrossAppClient(await world.options({ subject, dpop })).token(world.resource)
    const unbound = createCrossAppClient(await world.options({ subject }))
    await expect(unbound.token(world.resource)).rejects.toMatchObject({ step: 'exchange', code: 'invalid_grant' })
  })

  it('is not asked for with an ID Token that has expired: the person signs in again', async () => {
    const signIn = await signedIn()
    world.clock.now += 300
    await expect(request(signIn)).rejects.toMatchObject({ name: 'SignInRequired' })
    expect(world.count(world.idp, '/token')).toBe(0)
  })

  it('is refused by a provider that gives none, and the error says why', async () => {
    world.idp.bend.set('/token', answerOf(400, { error: 'invalid_request', error_description: 'not here' }))
    await expect(request(await signedIn())).rejects.toMatchObject({
      step: 'exchange',
      stop: 'server',
      code: 'invalid_request',
    })
  })

  it.each([
    ['another type of token', { issued_token_type: tokenType.idJag }],
    ['an access token', { token_type: 'Bearer' }],
    ['no token', { access_token: undefined }],
  ])('that is %s is not used', async (_, members) => {
    world.idp.bend.set('/token', withMembers(members))
    await expect(request(await signedIn())).rejects.toMatchObject({ step: 'exchange', stop: 'check' })
    world.idp.bend.clear()
    expect((await request(await signedIn())).refreshToken).toBeDefined()
  })

  it('has no end and the scope that was asked for, where the answer does not say', async () => {
    world.idp.bend.set('/token', withMembers({ expires_in: undefined, scope: undefined }))
    expect(await request(await signedIn())).toMatchObject({
      expiresAt: undefined,
      scopes: ['openid', 'offline_access'],
    })
  })
})
