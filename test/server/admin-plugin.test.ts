/** The administration when something it depends on fails: nothing is changed without its line in the audit, and nobody is told otherwise. */

import Fastify from 'fastify'
import { describe, expect, it, onTestFinished } from 'vitest'
import { signingKeysOf } from '../../src/protocol/own-keys.ts'
import type { AuditEvent } from '../../src/protocol/ports.ts'
import { adminPlugin } from '../../src/server/admin.ts'
import type { TrustedIssuerConfig } from '../../src/server/config-schema.ts'
import { resourceAsRole } from '../../src/server/resource-as-role.ts'
import { type Records, StoreUnavailableError } from '../../src/store/store.ts'
import { newKey } from './example.ts'
import { policyWorld } from './policy/policy.ts'

const chat = 'https://auth.chat.example'
const token = 'admin-token-0123456789-0123456789-0123'
const trusting = (issuer: string, clients: string[] = []): TrustedIssuerConfig => ({
  issuer,
  clients,
  assertions: 'single-use',
  maxLifetime: 300,
  algorithms: ['ES256'],
  emailDomains: [],
  unknownUsers: 'refuse',
  disabled: false,
})

async function opened({ issuers = 1 } = {}) {
  const world = policyWorld()
  const audit: AuditEvent[] = []
  let auditIsAway = false
  let failAfter: 'change' | undefined
  const records: Records = {
    ...world.records,
    async change(changes) {
      const revision = await world.records.change(changes)
      if (failAfter === 'change') throw new StoreUnavailableError('the answer was lost')
      return revision
    },
  }
  let ids = 0
  const policy = await world.follow()
  const trustedIssuers = Array.from({ length: issuers }, (_, at) => trusting(`https://${at}.example`))
  const definition = { issuer: chat, resources: [], clients: [], trustedIssuers }
  const app = Fastify({ routerOptions: { maxParamLength: 2048 } })
  await app.register(adminPlugin, {
    token,
    by: 'administrator',
    records,
    policy,
    policyVersion: (version) => `v.${version}`,
    resourceServers: [{ name: 'chat', definition }],
    ports: {
      now: world.now,
      newId: () => `id-${++ids}`,
      async record(event) {
        if (auditIsAway) throw new Error('ENOSPC')
        audit.push(event)
      },
    },
  })
  onTestFinished(() => app.close())
  return {
    ...world,
    policy,
    audit,
    definition,
    fail(what: { audit?: boolean; after?: 'change' }) {
      auditIsAway = what.audit ?? false
      failAfter = what.after
    },
    async ask(method: 'GET' | 'PUT' | 'POST' | 'DELETE', url: string, body?: object, headers: object = {}) {
      const answer = await app.inject({
        method,
        url,
        headers: { authorization: `Bearer ${token}`, ...headers },
        ...(body === undefined ? {} : { payload: body }),
      })
      return { status: answer.statusCode, body: answer.json(), headers: answer.headers }
    },
  }
}

const path = `/trusted-issuers/chat/${encodeURIComponent('https://0.example')}`
const seen = { 'if-match': '"0"' }

