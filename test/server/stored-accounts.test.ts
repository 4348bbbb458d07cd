import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { AccountEntry } from '../../src/server/accounts.ts'
import { findKnownAccount, storedAccounts } from '../../src/server/stored-accounts.ts'
import { lmdbStore } from '../../src/store/lmdb.ts'
import { type Store, StoreUnavailableError } from '../../src/store/store.ts'

const server = 'https://auth.chat.example'
const key = { issuer: 'https://id.acme.example', sub: 'alice' }
const other = { issuer: 'https://id.other.example', sub: 'alice' }
const entries: AccountEntry[] = [
  { id: 'a-1', email: 'alice@acme.example' },
  { id: 'a-2', email: 'bob@acme.example', links: [{ issuer: key.issuer, sub: 'bob' }] },
  { id: 'a-3', disabled: true },
]

let directory: string
let store: Store
const open = () => lmdbStore({ directory, now: () => 1_800_000_000, skew: 30 })
const accounts = (change: Partial<Parameters<typeof storedAccounts>[0]> = {}) =>
  storedAccounts({ records: store.records, server, entries, ...change })

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'xaa-accounts-'))
  store = await open()
})
afterEach(async () => {
  await store.close()
  await rm(directory, { recursive: true })
})

/** What a restart leaves: the directory alone. */
async function restart(): Promise<void> {
  await store.close()
  store = await open()
}

describe('accounts in a store', () => {
  it('are found by the links of the configuration, and by nobody of the same name elsewhere', async () => {
    expect(await accounts().findLinked({ ...key, sub: 'bob' })).toEqual({ id: 'a-2', enabled: true, linked: true })
    expect(await accounts().findLinked({ ...other, sub: 'bob' })).toBeUndefined()
    expect(await accounts().findByEmail('bob@acme.example')).toMatchObject({ id: 'a-2', linked: true })
    expect(await accounts().findByEmail('nobody@acme.example')).toBeUndefined()
  })

  it('keep a link that was made at run time, also across a restart', async () => {
    expect(await accounts().findByEmail('alice@acme.example')).toEqual({ id: 'a-1', enabled: true, linked: false })
    expect(await accounts().linkFirst(key, 'a-1')).toBe('a-1')
    await restart()
    expect(await accounts().findLinked(key)).toEqual({ id: 'a-1', enabled: true, linked: true })
    expect(await accounts().findByEmail('alice@acme.example')).toMatchObject({ linked: true })
    expect(await accounts().linkFirst(key, 'a-1')).toBe('a-1')
    expect(await accounts().linkFirst(other, 'a-1')).toBeUndefined()
  })

  it('are linked to one of any number of people who come at once', async () => {
    const people = Array.from({ length: 16 }, (_, at) => ({ ...key, sub: `p${at}` }))
    const linked = await Promise.all(people.map((person) => accounts().linkFirst(person, 'a-1')))
    expect(linked.filter((id) => id === 'a-1')).toHaveLength(1)
    expect(linked.filter((id) => id === undefined)).toHaveLength(15)
  })

  it('are made once for a person, and are there after a restart', async () => {
    const profile = { email: 'carol@acme.example' }
    const ids = await Promise.all(Array.from({ length: 8 }, () => accounts().createLinked(key, profile)))
    expect(new Set(ids).size).toBe(1)
    await restart()
    expect(await accounts().findLinked(key)).toEqual({ id: ids[0], enabled: true, linked: true })
    expect(await accounts().findByEmail('carol@acme.example')).toMatchObject({ id: ids[0], linked: true })
    expect(await accounts().createLinked(other, profile)).not.toBe(ids[0])
    expect(await accounts().findByEmail('carol@acme.example')).toMatchObject({ id: ids[0] })
  })

  it('of another server in the same store are not seen', async () => {
    await accounts().linkFirst(key, 'a-1')
    const elsewhere = accounts({ server: 'https://auth.files.example' })
    expect(await elsewhere.findLinked(key)).toBeUndefined()
    expect(await elsewhere.linkFirst(other, 'a-1')).toBe('a-1')
  })

  it('that left the configuration are nobody, whoever was linked to them', async () => {
    await accounts().linkFirst(key, 'a-1')
    const without = accounts({ entries: [] })
    expect(await without.findLinked(key)).toBeUndefined()
    expect(await without.linkFirst(key, 'a-1')).toBeUndefined()
    expect(await without.createLinked(key, {})).toMatch(/^person-/)
  })

  it('are 503 while the store cannot answer', async () => {
    const down = () => Promise.reject(new StoreUnavailableError('gone'))
    const records = { get: down, list: down, change: down, revision: down }
    await expect(accounts({ records }).findLinked(key)).rejects.toMatchObject({
      code: 'temporarily_unavailable',
      reason: 'replay_store_unavailable',
    })
  })
})

describe('what is known of an account', () => {
  const known = (id: string, at = server) => findKnownAccount({ records: store.records, server: at, entries }, id)

  it('is what the configuration says, or the address of the person it was made for', async () => {
    const made = await accounts().createLinked({ ...key, sub: 'carol' }, { email: 'carol@acme.example' })
    expect(await known('a-1')).toEqual({ id: 'a-1', email: 'alice@acme.example', name: undefined, enabled: true })
    expect(await known('a-3')).toMatchObject({ enabled: false })
    expect(await known(made)).toEqual({ id: made, email: 'carol@acme.example', name: undefined, enabled: true })
  })

  it('is nothing for an account of nobody, and for one of another server on the same store', async () => {
    const made = await accounts().createLinked(key, { email: 'alice@acme.example' })
    expect(await known('nobody')).toBeUndefined()
    expect(await known(made, 'https://auth.files.example')).toBeUndefined()
    expect(await known(made)).toBeDefined()
  })
})
