/** A profile in an entry that an administrator sends: filled in when it is written, by the same rules as in the file. */

import { describe, expect, it } from 'vitest'
import { resourceAsEntries } from '../../src/server/policy/entries.ts'
import { EntryInputError, readResourceAsClient, readTrustedIssuer } from '../../src/server/policy/entry-input.ts'
import { noEntries } from '../../src/server/policy/entry-records.ts'
import { atChat, mcp, read } from './configured.ts'

async function definition() {
  const { resourceAs } = await read({})
  if (resourceAs === undefined) throw new Error('the example has both roles')
  return resourceAs
}

describe('an entry that is made at run time', () => {
  it('has what its profile stands for, and keeps it', async () => {
    const server = await definition()
    const entries = resourceAsEntries(server, noEntries)
    const named = { issuer: 'https://acme.okta.com' }
    const entry = await readTrustedIssuer({ profile: 'okta', clients: [atChat.id] }, named, server, entries)
    expect(entry).toMatchObject({ profile: 'okta', maxLifetime: 300, algorithms: ['RS256'], assertions: 'single-use' })
    const secret = 'a-secret-of-an-administrator-0123456789'
    const client = { profile: 'claude', secret, scopes: ['chat.read'], resources: [mcp] }
    const made = await readResourceAsClient(client, { id: 'claude' }, server, undefined)
    expect(made).toMatchObject({ profile: 'claude', authMethods: ['client_secret_post', 'client_secret_basic'] })
  })

  it.each([
    ['entra', 'https://acme.okta.com', 'profile is no profile for a trusted issuer'],
    ['okta', 'https://acme.okta.com/oauth2/default', 'issuer is not as okta writes it'],
  ])('is refused with profile %s for %s', async (profile, issuer, message) => {
    const server = await definition()
    const entries = resourceAsEntries(server, noEntries)
    const refused = readTrustedIssuer({ profile, clients: [] }, { issuer }, server, entries)
    await expect(refused).rejects.toThrow(EntryInputError)
    await expect(refused).rejects.toThrow(message)
  })
})
