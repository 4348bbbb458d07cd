/** Protected discovery: what a client is told about itself, the same bytes for everything it may not know, and one line in the audit. */

import { beforeEach, describe, expect, it } from 'vitest'
import { acme, beta, chat, drive, mcp, search } from '../fixture/addresses.ts'
import { type Authentication, basic, byAssertion, post } from '../fixture/clients.ts'
import { type Enterprise, enterprise } from '../fixture/enterprise.ts'
import { expectRefusal, type Refusal } from '../fixture/refusal.ts'
import { type FormChange, send } from '../fixture/requests.ts'

let world: Enterprise
beforeEach(async () => {
  world = await enterprise({ plugin: { discovery: true, policyVersion: () => 'policy-9' } })
})

const call = (form: FormChange, as: Authentication = basic(world.chat.clients.basic)) => ({
  url: '/discover',
  form: { issuer: acme, ...as.form, ...form },
  headers: { ...as.headers },
})
const ask = async (form: FormChange = {}, as?: Authentication) => await send(world.chat.app, call(form, as))
const trusted = (issuer = acme) => {
  const found = world.chat.trusted.get(issuer)
  if (found === undefined) throw new Error('not trusted')
  return found
}
const chatResource = { resource: mcp, scope: 'chat.read chat.write' }
const searchResource = { resource: search, scope: 'search.read' }

describe('the answer', () => {
  it('[META-08] says what this client could get with an ID-JAG of the issuer, and is not to be stored', async () => {
    const answer = await ask()
    expect([answer.statusCode, answer.json()]).toEqual([
      200,
      { accepted: true, resources: [chatResource, searchResource] },
    ])
    expect(answer.headers).toMatchObject({ 'cache-control': 'no-store', pragma: 'no-cache' })
  })

  it('[META-08] is about the client that asks: another one is told something else of the same issuer', async () => {
    world.chat.policies.set(world.chat.clients.post.id, { scopes: ['chat.read'], resources: [mcp] })
    trusted(beta).clients = [world.chat.clients.post.id]
    expect((await ask({ issuer: beta }, post(world.chat.clients.post))).json()).toEqual({
      accepted: true,
      resources: [{ resource: mcp, scope: 'chat.read' }],
    })
    expect((await ask({ issuer: beta })).json()).toEqual({ accepted: false })
  })

  it('is for the resources that are named, as far as the client may be given them', async () => {
    expect((await ask({ resource: [search, search] })).json()).toEqual({ accepted: true, resources: [searchResource] })
    expect((await ask({ resource: [drive, mcp] })).json()).toEqual({ accepted: true, resources: [chatResource] })
  })

  it('is given to a client that authenticates by its key, and its assertion is spent', async () => {
    const { signing } = world.chat.clients
    const as = byAssertion(signing, chat, world.clock.now)
    expect((await ask({}, as)).json()).toMatchObject({ accepted: true })
    expect(world.spent).toHaveLength(1)
    expect((await ask({}, as)).json()).toMatchObject({ error: 'invalid_client' })
  })

  it('counts a client that came by its metadata document, where the issuer may speak for those', async () => {
    const { id } = world.chat.clients.basic
    trusted().clients = []
    world.chat.policies.set(id, { scopes: ['chat.read'], resources: [mcp], byDocument: true })
    expect((await ask()).json()).toEqual({ accepted: false })
    trusted().metadataDocuments = true
    expect((await ask()).json()).toMatchObject({ accepted: true })
  })
})

