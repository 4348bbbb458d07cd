/** What a resource authorization server demands of the ID-JAG itself: kind, signature, encoding. */

import { createHmac, randomBytes } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import { keySetOf, publicPartOf } from '../../src/protocol/keys.ts'
import { acme, chat } from '../fixture/addresses.ts'
import { type Attempt, type Enterprise, enterprise, idJagClaims, redeem } from '../fixture/enterprise.ts'
import { privateJwk, publicJwk, rsaJwk, signerOf } from '../fixture/keys.ts'
import { expectRedemptionRefused, type Refusal, assertionRefusal as refusal } from '../fixture/refusal.ts'
import { base64url, signed, withRawHeader, withSignature } from '../fixture/tokens.ts'

let world: Enterprise
beforeEach(async () => {
  world = await enterprise()
})

describe('the kind of token', () => {
  it.each([
    ['[JAG-01] [ATK-002] [T-06] no typ', undefined],
    ['[ATK-002] [T-06] JWT', 'JWT'],
    ['[ATK-002] [T-06] at+jwt', 'at+jwt'],
    ['[ATK-002] logout+jwt', 'logout+jwt'],
    ['[ATK-002] secevent+jwt', 'secevent+jwt'],
    ['[ATK-002] client-authentication+jwt', 'client-authentication+jwt'],
    ['[ATK-002] dpop+jwt', 'dpop+jwt'],
    ['[RAS-05] a type that is not a string', 7],
  ])('%s is no ID-JAG', async (_, typ) => {
    await expectRedemptionRefused(world, { header: { typ } }, refusal('typ_mismatch'))
  })

  it.each(['OAUTH-ID-JAG+JWT', 'application/oauth-id-jag+jwt', 'Application/OAuth-ID-JAG+jwt'])(
    '[D-24] %s is an ID-JAG',
    async (typ) => {
      expect((await redeem(world, { header: { typ } })).statusCode).toBe(200)
    },
  )

  it('[RAS-05] [ATK-001] an ID Token is refused', async () => {
    const claims = { ...idJagClaims(world), aud: world.chat.clients.basic.id }
    const token = signed({ typ: 'JWT' }, claims, world.idp.keys.current())
    await expectRedemptionRefused(world, { token }, refusal('typ_mismatch'))
  })

  it('[ATK-003] [IDP-31] [SEC-02] [T-16] a token under this server’s own name and key is refused, whatever its type', async () => {
    const own = { claims: { iss: chat }, signer: world.chat.keys.current() }
    await expectRedemptionRefused(world, own, refusal('issuer_unknown'))
    const accessToken = ((await redeem(world)).json() as { access_token: string }).access_token
    await expectRedemptionRefused(world, { token: accessToken }, refusal('typ_mismatch'))
  })
})

