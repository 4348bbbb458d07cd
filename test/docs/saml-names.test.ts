/** What docs/saml-names.md shows works: the two halves are one configuration, and its person is found by the name. */

import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { parse } from 'yaml'
import { claimsOf } from '../fixture/tokens.ts'
import { atChat, atIdp, basicOf, configured, exchange, idToken, postOf, redeem } from '../profiles/configured.ts'

type Entries = readonly Record<string, unknown>[]

const page = readFileSync(new URL('../../docs/saml-names.md', import.meta.url), 'utf8')
const [atIssuer, atServer] = [...page.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, text = '']) => parse(text)) as [
  { idp: { resourceServers: Entries; connections: Entries } },
  { resourceAs: { trustedIssuers: Entries; accounts: Entries } },
]
const login = 'https://login.example.com/tenant/v2.0'

it('the name that the one configuration mints is the name by which the other finds the account [SAML-04] [SAML-08] [JAG-19]', async () => {
  const world = await configured({
    resourceServer: atIssuer.idp.resourceServers[0] ?? {},
    connection: atIssuer.idp.connections[0] ?? {},
    trustedIssuer: atServer.resourceAs.trustedIssuers[0] ?? {},
    account: { email: undefined, links: undefined, ...atServer.resourceAs.accounts[0] },
  })
  const signer = await world.publish(login)
  const alice = { iss: login, sub: 'alice', email: 'alice@acme.example', email_verified: true }
  const { body } = await exchange(world, idToken(world, signer, alice), {}, basicOf(atIdp))
  const redeemed = await redeem(world, String(body.access_token), postOf(atChat))
  expect([redeemed.reason, claimsOf(String(redeemed.body.access_token)).sub]).toEqual(['granted', 'a-1'])
  const bob = { ...alice, sub: 'bob', email: 'bob@acme.example' }
  const ofBob = await exchange(world, idToken(world, signer, bob), {}, basicOf(atIdp))
  expect((await redeem(world, String(ofBob.body.access_token), postOf(atChat))).reason).toBe('subject_unknown')
})