describe('what a client may not know', () => {
  const forbidden: [string, string, FormChange, () => void][] = [
    ['an issuer that nobody knows', 'issuer_unknown', { issuer: 'https://idp.other.example' }, () => {}],
    ['an issuer with a slash more', 'issuer_unknown', { issuer: `${acme}/` }, () => {}],
    ['a disabled issuer', 'issuer_disabled', {}, () => Object.assign(trusted(), { enabled: false })],
    ['an issuer that may not speak for it', 'policy_denied', {}, () => Object.assign(trusted(), { clients: [] })],
    ['an issuer for a client without policy', 'policy_denied', {}, () => world.chat.policies.clear()],
    [
      'every resource, when it may be given none',
      'resource_denied',
      {},
      () => world.chat.policies.set(world.chat.clients.basic.id, { scopes: ['chat.read'], resources: [] }),
    ],
    ['a tenant of an issuer', 'tenant_mismatch', { tenant: 't1' }, () => {}],
    ['a resource of another server', 'resource_denied', { resource: drive }, () => {}],
    [
      'a resource that it may not be given',
      'resource_denied',
      { resource: search },
      () => world.chat.policies.set(world.chat.clients.basic.id, { scopes: ['search.read'], resources: [mcp] }),
    ],
    [
      'a resource of which it has no scope',
      'resource_denied',
      { resource: mcp },
      () => world.chat.policies.set(world.chat.clients.basic.id, { scopes: ['search.read'], resources: [mcp, search] }),
    ],
  ]
  it.each(forbidden)('[META-08] is told no otherwise: %s', async (_, reason, form, change) => {
    expect((await ask()).json()).toMatchObject({ accepted: true })
    change()
    const before = world.audit.length
    const answer = await ask(form)
    expect([answer.statusCode, answer.payload]).toEqual([200, '{"accepted":false}'])
    expect(world.audit.slice(before)).toMatchObject([{ action: 'discover', outcome: 'refused', reason }])
    expect(world.audit.at(-1)).not.toHaveProperty('error')
  })

  it('is what a block stops: one resource, or every one', async () => {
    const { id } = world.chat.clients.basic
    const inForce = [{ client: id, audience: mcp }, { user: 'alice' }]
    world = await enterprise({ blocks: { inForce: () => inForce, lifted: () => [] }, plugin: { discovery: true } })
    expect((await ask()).json()).toEqual({ accepted: true, resources: [searchResource] })
    inForce.push({ client: id, audience: chat })
    expect((await ask()).json()).toEqual({ accepted: false })
    expect(world.audit.at(-1)).toMatchObject({ outcome: 'refused', reason: 'blocked' })
  })

  it('is what a block stops in one tenant, and in no other', async () => {
    const inForce = [{ tenant: 't1' }]
    world = await enterprise({ blocks: { inForce: () => inForce, lifted: () => [] }, plugin: { discovery: true } })
    trusted().tenants = ['t1', 't2']
    expect((await ask({ tenant: 't2' })).json()).toMatchObject({ accepted: true })
    expect((await ask({ tenant: 't1' })).json()).toEqual({ accepted: false })
    expect(world.audit.at(-1)).toMatchObject({ outcome: 'refused', reason: 'blocked' })
  })
})

describe('a request that is not understood', () => {
  it.each<[string, () => FormChange, Authentication | undefined, Refusal]>([
    [
      'without an issuer',
      () => ({ issuer: undefined }),
      undefined,
      { error: 'invalid_request', reason: 'missing_parameter' },
    ],
    [
      'with two issuers',
      () => ({ issuer: [acme, beta] }),
      undefined,
      { error: 'invalid_request', reason: 'repeated_parameter' },
    ],
    [
      'with a resource that is no address',
      () => ({ resource: 'chat' }),
      undefined,
      { error: 'invalid_target', reason: 'resource_denied' },
    ],
    ['[META-08] without a client', () => ({}), {}, { error: 'invalid_client', reason: 'client_unauthenticated' }],
    [
      '[META-08] with the name of a client alone',
      () => ({ client_id: world.chat.clients.open.id }),
      {},
      { error: 'unauthorized_client', reason: 'public_client' },
    ],
  ])('%s is refused', async (_, form, as, refusal) => {
    const before = { events: world.audit.length }
    const request = call(form(), as)
    const answer = await send(world.chat.app, request)
    expectRefusal(world, before, request, answer, refusal)
    expect(world.audit.at(-1)).toMatchObject({ action: 'discover' })
    expect((await ask()).json()).toMatchObject({ accepted: true })
  })

  it('takes POST alone', async () => {
    const answer = await world.chat.app.inject({ method: 'GET', url: `/discover?issuer=${acme}` })
    expect([answer.statusCode, answer.headers.allow]).toEqual([405, 'POST'])
  })
})

it('is in the audit: who asked, of whom, what was said, and by which policy', async () => {
  const answer = await ask({ resource: mcp })
  expect(world.audit).toEqual([
    {
      at: world.clock.now,
      role: 'resource-as',
      server: chat,
      action: 'discover',
      outcome: 'granted',
      reason: 'granted',
      correlationId: answer.headers['x-correlation-id'],
      client: world.chat.clients.basic.id,
      issuer: acme,
      resource: [mcp],
      policyVersion: 'policy-9',
    },
  ])
})

it('is 503 while the audit cannot be written', async () => {
  world.broken.audit = new Error('disk full')
  expect((await ask()).json()).toMatchObject({ error: 'temporarily_unavailable' })
  delete world.broken.audit
  expect((await ask()).json()).toMatchObject({ accepted: true })
})

describe('the metadata', () => {
  const wellKnown = '/.well-known/oauth-authorization-server'

  it('[META-08] names the endpoint where it is switched on; elsewhere there is none', async () => {
    expect((await world.chat.app.inject(wellKnown)).json()).toMatchObject({
      xaa_discovery_endpoint: `${chat}/discover`,
    })
    world = await enterprise()
    expect((await world.chat.app.inject(wellKnown)).json()).not.toHaveProperty('xaa_discovery_endpoint')
    expect((await ask()).statusCode).toBe(404)
  })
})