describe('a change', () => {
  it('is not made while the audit cannot be written: 503, and it works again as soon as the audit does', async () => {
    const admin = await opened()
    admin.fail({ audit: true })
    for (const refused of [
      await admin.ask('PUT', path, { clients: [], maxLifetime: 60 }, seen),
      await admin.ask('DELETE', path, undefined, seen),
      await admin.ask('POST', '/blocks', { user: 'alice' }),
    ]) {
      expect([refused.status, refused.body]).toEqual([
        503,
        { error: expect.stringContaining('without it nothing is changed') },
      ])
      expect(refused.headers['retry-after']).toBe('1')
    }
    expect(await admin.records.revision()).toBe(0)
    admin.fail({})
    const made = await admin.ask('PUT', path, { clients: [], maxLifetime: 60 }, seen)
    expect(made).toMatchObject({ status: 200, body: { version: 1, entry: { maxLifetime: 60 } } })
    expect(admin.audit).toMatchObject([{ outcome: 'granted', issuer: 'https://0.example', policyVersion: 'v.0' }])
  })

  it('whose answer from the store was lost is answered with 503, and has a second line in the audit', async () => {
    const admin = await opened()
    admin.fail({ after: 'change' })
    const unsure = await admin.ask('POST', '/blocks', { user: 'alice' })
    expect([unsure.status, unsure.body]).toEqual([503, { error: expect.stringContaining('is not known') }])
    expect(admin.audit.map(({ outcome, reason }) => [outcome, reason])).toEqual([
      ['granted', 'admin_changed'],
      ['refused', 'replay_store_unavailable'],
    ])
    expect(admin.audit[0]?.correlationId).toBe(admin.audit[1]?.correlationId)
    admin.fail({})
    expect((await admin.ask('POST', '/blocks', { user: 'alice' })).status).toBe(200)
  })

  it('is not decided on a store that cannot be read', async () => {
    const admin = await opened()
    admin.lose()
    for (const refused of [await admin.ask('GET', path), await admin.ask('PUT', path, { clients: [] }, seen)])
      expect([refused.status, refused.body.error]).toEqual([503, expect.stringContaining('store')])
    admin.empty()
    expect((await admin.ask('GET', path)).status).toBe(200)
  })

  it('that comes too late is refused and says so in the audit', async () => {
    const admin = await opened()
    await admin.ask('PUT', path, { clients: [] }, seen)
    const late = await admin.ask('PUT', path, { clients: [] }, seen)
    expect([late.status, late.body.version]).toEqual([409, 1])
    expect(admin.audit.at(-1)).toMatchObject({ outcome: 'refused', reason: 'admin_input', policyVersion: 'v.1' })
    expect((await admin.ask('PUT', path, { clients: [] }, { 'if-match': '"1"' })).status).toBe(200)
  })

  it('is refused to whoever has no token also while the audit cannot be written', async () => {
    const admin = await opened()
    admin.fail({ audit: true })
    expect((await admin.ask('POST', '/blocks', { user: 'alice' }, { authorization: 'Bearer no' })).status).toBe(401)
    expect((await admin.ask('POST', '/blocks', { user: 'alice' })).status).toBe(503)
  })
})

describe('ten thousand trusted issuers', () => {
  it('cost a request one look into a map, and none of them is made anew when another one changes', async () => {
    const admin = await opened({ issuers: 10_000 })
    let questions = 0
    const fetchDocument = async () => {
      questions += 1
      return { status: 404, body: new Uint8Array() }
    }
    const surroundings = {
      fetchDocument,
      fetchUnlisted: fetchDocument,
      now: admin.now,
      policy: admin.policy,
      warn: () => {},
    }
    const keys = await signingKeysOf({ keys: [await newKey()] })
    const config = { ...admin.definition, accounts: [], protectedResources: [], accessTokenLifetime: 600 }
    const ask = async () => {
      questions += 1
      throw new StoreUnavailableError('nothing is to be asked of the store')
    }
    const records: Records = { get: ask, list: ask, change: ask, revision: ask }
    const { resourceAuthorizationServer } = resourceAsRole(config, surroundings, records, keys)
    const find = (issuer: string) => resourceAuthorizationServer.findTrustedIssuer(issuer)
    const before = await find('https://9999.example')
    for (let at = 0; at < 10_000; at++) expect(await find(`https://${at}.example`)).toBeDefined()
    expect(await find('https://9999.example')).toBe(before)
    expect(questions).toBe(0)
    expect(await find('https://new.example')).toBeUndefined()

    await admin.ask('PUT', path.replace('0.example', 'new.example'), { clients: [] }, { 'if-none-match': '*' })
    expect(await find('https://new.example')).toMatchObject({ enabled: true })
    expect(await find('https://9999.example')).toBe(before)
    await admin.ask('DELETE', path, undefined, seen)
    expect(await find('https://0.example')).toBeUndefined()
    expect((await find('https://9999.example'))?.keys).toBe(before?.keys)
    expect(questions).toBe(0)
  })
})
