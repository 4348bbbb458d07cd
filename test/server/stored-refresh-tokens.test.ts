/** Refresh tokens in a store: for every process on it, until their end, and never to be read there. */

import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { User } from '../../src/idp/connections.ts'
import type { RefreshTokenRecord } from '../../src/idp/subject.ts'
import type { Block } from '../../src/protocol/blocks.ts'
import { refreshTokensOf } from '../../src/server/refresh-tokens-role.ts'
import { type SignInSource, storedRefreshTokens } from '../../src/server/stored-refresh-tokens.ts'
import { lmdbStore } from '../../src/store/lmdb.ts'
import { ConflictError, type Store, StoreFullError, StoreUnavailableError } from '../../src/store/store.ts'

const issuer = 'https://id.acme.example'
const login = 'https://login.acme.example'
const token = 'the-refresh-token-of-alice'
const alice: User = { sub: 'alice', enabled: true, groups: ['writers'], claims: { email: 'alice@acme.example' } }

let directory: string
let store: Store
let now: number
let sources: Map<string, SignInSource>
let off: string[]
const open = () => lmdbStore({ directory, now: () => now, skew: 30 })
const tokens = (change: Partial<Parameters<typeof storedRefreshTokens>[0]> = {}) =>
  storedRefreshTokens({
    records: store.records,
    issuer,
    findSource: (source) => sources.get(source),
    isOff: ({ sub }) => off.includes(sub),
    ...change,
  })
const record = (change: Partial<RefreshTokenRecord> = {}): RefreshTokenRecord => ({
  client: 'assistant',
  sub: 'alice',
  issuer: login,
  expiresAt: now + 1000,
  revoked: false,
  issuedAt: now,
  sessionStart: now - 10,
  remembered: alice,
  ...change,
})

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'xaa-refresh-tokens-'))
  now = 1_800_000_000
  sources = new Map([[login, { enabled: true }]])
  off = []
  store = await open()
})
afterEach(async () => {
  await store.close()
  await rm(directory, { recursive: true })
})

describe('a refresh token in a store', () => {
  it('is there after a restart, with everything that counts, until it expires', async () => {
    const all = record({ authTime: now - 10, acr: 'a', amr: ['pwd'], audiences: ['x'], scopes: ['y'], boundTo: 'z' })
    await tokens().keep(token, all)
    await store.close()
    store = await open()
    expect(await tokens().find(token)).toEqual(all)
    expect(await tokens().find('another')).toBeUndefined()
    now += 1000
    expect(await tokens().find(token)).toBeUndefined()
  })

  it('is one of its identity provider alone', async () => {
    await tokens().keep(token, record())
    expect(await tokens({ issuer: 'https://id.beta.example' }).find(token)).toBeUndefined()
  })

  it('cannot be read there', async () => {
    await tokens().keep(token, record())
    const files = await readdir(directory, { recursive: true, withFileTypes: true })
    const texts = files.filter((file) => file.isFile()).map((file) => readFile(join(file.parentPath, file.name)))
    const bytes = Buffer.concat(await Promise.all(texts))
    expect([bytes.includes('alice@acme.example'), bytes.includes(token)]).toEqual([true, false])
  })

  it('ends, once and for good', async () => {
    await tokens().keep(token, record())
    await tokens().end(token)
    expect(await tokens().find(token)).toBeUndefined()
    await tokens().end(token)
  })

  it('is ended also when somebody else ends it in the same moment', async () => {
    await tokens().keep(token, record())
    const change = async () => {
      throw new ConflictError('was at version 1')
    }
    await tokens({ records: { ...store.records, change } }).end(token)
    const broken = async () => {
      throw new TypeError('a mistake')
    }
    await expect(tokens({ records: { ...store.records, change: broken } }).end(token)).rejects.toThrow('a mistake')
  })

  it('is one of twenty of its client for its person: another ends the oldest that lives', async () => {
    const made = Array.from({ length: 23 }, (_, at) => `token-${at}`)
    const alive = async () => {
      const found = await Promise.all(made.map(async (one) => (await tokens().find(one)) !== undefined))
      return made.filter((_, at) => found[at])
    }
    for (const one of made.slice(0, 20)) await tokens().keep(one, record())
    expect(await alive()).toEqual(made.slice(0, 20))
    // Of another client, person, source or provider there are as many again.
    const others = [
      { client: 'another' },
      { sub: 'bob' },
      { issuer: 'https://login.beta.example' },
      { remembered: { ...alice, tenant: 'beta' } },
    ]
    for (const [at, change] of others.entries()) await tokens().keep(`other-${at}`, record(change))
    await tokens({ issuer: 'https://id.beta.example' }).keep('other-provider', record())
    expect(await alive()).toEqual(made.slice(0, 20))
    await tokens().keep('token-20', record())
    expect(await alive()).toEqual(made.slice(1, 21))
    await tokens().end('token-7')
    await tokens().keep('token-21', record())
    expect(await alive()).toEqual(made.slice(1, 22).filter((one) => one !== 'token-7'))
    await tokens().keep('token-22', record())
    expect(await alive()).toEqual(made.slice(2).filter((one) => one !== 'token-7'))
  })

  it('is counted for as long as it lives, also after one that ended sooner', async () => {
    await tokens().keep('first', record({ expiresAt: now + 5000 }))
    for (let at = 0; at < 18; at++) await tokens().keep(`token-${at}`, record({ expiresAt: now + 5000 }))
    await tokens().keep('short', record({ expiresAt: now + 100 }))
    now += 200
    await tokens().keep('another', record())
    expect(await tokens().find('first')).toBeDefined()
    await tokens().keep('one-more', record())
    expect(await tokens().find('first')).toBeUndefined()
  })

  it('is counted also when many are made in the same moment', async () => {
    const made = Array.from({ length: 12 }, (_, at) => `token-${at}`)
    await Promise.all(made.map((one) => tokens().keep(one, record())))
    const share = await store.records.list('refresh-tokens-of')
    expect(share.map(({ value }) => new Set(Object(value).tokens).size)).toEqual([12])
    const change = async () => {
      throw new ConflictError('was at version 1')
    }
    await expect(tokens({ records: { ...store.records, change } }).keep(token, record())).rejects.toMatchObject({
      code: 'temporarily_unavailable',
    })
  })

  it.each([
    ['full', new StoreFullError('full'), 'replay_store_full'],
    ['away', new StoreUnavailableError('away'), 'replay_store_unavailable'],
  ])('is neither kept nor taken by a store that is %s: 503', async (_, failure, reason) => {
    const fail = async () => {
      throw failure
    }
    const { find, keep, end } = tokens({ records: { ...store.records, get: fail, change: fail } })
    for (const act of [find(token), keep(token, record()), end(token)])
      await expect(act).rejects.toMatchObject({ code: 'temporarily_unavailable', reason })
  })
})

