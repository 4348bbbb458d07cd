/** The chat's code grant in the world: an application that nobody entered gets in by a person's consent, and the files stay managed only. */

import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startWorld, type World } from '../../src/testing/world.ts'
import { postForm } from './flow.ts'
import { metadataOf, redeemCode, register, unmanagedClient, whoami } from './unmanaged-client.ts'

const client = await unmanagedClient()
afterAll(client.close)
const { clientId } = client

describe('the chat', () => {
  let world: World
  beforeAll(async () => {
    world = await startWorld()
  })
  afterAll(() => world.close())
  const chat = () => ({ issuer: world.resourceAs.chat.issuer, resource: world.resources.mcp })
  const endpoint = () => world.resourceAs.chat.tokenEndpoint

  it('says in its metadata that it has the grant, and the files say that they have none', async () => {
    expect(await metadataOf(world.resourceAs.chat.issuer)).toMatchObject({
      grant_types_supported: expect.arrayContaining(['authorization_code', 'refresh_token']),
      response_types_supported: ['code'],
      code_challenge_methods_supported: ['S256'],
      client_id_metadata_document_supported: true,
    })
    const files = await metadataOf(world.resourceAs.files.issuer)
    expect(files).toMatchObject({ response_types_supported: ['none'] })
    expect(files.grant_types_supported).not.toContain('authorization_code')
    expect(files).not.toHaveProperty('client_id_metadata_document_supported')
    const page = await fetch(`${world.resourceAs.files.issuer}/authorize?client_id=${encodeURIComponent(clientId)}`)
    expect([page.status, await page.text()]).toEqual([400, expect.stringContaining('It has no consent page')])
  })

  it('asks the person in plain words, and gives what was agreed to', async () => {
    const asked = await client.ask(chat())
    expect(asked.consent).toEqual({
      heading: 'Bookmarks <b> wants to act for you',
      proof: expect.stringContaining(`It calls itself an application of ${new URL(clientId).host}.`),
      rows: [
        ['You are', 'alice@acme.example, signed in at Passgate. Not you?'],
        ['At Tidewater Chat, over MCP it wants to', 'read the messages you can read; write messages as you'],
        ['Afterwards you are sent to', 'a program on this computer (127.0.0.1:8765)'],
      ],
    })
    expect(Object.fromEntries(asked.callback.searchParams)).toMatchObject({
      state: 'a-state',
      iss: world.resourceAs.chat.issuer,
    })
    const { status, body } = await redeemCode(endpoint(), asked)
    expect([status, body.scope]).toEqual([200, 'chat.read chat.write'])
    expect(decodeJwt(String(body.access_token))).toMatchObject({ sub: 'chat-alice', client_id: clientId })
    expect(await whoami(world.resources.mcp, body.access_token)).toContain('chat-alice')
    const refreshed = await postForm(endpoint(), {
      grant_type: 'refresh_token',
      refresh_token: String(body.refresh_token),
      client_id: clientId,
    })
    expect(refreshed.status).toBe(200)
  })

  it.each([
    ['bob', 'chat-bob'],
    ['carol', 'person-'],
  ])('finds or makes the account of %s as it does for ID-JAGs', async (person, account) => {
    const { body } = await redeemCode(endpoint(), await client.ask(chat(), {}, { person }))
    expect(decodeJwt(String(body.access_token)).sub).toContain(account)
  })

  it('lets nobody in whom the identity provider does not sign in', async () => {
    await expect(client.ask(chat(), {}, { person: 'mallory' })).rejects.toThrow('Mallory Miller is disabled')
  })

  it('takes no for an answer, and writes down who said it to whom', async () => {
    const { callback } = await client.ask(chat(), {}, { decision: 'deny' })
    expect(callback.searchParams.get('error')).toBe('access_denied')
    expect(world.audit.findLast(({ action }) => action === 'consent')).toMatchObject({
      outcome: 'refused',
      reason: 'consent_denied',
      client: clientId,
      account: 'chat-alice',
    })
  })

  it('has people sign in as an application of the company, which learns nothing of the one behind it', async () => {
    const before = world.signIns.length
    await client.ask(chat())
    const alice = world.users.find(({ name }) => name === 'alice')
    expect(world.signIns.slice(before)).toEqual([
      {
        at: expect.any(Number),
        sub: alice?.sub,
        client: expect.stringMatching(/^tidewater-chat-/),
        application: 'Tidewater Chat',
      },
    ])
    const atProvider = world.audit.filter(({ server }) => server === world.idp.issuer)
    expect(JSON.stringify([...atProvider, ...world.signIns])).not.toContain(clientId)
    expect(JSON.stringify(world.audit)).toContain(clientId)
  })

  it('gives no more than the scopes of its resources, and nothing of the files', async () => {
    const more = await client.ask(chat(), { scope: 'chat.read admin' })
    expect((await redeemCode(endpoint(), more)).body.scope).toBe('chat.read')
    const elsewhere = await client.ask(chat(), { resource: world.resources.files })
    expect(elsewhere.callback.searchParams.get('error')).toBe('invalid_target')
    const api = await client.ask(chat(), { resource: world.resources.api, scope: 'chat.write' })
    expect((await redeemCode(endpoint(), api)).body).toMatchObject({ scope: 'chat.write' })
  })

  it('lets nobody register unless it was asked for', async () => {
    expect(await metadataOf(world.resourceAs.chat.issuer)).not.toHaveProperty('registration_endpoint')
    expect((await fetch(`${world.resourceAs.chat.issuer}/register`, { method: 'POST' })).status).toBe(404)
  })
})

describe('the chat of a world with registration', () => {
  it('lets a client register itself, and warns the person of it', async () => {
    const world = await startWorld({ registration: true })
    try {
      const { chat } = world.resourceAs
      const { status, id } = await register((await metadataOf(chat.issuer)).registration_endpoint)
      expect([status, id]).toEqual([201, expect.stringMatching(/^dcr-/)])
      const place = { issuer: chat.issuer, resource: world.resources.mcp }
      const asked = await client.ask(place, { client_id: id, scope: 'chat.read' })
      expect(asked.consent?.proof).toContain('Nobody has checked who this is')
      expect((await redeemCode(chat.tokenEndpoint, asked)).body).toMatchObject({ scope: 'chat.read' })
    } finally {
      await world.close()
    }
  })
})
