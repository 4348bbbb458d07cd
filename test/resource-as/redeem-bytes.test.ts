/** What a resource authorization server demands of the bytes of an ID-JAG. */

import { beforeEach, describe, it } from 'vitest'
import { type Enterprise, enterprise, idJagClaims } from '../fixture/enterprise.ts'
import { expectRedemptionRefused, type Refusal, assertionRefusal as refusal } from '../fixture/refusal.ts'
import { signedBytes, withSignature } from '../fixture/tokens.ts'

let world: Enterprise
beforeEach(async () => {
  world = await enterprise()
})

describe('the bytes', () => {
  it.each<[string, (good: string) => string]>([
    ['[ATK-020] two segments', (good) => good.split('.').slice(0, 2).join('.')],
    ['[ATK-020] four segments', (good) => `${good}.e30`],
    ['[ATK-020] five segments', (good) => `${good}.e30.e30`],
    ['[ATK-020] an empty payload', (good) => good.replace(/\..*\./, '..')],
    ['[ATK-020] JSON serialisation', (good) => JSON.stringify({ payload: good.split('.')[1], signature: 'AA' })],
    ['[ATK-023] padding in the header', (good) => good.replace('.', '=.')],
    ['[ATK-023] padding in the signature', (good) => `${good}==`],
    ['[ATK-023] a blank at the end', (good) => `${good} `],
    ['[ATK-023] stray bits at the end', (good) => `${good.slice(0, -1)}${good.endsWith('B') ? 'C' : 'B'}`],
    ['[ATK-023] plus and slash', withSignature((good) => `${good.slice(0, -4)}+/+A`)],
    ['[RAS-02] no token at all', () => 'assertion'],
  ])('%s make no ID-JAG', async (_, token) => {
    await expectRedemptionRefused(world, { token }, refusal('malformed'))
  })

  it.each<[string, (claims: string) => string | Uint8Array]>([
    ['[ATK-024] aud twice, ours last', (claims) => claims.replace('{', '{"aud":"https://other.example",')],
    ['[ATK-024] aud twice, ours first', (claims) => claims.replace(/}$/, ',"aud":"https://other.example"}')],
    ['[ATK-024] sub twice', (claims) => claims.replace('{', '{"sub":"bob",')],
    ['[ATK-024] client_id twice, once escaped', (claims) => claims.replace('{', '{"client\\u005fid":"x",')],
    ['[ATK-025] an array', () => '[]'],
    ['[ATK-025] a string', () => '"claims"'],
    ['[ATK-025] null', () => 'null'],
    ['[ATK-025] bytes after the object', (claims) => `${claims}x`],
    ['[ATK-025] UTF-16', (claims) => Buffer.from(claims, 'utf16le')],
    ['[ATK-025] broken UTF-8 in sub', (claims) => Buffer.from(claims.replace('alice', '\xff'), 'latin1')],
    ['[ATK-025] a byte order mark', (claims) => `\ufeff${claims}`],
    [
      '[ATK-026] a claim 1000 levels deep',
      (claims) => claims.replace('{', `{"x":${'['.repeat(1000)}${']'.repeat(1000)},`),
    ],
  ])('a payload with %s is refused', async (_, payload) => {
    const claims = JSON.stringify(idJagClaims(world))
    const token = signedBytes({ typ: 'oauth-id-jag+jwt' }, payload(claims), world.idp.keys.current())
    await expectRedemptionRefused(world, { token }, refusal('malformed'))
  })

  it.each([
    ['20 000 levels deep', '['.repeat(20_000)],
    ['of 17 KiB', 'x'.repeat(17 * 1024)],
    ['of 45 KiB', 'x'.repeat(45 * 1024)],
  ])('[ATK-026] an ID-JAG %s is too large', async (_, x) => {
    await expectRedemptionRefused(world, { claims: { x } }, refusal('too_large'))
  })

  it('[ATK-026] a body of 1 MiB is 413', async () => {
    const tooMuch: Refusal = { error: 'invalid_request', reason: 'too_large', status: 413 }
    await expectRedemptionRefused(world, { form: { x: 'x'.repeat(1024 * 1024) } }, tooMuch)
  })
})