describe('the person of a refresh token', () => {
  const person = async (change?: Partial<RefreshTokenRecord>) => {
    await tokens().keep(token, record(change))
    const found = await tokens().find(token)
    if (found === undefined) throw new Error('no token')
    return await tokens().findUser(found.sub, found)
  }

  it('is as they were at sign-in, where nobody else knows them', async () => {
    expect(await person()).toEqual(alice)
  })

  it('[IDP-22] is looked up anew where there is a directory, and then not kept with the token', async () => {
    const directory = new Map([['alice', { ...alice, groups: [] }]])
    sources.set(login, { enabled: true, findUser: (sub) => directory.get(sub) })
    expect(await person()).toEqual({ ...alice, groups: [] })
    expect(await tokens().find(token)).not.toHaveProperty('remembered')
    directory.clear()
    expect(await tokens().findUser('alice', record())).toBeUndefined()
  })

  it('is disabled while they are switched off', async () => {
    off = ['alice']
    expect(await person()).toEqual({ ...alice, enabled: false })
  })

  it('is nobody when their issuer is not configured any more, and refused while it is disabled', async () => {
    sources.set(login, { enabled: false })
    await expect(person()).rejects.toMatchObject({ code: 'invalid_grant', reason: 'issuer_disabled' })
    sources.clear()
    const kept = await tokens().find(token)
    expect(await tokens().findUser('alice', kept ?? record())).toBeUndefined()
    const { issuer: _, ...nobodys } = record()
    await tokens().keep('another', nobodys)
    expect(await tokens().findUser('alice', nobodys)).toBeUndefined()
  })
})

describe('the source of a sign-in', () => {
  const saml = 'https://saml.acme.example'
  it.each<[string, Block | undefined, string | undefined]>([
    [login, undefined, undefined],
    [login, { issuer: login }, 'issuer_disabled'],
    [login, { issuer: login, audience: issuer }, 'issuer_disabled'],
    [login, { issuer: login, audience: 'https://id.beta.example' }, undefined],
    [login, { issuer: saml }, undefined],
    [saml, { issuer: saml, audience: issuer }, 'issuer_disabled'],
  ])(
    '%s is switched off by a block on it everywhere, or at this identity provider: %j',
    async (source, off, reason) => {
      const { refreshTokens } = refreshTokensOf(
        {
          issuer,
          refreshTokens: { sessionAge: 1000 },
          subjectIssuers: [{ issuer: login, users: 'token' }],
          samlIssuers: [{ entityId: saml, users: 'directory' }],
          resourceServers: [],
        },
        {
          records: store.records,
          policy: {
            isOff: (...names) =>
              names.some(({ issuer, audience }) => off?.issuer === issuer && off?.audience === audience),
          },
          directory: new Map([['alice', alice]]),
        },
      )
      const found = refreshTokens?.findUser('alice', record({ issuer: source }))
      if (reason === undefined) expect(await found).toMatchObject({ sub: 'alice' })
      else await expect(found).rejects.toMatchObject({ code: 'invalid_grant', reason })
    },
  )
})
