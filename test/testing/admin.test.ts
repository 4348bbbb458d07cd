/** The administrator's interface: what it shows and switches, and that a switch holds for the next request. */

import { afterAll, describe, expect, it } from 'vitest'
import { startWorld } from '../../src/testing/world.ts'
import { exchange, redeem } from './flow.ts'

const world = await startWorld()
afterAll(() => world.close())
const { chat } = world.resourceAs
const { assistant } = world.clients
const segment = encodeURIComponent

interface Call {
  method?: string
  body?: unknown
  token?: string
}

async function admin(path: string, { method = 'GET', body, token = world.admin.token }: Call = {}) {
  const answer = await fetch(world.admin.url + path, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  return { status: answer.status, headers: answer.headers, body: await answer.json() }
}

const connection = `/connections/${segment(assistant.idp.id)}/${segment(chat.issuer)}`
const exchangeAs = async (user: 'alice' | 'bob' = 'alice') =>
  exchange(world, await world.mintIdToken({ user, client: 'assistant' }))

describe('a switch holds for the next request', () => {
  it('of a connection', async () => {
    expect(await admin(connection, { method: 'PATCH', body: { enabled: false } })).toMatchObject({
      status: 200,
      body: { client: assistant.idp.id, audience: chat.issuer, enabled: false, scopes: ['chat.read', 'chat.write'] },
    })
    expect((await exchangeAs()).body).toMatchObject({ error: 'invalid_target' })
    await admin(connection, { method: 'PATCH', body: { enabled: true } })
    expect((await exchangeAs()).status).toBe(200)
  })

  it('of a person', async () => {
    const bob = world.users.find(({ name }) => name === 'bob')
    const path = `/users/${segment(bob?.sub ?? '')}`
    expect((await admin(path, { method: 'PATCH', body: { enabled: false } })).status).toBe(200)
    expect((await exchangeAs('bob')).body).toMatchObject({ error: 'invalid_grant' })
    expect((await exchangeAs('alice')).status).toBe(200)
    await admin(path, { method: 'PATCH', body: { enabled: true } })
    expect((await exchangeAs('bob')).status).toBe(200)
  })

  it('of an issuer the chat trusts', async () => {
    const path = `/trusted-issuers/chat/${segment(world.idp.issuer)}`
    const idJag = (await exchangeAs()).body.access_token
    await admin(path, { method: 'PATCH', body: { enabled: false } })
    expect((await redeem(world, idJag)).body).toMatchObject({ error: 'invalid_grant' })
    await admin(path, { method: 'PATCH', body: { enabled: true } })
    // What was refused was not spent.
    expect((await redeem(world, idJag)).status).toBe(200)
  })

  it('of a foreign issuer whose ID Tokens are taken', async () => {
    const path = `/trusted-issuers/idp/${segment(world.upstream.issuer)}`
    const upstream = () => world.mintIdToken({ user: 'alice', client: 'assistant', issuer: 'upstream' })
    expect((await exchange(world, await upstream())).status).toBe(200)
    await admin(path, { method: 'PATCH', body: { enabled: false } })
    expect((await exchange(world, await upstream())).body).toMatchObject({ error: 'invalid_grant' })
    await admin(path, { method: 'PATCH', body: { enabled: true } })
  })

  it('[T84] of a connection that is deleted', async () => {
    const { notebook } = world.clients
    const path = `/connections/${segment(notebook.idp.id)}/${segment(chat.issuer)}`
    expect((await admin(path, { method: 'DELETE' })).status).toBe(200)
    const idToken = await world.mintIdToken({ user: 'alice', client: 'notebook' })
    expect((await exchange(world, idToken, {}, notebook.idp)).body).toMatchObject({ error: 'invalid_target' })
    expect((await admin(path, { method: 'DELETE' })).status).toBe(404)
    expect((await admin('/connections')).body).toHaveLength(2)
  })
})

describe('what it shows', () => {
  it('people without more than their record, and whom each server trusts', async () => {
    expect((await admin('/users')).body).toContainEqual({
      sub: expect.stringMatching(/^mallory-/),
      name: 'Mallory Miller',
      email: 'mallory@acme.example',
      groups: ['everyone', 'engineering'],
      enabled: false,
    })
    const { body } = await admin('/trusted-issuers')
    expect((body as { name: string; issuer: string }[]).map(({ name, issuer }) => [name, issuer])).toEqual([
      ['idp', world.idp.issuer],
      ['idp', world.upstream.issuer],
      ['chat', world.idp.issuer],
      ['files', world.idp.issuer],
    ])
  })

  it('the audit from a number on, with its own changes in it', async () => {
    const { body: before } = await admin('/audit')
    const { next } = before as { next: number }
    await admin(connection, { method: 'PATCH', body: { enabled: true } })
    const { body, headers } = await admin(`/audit?after=${next}`)
    expect(headers.get('cache-control')).toBe('no-store')
    expect(body).toMatchObject({
      next: next + 1,
      events: [{ action: 'admin', outcome: 'granted', reason: 'admin_changed', client: assistant.idp.id }],
    })
    expect(JSON.stringify(before)).not.toContain(world.admin.token)
  })
})

describe('what it refuses', () => {
  it.each([
    ['no token', ''],
    ['another token', 'x'.repeat(60)],
  ])('every address with %s', async (_what, token) => {
    for (const path of ['/audit', '/users', connection, '/nowhere']) {
      const refused = await admin(path, { token })
      expect([refused.status, refused.body]).toEqual([
        401,
        { error: "the administrator's bearer token is missing or wrong" },
      ])
    }
    expect(world.audit.at(-1)).toMatchObject({ action: 'admin', outcome: 'refused', reason: 'admin_denied' })
  })

  it.each([
    ['an unknown connection', '/connections/nobody/nothing', 'PATCH', { enabled: true }, 404],
    ['an unknown person', '/users/nobody', 'PATCH', { enabled: true }, 404],
    ['an unknown server', `/trusted-issuers/nowhere/x`, 'PATCH', { enabled: true }, 404],
    ['an unknown address', '/nowhere', 'GET', undefined, 404],
    ['a method that is not there', '/users', 'POST', { enabled: true }, 405],
    ['no body', connection, 'PATCH', undefined, 400],
    ['a word for a boolean', connection, 'PATCH', { enabled: 'no' }, 400],
    ['more than a switch', connection, 'PATCH', { enabled: true, scopes: ['admin'] }, 400],
    ['what is no JSON', connection, 'PATCH', '{', 400],
    ['a negative number', '/audit?after=-1', 'GET', undefined, 400],
  ])('%s, with a sentence and no change', async (_what, path, method, body, status) => {
    const before = (await admin('/connections')).body
    const refused = await admin(path, { method, body })
    expect(refused.status).toBe(status)
    expect(refused.body).toEqual({ error: expect.stringMatching(/\w+ \w+/) })
    expect((await admin('/connections')).body).toEqual(before)
  })
})
