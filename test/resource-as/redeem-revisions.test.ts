/** ID-JAGs as older revisions of the draft write them: whatever came later is missing, and they are redeemed all the same. */

import { beforeEach, expect, it } from 'vitest'
import { mcp } from '../fixture/addresses.ts'
import { type Enterprise, enterprise, idJagClaims, redeem } from '../fixture/enterprise.ts'
import { expectRedemptionRefused } from '../fixture/refusal.ts'
import { claimsOf } from '../fixture/tokens.ts'

let world: Enterprise
beforeEach(async () => {
  world = await enterprise()
})

/** What came with -02, and with -04 (`sub_id`); `email` is in all of them and required in none. */
const later = ['authorization_details', 'cnf', 'tenant', 'aud_tenant', 'aud_sub', 'sub_id', 'email'] as const

it('[VER-05] [VER-08] [VER-15] one of -01, with a resource and nothing that came later, is redeemed', async () => {
  const claims = idJagClaims(world)
  for (const name of later) expect(claims).not.toHaveProperty(name)
  expect(claims.resource).toBe(mcp)
  const answer = await redeem(world, { claims })
  expect(answer.statusCode).toBe(200)
  expect(claimsOf(answer.json().access_token)).toMatchObject({ sub: 'u-alice', aud: mcp })
})

it('[VER-05] one of -01 has no list of audiences either: what no revision allows is refused', async () => {
  const { aud } = idJagClaims(world)
  const both = { claims: { aud: [aud, 'https://as.files.example'] } }
  await expectRedemptionRefused(world, both, { error: 'invalid_grant', reason: 'aud_mismatch' })
})

it('[VER-08] [VER-15] one of -04, with the optional names of the person, is the same person', async () => {
  const sub_id = { format: 'saml-nameid', issuer: 'https://saml.acme.example', nameid: 'alice@acme.example' }
  const answer = await redeem(world, { claims: { sub_id, aud_sub: 'u-bob', email: 'alice@acme.example' } })
  expect(claimsOf(answer.json().access_token)).toMatchObject({ sub: 'u-alice' })
})
