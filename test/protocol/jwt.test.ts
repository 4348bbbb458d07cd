/** JWTs: how they are taken apart, verified, and judged by time. */

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkTimes, isType, maxJwtLength, readJwt, signJwt, verifySignature } from '../../src/protocol/jwt.ts'
import { defaultAlgorithms } from '../../src/protocol/keys.ts'
import { publicJwk, signerOf, sourceOf } from '../fixture/keys.ts'
import { base64url, signed, withRawHeader } from '../fixture/tokens.ts'

const because = (reason: string) => expect.objectContaining({ name: 'JwtError', reason })
const unsigned = (header: string, payload = '{}') => `${base64url(header)}.${base64url(payload)}.c2ln`

describe('a JWT', () => {
  it('no byte of which may change: the token with any character changed, taken out or put in is refused', async () => {
    const signer = await signerOf('flip')
    const trust = { keys: await sourceOf(await publicJwk('flip')), algorithms: defaultAlgorithms }
    const token = signed({ typ: 'oauth-id-jag+jwt' }, { iss: 'https://a.example', sub: 'alice', exp: 1 }, signer)
    const verify = async (text: string) => await verifySignature(readJwt(text), trust)
    await verify(token)
    const character = fc.constantFrom(
      ...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ \n\u0000é',
    )
    const change = fc.tuple(fc.nat(token.length - 1), character, fc.constantFrom(0, 1))
    await fc.assert(
      fc.asyncProperty(change, async ([at, other, width]) => {
        const changed = `${token.slice(0, at)}${other}${token.slice(at + width)}`
        fc.pre(changed !== token)
        await expect(verify(changed)).rejects.toMatchObject({ name: 'JwtError' })
      }),
      { numRuns: 1000 },
    )
    for (let at = 0; at < token.length; at++)
      await expect(verify(token.slice(0, at) + token.slice(at + 1))).rejects.toMatchObject({ name: 'JwtError' })
  })

  it('is read or refused with a JwtError, whatever the text', () => {
    const part = fc.oneof(fc.base64String(), fc.json().map(base64url), fc.string())
    fc.assert(
      fc.property(fc.array(part, { maxLength: 5 }), (parts) => {
        try {
          expect(readJwt(parts.join('.')).header.alg).toBeTypeOf('string')
        } catch (error) {
          expect(error).toMatchObject({ name: 'JwtError' })
        }
      }),
      { numRuns: 1000 },
    )
  })

  it('may be 16 KiB long, and not one character longer', () => {
    const empty = unsigned('{"alg":"ES256"}', '{"x":""}')
    const room = maxJwtLength - empty.length
    const filled = (size: number) => unsigned('{"alg":"ES256"}', `{"x":"${'x'.repeat(size)}"}`)
    const longest = filled(Math.floor((room * 3) / 4))
    expect(longest.length).toBeLessThanOrEqual(maxJwtLength)
    expect(readJwt(longest).header.alg).toBe('ES256')
    expect(() => readJwt('x'.repeat(maxJwtLength + 1))).toThrow(because('too_large'))
    expect(() => readJwt(longest, 100)).toThrow(because('too_large'))
  })

  it.each<[string, string, string]>([
    ['without alg', '{}', 'malformed'],
    ['with alg null', '{"alg":null}', 'malformed'],
    ['with kid null', '{"alg":"ES256","kid":null}', 'key_unknown'],
    ['with a kid of 257 characters', `{"alg":"ES256","kid":"${'k'.repeat(257)}"}`, 'key_unknown'],
    ['with typ null', '{"alg":"ES256","typ":null}', 'typ_mismatch'],
    ['with crit', '{"alg":"ES256","crit":[]}', 'header_unsupported'],
    ['with p2s', '{"alg":"PBES2-HS256+A128KW","p2s":"x"}', 'header_unsupported'],
    ['whose header is an array', '[]', 'malformed'],
    ['whose header is nested deep', `{"alg":${'['.repeat(99)}`, 'malformed'],
  ])('%s is refused', (_, header, reason) => {
    expect(() => readJwt(unsigned(header))).toThrow(because(reason))
  })

  it('without a signature is refused where its algorithm makes one', () => {
    const bare = (alg: string) => unsigned(`{"alg":"${alg}"}`).replace(/\.c2ln$/, '.')
    expect(() => readJwt(bare('ES256'))).toThrow(because('malformed'))
    expect(readJwt(bare('none')).header.alg).toBe('none')
  })

  it('may bring keys in its header, and they are not looked at', async () => {
    const signer = await signerOf('flip')
    const token = signed({ jwk: await publicJwk('flip'), jku: 'https://evil.example', x5c: [] }, {}, signer)
    const keys = await sourceOf(await publicJwk('other'))
    await expect(async () => await verifySignature(readJwt(token), { keys, algorithms: ['ES256'] })).rejects.toEqual(
      because('key_unknown'),
    )
  })

  it('of Ed25519 is the same under its old and its new name', async () => {
    const signer = await signerOf('ed', 'EdDSA')
    const keys = await sourceOf(await publicJwk('ed', 'EdDSA'))
    for (const alg of ['EdDSA', 'Ed25519']) {
      const jwt = readJwt(withRawHeader(JSON.stringify({ alg, kid: 'ed' }), '{}', signer))
      await verifySignature(jwt, { keys, algorithms: ['EdDSA'] })
      await expect(async () => await verifySignature(jwt, { keys, algorithms: ['ES256'] })).rejects.toEqual(
        because('alg_not_allowed'),
      )
    }
  })

  it('that we sign can be read, with these header members and no others', async () => {
    const token = await signJwt({ a: 1 }, 'at+jwt', await signerOf('flip'))
    expect(readJwt(token)).toMatchObject({ header: { alg: 'ES256', kid: 'flip', typ: 'at+jwt' }, claims: { a: 1 } })
  })
})

