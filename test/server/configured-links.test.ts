/** Links of the configuration: each leads one person of one issuer, in one tenant on either side, to one account. */

import { expect, it } from 'vitest'
import { storedAccounts } from '../../src/server/stored-accounts.ts'
import { memoryStore } from '../../src/store/memory.ts'

const [acme, beta] = ['https://idp.acme.example', 'https://idp.beta.example']

it('lead nobody else anywhere: not the same sub of another issuer, nor in another tenant of either side', async () => {
  const { records } = memoryStore({ now: () => 1000 })
  const entries = [
    { id: 'u-plain', links: [{ issuer: acme, sub: 'alice' }] },
    { id: 'u-beta', links: [{ issuer: beta, sub: 'alice' }] },
    { id: 'u-t1', links: [{ issuer: acme, sub: 'alice', tenant: 't1' }] },
    { id: 'u-t2', links: [{ issuer: acme, sub: 'alice', tenant: 't2' }] },
    { id: 'u-here', audTenant: 't1', links: [{ issuer: acme, sub: 'alice' }] },
  ]
  const accounts = storedAccounts({ records, server: 'https://as.chat.example', entries })
  const found = async (key: { issuer: string; sub: string; tenant?: string; audTenant?: string }) =>
    (await accounts.findLinked(key))?.id
  expect(await found({ issuer: acme, sub: 'alice' })).toBe('u-plain')
  expect(await found({ issuer: beta, sub: 'alice' })).toBe('u-beta')
  expect(await found({ issuer: acme, sub: 'alice', tenant: 't1' })).toBe('u-t1')
  expect(await found({ issuer: acme, sub: 'alice', tenant: 't2' })).toBe('u-t2')
  expect(await found({ issuer: acme, sub: 'alice', audTenant: 't1' })).toBe('u-here')
  for (const nobody of [
    { sub: 'bob' },
    { sub: 'alice', tenant: 't3' },
    { sub: 'alice', tenant: 't1', audTenant: 't1' },
  ])
    expect(await found({ issuer: acme, ...nobody })).toBeUndefined()
})
