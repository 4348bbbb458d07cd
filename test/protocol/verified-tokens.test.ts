/** Tokens that are known by their good signature: when they are, and when they are judged from the beginning. */

import { beforeEach, describe, expect, it } from 'vitest'
import { maxJwtLength, signJwt, verifySignature } from '../../src/protocol/jwt.ts'
import type { KeySource } from '../../src/protocol/keys.ts'
import type { Seconds } from '../../src/protocol/ports.ts'
import { type VerifiedTokens, verifiedTokens } from '../../src/protocol/verified-tokens.ts'
import { publicJwk, signerOf, sourceOf } from '../fixture/keys.ts'
import { countingSignatures } from '../fixture/signatures.ts'
import { withSignature } from '../fixture/tokens.ts'

const now = 1_800_000_000
const exp = now + 3600
let counting: ReturnType<typeof countingSignatures>
let tokens: VerifiedTokens
let keys: KeySource
beforeEach(async () => {
  counting = countingSignatures()
  tokens = verifiedTokens()
  keys = await sourceOf(await publicJwk('k'))
})

const tokenOf = async (sub: string) => await signJwt({ sub, groups: ['a'] }, 'JWT', await signerOf('k'))

/** Shows a token, and keeps it in mind when it is good. True when its signature was computed anew. */
async function show(token: string, at: Seconds = now, end: Seconds = exp): Promise<boolean> {
  const before = counting.verified
  const { jwt, signatures, remember } = tokens.take(token, at, counting)
  await verifySignature(jwt, { keys, algorithms: ['ES256'] }, signatures)
  remember(end)
  return counting.verified > before
}

describe('a token that was good', () => {
  it('is known when it comes again, for 300 s, and then for 300 s more', async () => {
    const token = await tokenOf('alice')
    expect(await show(token)).toBe(true)
    expect(await show(token, now + 299)).toBe(false)
    expect(await show(token, now + 300)).toBe(true)
    expect(await show(token, now + 599)).toBe(false)
  })

  it('is seen by every byte of it, and no other text is, whatever that looks like', async () => {
    const token = await tokenOf('alice')
    expect(tokens.seen(token, now)).toBeUndefined()
    await show(token)
    expect(tokens.seen(token, now)).toMatchObject({ jwt: { token, claims: { sub: 'alice' } }, verifiedWith: {} })
    for (const other of ['', ` ${token}`, `${token} `, token.slice(0, -1), 'a'.repeat(maxJwtLength + 1)])
      expect(tokens.seen(other, now)).toBeUndefined()
    expect(tokens.seen(token, now + 300)).toBeUndefined()
  })

  it('is known no longer than it lives, and not while the clock stands before that moment', async () => {
    const token = await tokenOf('alice')
    expect(await show(token, now, now + 10)).toBe(true)
    expect(await show(token, now + 9, now + 10)).toBe(false)
    expect(await show(token, now + 10, now + 10)).toBe(true)
    expect(await show(token, now - 1, now + 10)).toBe(true)
  })

  it('is not known before every check has passed', async () => {
    const token = await tokenOf('alice')
    for (let time = 0; time < 2; time++) {
      const { jwt, signatures } = tokens.take(token, now, counting)
      await verifySignature(jwt, { keys, algorithms: ['ES256'] }, signatures)
    }
    expect(counting.verified).toBe(2)
    tokens.take(token, now, counting).remember(exp)
    expect(await show(token)).toBe(true)
  })

  it('is another one with another signature', async () => {
    const token = await tokenOf('alice')
    await show(token)
    const flipped = withSignature((good) => `${good.startsWith('A') ? 'B' : 'A'}${good.slice(1)}`)(token)
    await expect(show(flipped)).rejects.toMatchObject({ reason: 'signature_invalid' })
    const again = await tokenOf('alice')
    expect(again.split('.', 2)).toEqual(token.split('.', 2))
    expect(await show(again)).toBe(true)
    expect(await show(token)).toBe(false)
  })

  it('is of no use when its key was withdrawn, and is judged anew when the set was read anew', async () => {
    const token = await tokenOf('alice')
    await show(token)
    keys = await sourceOf(await publicJwk('other'))
    await expect(show(token)).rejects.toMatchObject({ reason: 'key_unknown' })
    keys = await sourceOf(await publicJwk('k'))
    expect(await show(token)).toBe(true)
    expect(await show(token)).toBe(false)
  })

  it('is not good by the key of another issuer that is called the same', async () => {
    const token = await tokenOf('alice')
    await show(token)
    keys = await sourceOf({ ...(await publicJwk('other')), kid: 'k' })
    await expect(show(token)).rejects.toMatchObject({ reason: 'signature_invalid' })
  })

  it('says nothing of other tokens', async () => {
    const token = await tokenOf('alice')
    const other = await tokenOf('bob')
    await show(token)
    const { signatures } = tokens.take(token, now, counting)
    const { jwt } = tokens.take(other, now, counting)
    const key = await keys.find({ alg: 'ES256', kid: 'k' })
    expect(await signatures.verify({ ...jwt, signature: new Uint8Array(64), alg: 'ES256', key })).toBe(false)
  })

  it('cannot be changed by whoever reads it', async () => {
    const token = await tokenOf('alice')
    await show(token)
    const { claims } = tokens.take(token, now).jwt
    expect(claims).toEqual({ sub: 'alice', groups: ['a'] })
    expect(() => Object.assign(claims, { sub: 'bob' })).toThrow(TypeError)
    expect(() => (claims.groups as string[]).push('admins')).toThrow(TypeError)
  })
})

describe('what is kept in mind', () => {
  it('is bounded: what was not shown for longest is forgotten', async () => {
    tokens = verifiedTokens(2)
    const [alice, bob, carol] = await Promise.all(['alice', 'bob', 'carol'].map(tokenOf))
    for (const token of [alice, bob, alice, carol]) await show(token ?? '')
    expect(await show(alice ?? '')).toBe(false)
    expect(await show(carol ?? '')).toBe(false)
    expect(await show(bob ?? '')).toBe(true)
  })

  it('may be nothing', async () => {
    tokens = verifiedTokens(0)
    const token = await tokenOf('alice')
    expect(await show(token)).toBe(true)
    expect(await show(token)).toBe(true)
  })

  it('is nothing of one place at another', async () => {
    const token = await tokenOf('alice')
    await show(token)
    tokens = verifiedTokens()
    expect(await show(token)).toBe(true)
  })

  it('is no token of more than 4096 characters: ten thousand of them would fill the memory', async () => {
    const [short, long] = await Promise.all(['x'.repeat(2800), 'x'.repeat(3200)].map(tokenOf))
    expect([short, long].map((token) => (token ?? '').length > 4096)).toEqual([false, true])
    for (const token of [short, long]) await show(token ?? '')
    expect([await show(short ?? ''), await show(long ?? '')]).toEqual([false, true])
  })

  it('holds no token that is too long to be read', () => {
    expect(() => tokens.take('x'.repeat(maxJwtLength + 1), now)).toThrow(
      expect.objectContaining({ reason: 'too_large' }),
    )
  })
})
