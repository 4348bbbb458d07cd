/** Token Status Lists: what is written is read, and nothing that a stranger writes does harm. */

import { deflateSync, gzipSync } from 'node:zlib'
import { StatusList } from '@sd-jwt/jwt-status-list'
import { beforeAll, describe, expect, it } from 'vitest'
import type { KeySource, SigningKey } from '../../src/protocol/keys.ts'
import { compressStatusList, readStatusList, signStatusList } from '../../src/protocol/status-list.ts'
import { publicJwk, signerOf, sourceOf } from '../fixture/keys.ts'
import { claimsOf, headerOf, signed } from '../fixture/tokens.ts'

const issuer = 'https://as.example'
const uri = `${issuer}/status/2`
const now = 1_800_000_000
let signer: SigningKey
let keys: KeySource
beforeAll(async () => {
  signer = await signerOf('as-1')
  keys = await sourceOf(await publicJwk('as-1'))
})

const rules = () => ({ uri, issuer, keys, algorithms: ['ES256'] as const, now, skew: 30 })
const read = async (token: string, change: object = {}) => await readStatusList(token, { ...rules(), ...change })
const refused = (reason: string) => expect.objectContaining({ name: 'JwtError', reason })
const claims = (change: Record<string, unknown> = {}) => ({
  sub: uri,
  iat: now,
  exp: now + 60,
  ttl: 2,
  status_list: { bits: 1, lst: compressStatusList([7]) },
  ...change,
})
const minted = (change?: Record<string, unknown>, header: Record<string, unknown> = {}, by = signer) =>
  signed({ typ: 'statuslist+jwt', ...header }, claims(change), by)
const packed = (bits: number, lst: Uint8Array) => ({
  status_list: { bits, lst: Buffer.from(lst).toString('base64url') },
})

describe('a list that this server writes', () => {
  const written = async (ended: number[]) =>
    await signStatusList(
      {
        issuer,
        list: 2,
        compressed: compressStatusList(ended),
        publishedKids: ['as-1', 'as-2'],
        now: now + 0.9,
        lifetime: 60,
        ttl: 2,
      },
      signer,
    )

  it('is a Status List Token', async () => {
    const token = await written([0, 8, 65_535])
    expect(headerOf(token)).toEqual({ alg: 'ES256', kid: 'as-1', typ: 'statuslist+jwt' })
    expect(claimsOf(token)).toEqual({
      iss: issuer,
      sub: uri,
      iat: now,
      exp: now + 60,
      ttl: 2,
      status_list: { bits: 1, lst: expect.any(String) },
      [`${issuer}#published_kids`]: ['as-1', 'as-2'],
    })
  })

  it('is read back: what has ended, what has not, and where it stops', async () => {
    const list = await read(await written([0, 8, 65_535]))
    expect([0, 1, 7, 8, 9, 65_534, 65_535].map(list.isEnded)).toEqual([true, false, false, true, false, false, true])
    expect(list.isEnded(65_536)).toBeUndefined()
    expect(list).toMatchObject({ issuedAt: now, ttl: 2, publishedKids: ['as-1', 'as-2'] })
  })

  it('stays small when every second token has ended at random', () => {
    const ended = Array.from({ length: 65_536 }, (_, idx) => idx).filter((idx) => (idx * 2_654_435_761) % 97 < 48)
    expect(compressStatusList(ended).length).toBeLessThan(16 * 1024)
  })
})

describe('a list of another server', () => {
  it.each([1, 2, 4, 8] as const)(
    'may have %i bits for each token, and every status but VALID is an end',
    async (bits) => {
      const statuses = [0, 1, 2, 3, 0, 0, 0, 0].map((status) => Math.min(status, 2 ** bits - 1))
      const lst = new StatusList(statuses, bits).compressStatusList()
      const list = await read(minted({ iss: undefined, ttl: undefined, status_list: { bits, lst } }))
      expect([0, 1, 2, 3, 4].map(list.isEnded)).toEqual([false, true, true, true, false])
      expect(list).toMatchObject({ ttl: undefined, publishedKids: undefined })
    },
  )

  it('that says the same as the one before is not unpacked again', async () => {
    const first = await read(minted())
    const same = await read(minted({ iat: now - 1 }), { known: first })
    const other = await read(minted({ status_list: { bits: 1, lst: compressStatusList([8]) } }), { known: first })
    expect(same.isEnded).toBe(first.isEnded)
    expect([same.isEnded(7), other.isEnded(7), other.isEnded(8)]).toEqual([true, false, true])
  })

  it.each<[string, Record<string, unknown>, string]>([
    ['for another address', { sub: `${issuer}/status/3` }, 'malformed'],
    ['of another issuer', { iss: 'https://other.example' }, 'issuer_unknown'],
    ['that has expired', { iat: now - 120, exp: now - 30 }, 'expired'],
    ['without an end', { exp: undefined }, 'malformed'],
    ['that is good for years', { exp: now + 40 * 24 * 3600 }, 'lifetime_too_long'],
    ['from the future', { iat: now + 31 }, 'iat_invalid'],
    ['without iat', { iat: undefined }, 'malformed'],
    ['without a list', { status_list: undefined }, 'malformed'],
    ['with three bits', { status_list: { bits: 3, lst: '' } }, 'malformed'],
    ['with a ttl of nothing', { ttl: 0 }, 'malformed'],
    ['with keys that are no names', { [`${issuer}#published_kids`]: [1] }, 'malformed'],
    ['that is no zlib', packed(1, Buffer.from('hello')), 'malformed'],
    ['that is gzip', packed(1, gzipSync(Buffer.alloc(8))), 'malformed'],
    ['that was cut off', packed(1, deflateSync(Buffer.alloc(64)).subarray(0, 9)), 'malformed'],
    ['one byte longer than a list is', packed(1, deflateSync(Buffer.alloc(8193))), 'malformed'],
    ['that inflates to 50 MB', packed(8, deflateSync(Buffer.alloc(50_000_000))), 'malformed'],
    ['that is long before it is inflated', { status_list: { bits: 1, lst: 'A'.repeat(65_537) } }, 'malformed'],
  ])('%s is refused', async (_, change, reason) => {
    await expect(read(minted(change))).rejects.toEqual(refused(reason))
    expect((await read(minted())).isEnded(7)).toBe(true)
  })

  it('may be exactly as long as a list is', async () => {
    const list = await read(minted(packed(1, deflateSync(Buffer.alloc(8192, 255)))))
    expect([list.isEnded(65_535), list.isEnded(65_536)]).toEqual([true, undefined])
  })

  it.each(['at+jwt', 'JWT', undefined])('of the type %s is refused', async (typ) => {
    await expect(read(minted({}, { typ }))).rejects.toEqual(refused('typ_mismatch'))
    expect((await read(minted({}, { typ: 'application/statuslist+jwt' }))).isEnded(7)).toBe(true)
  })

  it('signed by a stranger is refused, under the name of a known key too', async () => {
    const stranger = await signerOf('stranger')
    await expect(read(minted({}, {}, stranger))).rejects.toEqual(refused('key_unknown'))
    await expect(read(minted({}, { kid: 'as-1' }, stranger))).rejects.toEqual(refused('signature_invalid'))
  })

  it('of any length is not read', async () => {
    await expect(read(minted({ more: 'x'.repeat(128 * 1024) }))).rejects.toEqual(refused('too_large'))
  })
})