describe('the signature [RAS-04]', () => {
  const es256 = 64
  const order = Buffer.from('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551', 'hex')

  it.each<[string, Attempt, Refusal['reason']]>([
    ['[ATK-009] alg none', { header: { alg: 'none' } }, 'alg_not_allowed'],
    [
      '[ATK-009] alg none without a signature',
      { header: { alg: 'none' }, token: withSignature('') },
      'alg_not_allowed',
    ],
    ['[ATK-009] alg None', { header: { alg: 'None' } }, 'alg_not_allowed'],
    ['[ATK-009] alg NONE', { header: { alg: 'NONE' }, token: withSignature('') }, 'alg_not_allowed'],
    ['[ATK-009] an alg that is no string', { header: { alg: ['ES256'] } }, 'malformed'],
    ['[ATK-011] RS256 with the kid of an EC key', { header: { alg: 'RS256', kid: 'a1' } }, 'alg_not_allowed'],
    ['[ATK-011] an algorithm of the table the issuer may not use', { header: { alg: 'ES384' } }, 'alg_not_allowed'],
    ['[ATK-012] a key in the header', { header: { kid: 'a1', jwk: {} } }, 'signature_invalid'],
    ['[ATK-014] a path as kid', { header: { kid: '../../../../dev/null' } }, 'key_unknown'],
    ['[ATK-014] /etc/passwd as kid', { header: { kid: '/etc/passwd' } }, 'key_unknown'],
    ['[ATK-014] SQL as kid', { header: { kid: "' OR 1=1--" } }, 'key_unknown'],
    ['[ATK-014] a kid of 4 KiB', { header: { kid: 'k'.repeat(4096) } }, 'key_unknown'],
    ['[ATK-014] a number as kid', { header: { kid: 1 } }, 'key_unknown'],
    ['[ATK-018] zeros', { token: withSignature(base64url(Buffer.alloc(es256))) }, 'signature_invalid'],
    ['[ATK-018] r = s = n', { token: withSignature(base64url(Buffer.concat([order, order]))) }, 'signature_invalid'],
    ['[ATK-018] noise', { token: withSignature(base64url(randomBytes(es256))) }, 'signature_invalid'],
    ['[ATK-018] DER', { token: withSignature(base64url(Buffer.from('3006020101020101', 'hex'))) }, 'signature_invalid'],
    ['[ATK-020] none at all', { token: withSignature('') }, 'malformed'],
  ])('%s is refused', async (_, attempt, reason) => {
    const attacker = await signerOf('attacker')
    await expectRedemptionRefused(
      world,
      reason === 'signature_invalid' && attempt.header !== undefined ? { ...attempt, signer: attacker } : attempt,
      refusal(reason),
    )
  })

  it.each([
    ['r', 0],
    ['s', 32],
  ])('[ATK-018] %s = 0 is refused', async (_, offset) => {
    const zeroed = withSignature((good) => base64url(Buffer.from(good, 'base64url').fill(0, offset, offset + 32)))
    await expectRedemptionRefused(world, { token: zeroed }, refusal('signature_invalid'))
  })

  it('[ATK-018] of another valid token is refused', async () => {
    const other = signed({ typ: 'oauth-id-jag+jwt' }, idJagClaims(world), world.idp.keys.current())
    const token = withSignature(other.split('.')[2] ?? '')
    await expectRedemptionRefused(world, { token }, refusal('signature_invalid'))
  })

  it.each(['HS256', 'HS384', 'HS512'] as const)('[ATK-010] [T-10] %s under the public key is refused', async (alg) => {
    const jwk = JSON.stringify(await publicJwk('a1'))
    const token = (good: string) => {
      const input = `${base64url(JSON.stringify({ alg, kid: 'a1', typ: 'oauth-id-jag+jwt' }))}.${good.split('.')[1]}`
      return `${input}.${createHmac(`sha${alg.slice(2)}`, jwk)
        .update(input)
        .digest('base64url')}`
    }
    await expectRedemptionRefused(world, { token }, refusal('alg_not_allowed'))
  })

  it('[ATK-012] [SEC-03] by an attacker, whose key the header brings, is refused', async () => {
    const signer = await signerOf('attacker')
    const header = { jwk: publicPartOf(await privateJwk('attacker')), kid: 'a1' }
    await expectRedemptionRefused(world, { signer, header }, refusal('signature_invalid'))
  })

  it('[ATK-013] [SEC-03] by an attacker, whose key the header points at, is refused', async () => {
    const signer = await signerOf('attacker')
    const header = { jku: 'https://evil.example/jwks', x5u: 'https://evil.example/cert', x5c: ['MIIB'], kid: 'a1' }
    await expectRedemptionRefused(world, { signer, header }, refusal('signature_invalid'))
  })

  it('[JAG-02] [ATK-032] [T-10] by another trusted issuer’s key is refused', async () => {
    const signer = await signerOf('b1')
    await expectRedemptionRefused(world, { signer }, refusal('key_unknown'))
    await expectRedemptionRefused(world, { signer, header: { kid: 'a1' } }, refusal('signature_invalid'))
  })

  it('[JAG-02] [D-14] [EMA-10] is taken in each algorithm the issuer may use', async () => {
    const acmeTrust = world.chat.trusted.get(acme)
    if (acmeTrust === undefined) throw new Error('no entry')
    for (const alg of ['RS256', 'PS256', 'EdDSA', 'ES256'] as const) {
      const signer = await signerOf(`many-${alg}`, alg)
      acmeTrust.keys = await keySetOf({ keys: [await publicJwk(`many-${alg}`, alg)] })
      expect((await redeem(world, { signer })).statusCode, alg).toBe(200)
    }
  })

  it('[ATK-015] [T66] needs no kid when the issuer has one key for it, and needs one when it has two', async () => {
    const acmeTrust = world.chat.trusted.get(acme)
    if (acmeTrust === undefined) throw new Error('no entry')
    expect((await redeem(world, { header: { kid: undefined } })).statusCode).toBe(200)
    acmeTrust.keys = await keySetOf({ keys: [await publicJwk('a1'), await publicJwk('a3')] })
    await expectRedemptionRefused(world, { header: { kid: undefined } }, refusal('key_ambiguous'))
  })

  it('[ATK-019] by a weak or broken key is refused, and costs no other key its tokens', async () => {
    const acmeTrust = world.chat.trusted.get(acme)
    if (acmeTrust === undefined) throw new Error('no entry')
    const weak = rsaJwk(1024, 'weak')
    const cubed = { ...(await publicJwk('cubed', 'RS256')), e: 'AQ' }
    const off = { ...(await publicJwk('off')), y: base64url(randomBytes(32)) }
    const keys = [await publicJwk('a1'), { ...publicPartOf(weak), kid: 'weak' }, cubed, off]
    acmeTrust.keys = await keySetOf({ keys })
    for (const [kid, alg] of [
      ['weak', 'RS256'],
      ['cubed', 'RS256'],
      ['off', 'ES256'],
    ] as const)
      await expectRedemptionRefused(world, { header: { kid, alg } }, refusal('key_unusable'))
  })
})

describe('the header', () => {
  it.each<[string, Record<string, unknown>]>([
    ['[ATK-016] crit with an unknown extension', { crit: ['urn:x'], 'urn:x': 1 }],
    ['[ATK-016] crit with exp', { crit: ['exp'], exp: 1 }],
    ['[ATK-017] b64 false', { b64: false, crit: ['b64'] }],
    ['[ATK-017] b64 true', { b64: true }],
    ['[ATK-017] zip', { zip: 'DEF' }],
    ['[ATK-017] enc', { enc: 'A128GCM' }],
    ['[ATK-017] cty', { cty: 'JWT' }],
    ['[ATK-022] p2c', { p2c: 10_000_000, p2s: 'AAAA' }],
  ])('%s is refused', async (_, header) => {
    await expectRedemptionRefused(world, { header }, refusal('header_unsupported'))
  })

  it('[ATK-024] with alg twice is refused', async () => {
    const token = withRawHeader(
      '{"alg":"none","typ":"oauth-id-jag+jwt","kid":"a1","alg":"ES256"}',
      JSON.stringify(idJagClaims(world)),
      world.idp.keys.current(),
    )
    await expectRedemptionRefused(world, { token }, refusal('malformed'))
  })
})
