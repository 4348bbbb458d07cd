import { describe, expect, it } from 'vitest'
import { memoryAccounts } from '../../src/server/accounts.ts'

const key = { issuer: 'https://id.acme.example', sub: 'alice' }
const other = { issuer: 'https://id.other.example', sub: 'alice' }

describe('accounts in memory', () => {
  it('are found by the person they are linked to, and by nobody of the same name elsewhere', async () => {
    const accounts = memoryAccounts([{ id: 'a-1', links: [key] }])
    expect(await accounts.findLinked(key)).toMatchObject({ id: 'a-1', enabled: true, linked: true })
    expect(await accounts.findLinked(other)).toBeUndefined()
  })

  it('are linked to the first of two people who come at once, and never to the second', async () => {
    const accounts = memoryAccounts([{ id: 'a-1', email: 'alice@acme.example' }])
    expect(await accounts.findByEmail('alice@acme.example')).toMatchObject({ linked: false })
    expect(await Promise.all([accounts.linkFirst(key, 'a-1'), accounts.linkFirst(other, 'a-1')])).toEqual([
      'a-1',
      undefined,
    ])
    expect(await accounts.linkFirst(key, 'a-1')).toBe('a-1')
    expect(await accounts.linkFirst(other, 'none')).toBeUndefined()
  })

  it('are made once for a person, with an id that is the same in every process', async () => {
    const accounts = memoryAccounts([])
    const ids = await Promise.all([accounts.createLinked(key, {}), accounts.createLinked(key, {})])
    expect(new Set(ids).size).toBe(1)
    expect(await memoryAccounts([]).createLinked(key, {})).toBe(ids[0])
    expect(await accounts.createLinked(other, { email: 'a@b.example' })).not.toBe(ids[0])
    expect(accounts.find(ids[0] ?? '')).toMatchObject({ enabled: true, email: undefined })
  })
})