describe('typ', () => {
  it.each([
    ['at+jwt', true],
    ['AT+JWT', true],
    ['application/at+jwt', true],
    ['Application/AT+jwt', true],
    ['application/application/at+jwt', false],
    ['text/at+jwt', false],
    ['at+jwt ', false],
    ['jwt', false],
    [undefined, false],
  ])('%s names at+jwt: %s', (typ, same) => {
    expect(isType(typ, 'at+jwt')).toBe(same)
  })
})

describe('times', () => {
  const now = 1000
  const rules = { now, skew: 30, maxLifetime: 600 }

  it.each<[string, Record<string, unknown>, string | undefined]>([
    ['at the last moment', { exp: 970.5, iat: 900 }, undefined],
    ['past the skew', { exp: 970, iat: 900 }, 'expired'],
    ['issued just ahead', { exp: 1300, iat: 1030 }, undefined],
    ['issued ahead of the skew', { exp: 1300, iat: 1031 }, 'iat_invalid'],
    ['of the longest life', { exp: 1600, iat: 1000 }, undefined],
    ['of a longer life', { exp: 1601, iat: 1000 }, 'lifetime_too_long'],
    ['issued very long ago', { exp: 1000, iat: 369 }, 'iat_invalid'],
    ['with an endless exp', { exp: Number.POSITIVE_INFINITY, iat: 1000 }, 'lifetime_too_long'],
    ['with exp and iat in milliseconds', { exp: 1_000_060_000, iat: 1_000_000_000 }, 'iat_invalid'],
    ['without exp', { iat: 1000 }, 'malformed'],
    ['without iat', { exp: 1000 }, 'iat_invalid'],
    ['valid now', { exp: 1300, iat: 1000, nbf: 1030 }, undefined],
    ['not valid yet', { exp: 1300, iat: 1000, nbf: 1031 }, 'not_yet_valid'],
    ['with nbf null', { exp: 1300, iat: 1000, nbf: null }, 'not_yet_valid'],
  ])('%s', (_, claims, reason) => {
    if (reason === undefined) expect(checkTimes(claims, rules)).toEqual({ exp: claims.exp, iat: claims.iat })
    else expect(() => checkTimes(claims, rules)).toThrow(because(reason))
  })

  it('are never accepted beyond the longest life from now', () => {
    const number = fc.double({ noNaN: true })
    fc.assert(
      fc.property(number, number, (exp, iat) => {
        let accepted = true
        try {
          checkTimes({ exp, iat }, rules)
        } catch {
          accepted = false
        }
        if (accepted) expect(exp).toBeLessThanOrEqual(now + rules.maxLifetime + rules.skew)
      }),
    )
  })
})
