/** Where Cloudflare's workers-oauth-provider, unmodified, rules as our authorization server does, and where otherwise: as it is. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { grantType } from '../../src/protocol/names.ts'
import { chat } from '../fixture/addresses.ts'
import { signerOf } from '../fixture/keys.ts'
import { claimsOf } from '../fixture/tokens.ts'
import { type AcmeAndNotes, acmeAndNotes, acmeEntry, notes } from './cloudflare/acme-and-notes.ts'
import { type VendorOptions, vendorIssuer } from './cloudflare/vendor.ts'
import { runsIn } from './rows.ts'

runsIn(import.meta.url, '@cloudflare/workers-oauth-provider')

const granted = [200, expect.objectContaining({ token_type: 'bearer', scope: 'notes.read', resource: notes })]
const refused = [400, { error: 'invalid_grant', error_description: 'Invalid assertion' }]
const wrongTarget = [400, expect.objectContaining({ error: 'invalid_target' })]

let world: AcmeAndNotes
beforeEach(async () => {
  world = await acmeAndNotes()
})
afterEach(() => world.close())

async function restartWith(options: Partial<VendorOptions>): Promise<void> {
  world.close()
  world = await acmeAndNotes(options)
}

describe('as we do', () => {
  it('[T10] an aud that is an array of one is taken, and one of two is refused', async () => {
    expect(await world.redeem(world.idJag({ aud: [vendorIssuer] }))).toEqual(granted)
    expect(await world.redeem(world.idJag({ aud: [vendorIssuer, chat] }))).toEqual(refused)
  })

  it('an ID-JAG for another client, of another type, of another issuer or too old is refused', async () => {
    expect(await world.redeem(world.idJag())).toEqual(granted)
    const { now, vendor } = world
    const wrong: [string, string][] = [
      ['client_id_mismatch', world.idJag({ client_id: vendor.clients.client_secret_post.id })],
      ['invalid_typ', world.idJag({}, { typ: 'JWT' })],
      ['issuer_not_trusted', world.idJag({ iss: 'https://idp.beta.example' })],
      ['expired', world.idJag({ iat: now - 400, exp: now - 100 })],
    ]
    for (const [reason, assertion] of wrong) {
      expect(await world.redeem(assertion)).toEqual(refused)
      expect(vendor.reasons.pop()).toBe(reason)
    }
  })

  it('a second redemption is refused', async () => {
    const assertion = world.idJag()
    expect(await world.redeem(assertion)).toEqual(granted)
    expect(await world.redeem(assertion)).toEqual(refused)
    expect(world.vendor.reasons).toEqual(['replayed'])
  })

  it('a public client is refused', async () => {
    const { id } = world.vendor.clients.none
    const assertion = world.idJag({ client_id: id })
    const body = new URLSearchParams({ grant_type: grantType.jwtBearer, assertion, client_id: id })
    const answer = await world.vendor.fetch(new Request(`${vendorIssuer}/oauth/token`, { method: 'POST', body }))
    expect([answer.status, await answer.json()]).toEqual([401, expect.objectContaining({ error: 'invalid_client' })])
    expect(await world.redeem(world.idJag())).toEqual(granted)
  })

  it('[T15] a resource that is an origin is taken with and without a slash', async () => {
    const origin = 'https://api.notes.example'
    await restartWith({ resources: [origin] })
    for (const resource of [origin, `${origin}/`])
      expect(await world.redeem(world.idJag({ resource }))).toEqual([
        200,
        expect.objectContaining({ resource: origin }),
      ])
  })
})

describe('otherwise', () => {
  it('[T34] RS256 alone is taken unless the entry of the issuer names ES256, with which our identity provider signs', async () => {
    await restartWith({ trusts: { issuer: acmeEntry.issuer, jwksUri: acmeEntry.jwksUri } })
    expect(await world.redeem(world.idJag())).toEqual(refused)
    expect(world.vendor.reasons).toEqual(['invalid_alg'])
    expect(await world.redeem(world.idJag({}, {}, await signerOf('a2', 'RS256')))).toEqual(granted)
  })

  it('an identity provider whose key set is not https is not trusted, on this machine neither', async () => {
    await restartWith({ trusts: { ...acmeEntry, jwksUri: 'http://127.0.0.1/jwks' } })
    expect(await world.redeem(world.idJag())).toEqual(refused)
    expect(world.vendor.reasons).toEqual(['issuer_not_trusted'])
    await restartWith({})
    expect(await world.redeem(world.idJag())).toEqual(granted)
  })

  it('[T34] EdDSA and PS256 are refused whatever the entry says', async () => {
    for (const alg of ['EdDSA', 'PS256'] as const) {
      expect(await world.redeem(world.idJag({}, {}, await signerOf(`notes-${alg}`, alg)))).toEqual(refused)
      expect(world.vendor.reasons.pop()).toBe('invalid_alg')
    }
    expect(await world.redeem(world.idJag())).toEqual(granted)
    await restartWith({ trusts: { ...acmeEntry, algorithms: ['ES256', 'EdDSA'] } })
    expect(await world.redeem(world.idJag())).toEqual(refused)
  })

  it('[T18] a resource claim that is an array is refused, of one as well; our identity provider sends a string', async () => {
    expect(await world.redeem(world.idJag({ resource: [notes] }))).toEqual(refused)
    expect(world.vendor.reasons).toEqual(['invalid_claim'])
    expect((await world.client().fetch(notes)).status).toBe(200)
    expect(world.sentIdJags.map((assertion) => claimsOf(assertion).resource)).toEqual([notes])
  })

  it('[T15] a slash more at a resource with a path is invalid_target, in the claim as in the parameter', async () => {
    expect(await world.redeem(world.idJag({ resource: `${notes}/` }))).toEqual(wrongTarget)
    expect(await world.redeem(world.idJag(), { resource: `${notes}/` })).toEqual(wrongTarget)
    expect(await world.redeem(world.idJag(), { resource: notes })).toEqual(granted)
  })

  it('a key confirmation is refused: it knows no DPoP', async () => {
    expect(await world.redeem(world.idJag({ cnf: { jkt: 'x'.repeat(43) } }))).toEqual(refused)
    expect(world.vendor.reasons).toEqual(['unsupported_claim'])
    expect(await world.redeem(world.idJag())).toEqual(granted)
  })

  it('an ID-JAG that lives longer than six minutes is refused', async () => {
    expect(await world.redeem(world.idJag({ exp: world.now + 361 }))).toEqual(refused)
    expect(world.vendor.reasons).toEqual(['lifetime_too_long'])
    expect(await world.redeem(world.idJag({ exp: world.now + 360 }))).toEqual(granted)
  })

  it('a refused request spends the ID-JAG when its scope parameter cannot be read', async () => {
    const assertion = world.idJag()
    expect(await world.redeem(assertion, { scope: 'notes.read "' })).toEqual([
      400,
      expect.objectContaining({ error: 'invalid_request' }),
    ])
    expect(await world.redeem(assertion)).toEqual(refused)
    expect(world.vendor.reasons.at(-1)).toBe('replayed')
  })

  it('[T55] two redemptions at the same moment both succeed: its memory of spent ids is no atomic one', async () => {
    world.vendor.kv.holdTwoReaders('enterprise-jti:')
    const assertion = world.idJag()
    expect(await Promise.all([world.redeem(assertion), world.redeem(assertion)])).toEqual([granted, granted])
    expect(await world.redeem(assertion)).toEqual(refused)
  })
})
