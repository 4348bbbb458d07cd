/** The policy at the code grant: whoever is stopped gets nothing more, and loses what they have. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Answer, claimsOf, type Deployment, deploy, files, mcp, wiki } from './deployment.ts'

let chat: Deployment
beforeEach(async () => {
  chat = await deploy()
})
afterEach(async () => await chat.close())

describe('a block', () => {
  it.each<[string, () => object]>([
    ['a person by the sub of their IdP', () => ({ user: 'alice-at-work' })],
    ['a person by their account', () => ({ user: 'a-alice' })],
    ['a person by their address', () => ({ user: 'alice@acme.example' })],
    ['the resource', () => ({ audience: mcp })],
    ['the server', () => ({ audience: chat.issuer })],
    ['the IdP at which people signed in', () => ({ issuer: chat.idp.issuer })],
  ])('of %s refuses a code and a refresh token, and what it ended stays ended', async (_, whatOf) => {
    const what = whatOf()
    const token = (await chat.token(wiki)).body
    const form = await chat.code(wiki)
    await chat.block(what)
    const refused: Answer[] = [
      await chat.post('/token', form, { as: wiki }),
      await chat.refresh(wiki, token.refresh_token),
    ]
    for (const answer of refused) expect(answer.body.error).toBe('access_denied')
    for (const action of ['code', 'refresh'] as const)
      expect(chat.last(action)).toMatchObject({ outcome: 'refused', reason: 'blocked', account: 'a-alice' })
    expect(await chat.isAlive(token.access_token)).toBe(false)
    await chat.block(what, true)
    expect((await chat.refresh(wiki, token.refresh_token)).body).toMatchObject({ error: 'invalid_grant' })
    expect(chat.last('refresh')).toMatchObject({ outcome: 'refused', reason: 'blocked' })
    expect((await chat.post('/token', form, { as: wiki })).body.error).toBe('invalid_grant')
    expect(await chat.isAlive(token.access_token)).toBe(false)
    // And a new sign-in starts anew.
    expect((await chat.token(wiki)).status).toBe(200)
  })

  it('of a client refuses it as one that is disabled', async () => {
    const token = (await chat.token(wiki)).body
    await chat.block({ client: 'wiki' })
    expect((await chat.refresh(wiki, token.refresh_token)).body.error).toBe('invalid_client')
    expect(await chat.isAlive(token.access_token)).toBe(false)
    expect((await chat.browser().open(chat.authorize(wiki))).status).toBe(400)
  })

  it.each([
    ['sub', 'alice-at-work'],
    ['account, before their first visit too', 'a-alice'],
  ])('of a person by their %s keeps them from signing in', async (_, user) => {
    await chat.block({ user })
    const page = await chat.browser(wiki).open(chat.authorize(wiki))
    expect(page.status).toBe(403)
    await chat.block({ user }, true)
    expect((await chat.browser(wiki).open(chat.authorize(wiki))).status).toBe(200)
  })
})

describe('an account', () => {
  it('that is disabled lets nobody in', async () => {
    await chat.close()
    chat = await deploy({ accounts: [{ id: 'a-alice', email: 'alice@acme.example', disabled: true }] })
    expect((await chat.browser(wiki).open(chat.authorize(wiki))).status).toBe(403)
  })

  it('that is disabled later gets nothing more for the code and the refresh token it has, until it is enabled again', async () => {
    const token = (await chat.token(wiki)).body
    const form = await chat.code(wiki)
    const [account] = chat.config.resourceAs?.accounts ?? []
    if (account === undefined) throw new Error('there is no account')
    account.disabled = true
    for (const answer of [await chat.post('/token', form, { as: wiki }), await chat.refresh(wiki, token.refresh_token)])
      expect(answer).toMatchObject({ status: 400, body: { error: 'access_denied' } })
    expect(chat.last('refresh')).toMatchObject({ outcome: 'refused', reason: 'subject_disabled' })
    account.disabled = false
    // A refused request has spent nothing.
    expect((await chat.post('/token', form, { as: wiki })).status).toBe(200)
    expect((await chat.refresh(wiki, token.refresh_token)).status).toBe(200)
  })

  it('is made for an unknown person only where the configuration says so', async () => {
    await chat.close()
    chat = await deploy({ accounts: [] })
    expect((await chat.browser(wiki).open(chat.authorize(wiki))).status).toBe(403)
    await chat.close()
    chat = await deploy({ accounts: [] }, 1, { place: { unknownUsers: 'create' } })
    const { body } = await chat.token(wiki)
    expect(claimsOf(body.access_token).sub).toMatch(/^person-/)
  })

  it('is linked by an address that the IdP has verified, and by no other', async () => {
    chat.idp.astray.claims = { email_verified: false }
    expect((await chat.browser(wiki).open(chat.authorize(wiki))).status).toBe(403)
    chat.idp.astray.claims = {}
    expect((await chat.browser(wiki).open(chat.authorize(wiki))).status).toBe(200)
  })
})

describe('a resource that demands a sign-in', () => {
  it('[D-22] gives no token for a weaker one, and says which it wants', async () => {
    const signIn = { acr: ['phr'], maxAge: 600 }
    const demanding = await deploy({
      resources: [
        { resource: mcp, name: 'Messages', scopes: ['chat.read', 'chat.write'], signIn },
        { resource: files, scopes: ['files.read'] },
      ],
    })
    try {
      const refused = await demanding.post('/token', await demanding.code(wiki), { as: wiki })
      const error = 'insufficient_user_authentication'
      expect(refused).toMatchObject({ status: 400, body: { error, acr_values: 'phr', max_age: 600 } })
      expect(demanding.last('code')).toMatchObject({ outcome: 'refused', reason: 'step_up' })
    } finally {
      await demanding.close()
    }
    expect((await chat.token(wiki)).status).toBe(200)
  })
})
