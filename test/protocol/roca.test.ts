import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { keySetOf } from '../../src/protocol/keys.ts'
import { isRocaModulus } from '../../src/protocol/roca.ts'

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' })
const sound = Buffer.from(rsa.n ?? '', 'base64url')

/** A number of 2048 bits that leaves a power of 65537 at every small prime, as the moduli of the flawed generator do. */
function flawedModulus(): Buffer {
  let product = 1n
  for (let odd = 3; odd < 168; odd += 2)
    if (Array.from({ length: 12 }, (_, at) => at + 2).every((d) => d >= odd || odd % d !== 0)) product *= BigInt(odd)
  const power = 65537n ** 11n % product
  const high = BigInt(`0x${sound.toString('hex')}`)
  return Buffer.from((high - (high % product) + power).toString(16).padStart(512, '0'), 'hex')
}

describe('an RSA key of the flawed generator', () => {
  it('is known by its modulus, and a sound one is not', () => {
    expect(isRocaModulus(flawedModulus())).toBe(true)
    expect(isRocaModulus(sound)).toBe(false)
  })

  it('[ATK-019] verifies nothing, and a sound one beside it does', async () => {
    const jwk = (kid: string, n: string) => ({ kty: 'RSA', kid, n, e: 'AQAB' })
    const keys = await keySetOf({
      keys: [jwk('flawed', flawedModulus().toString('base64url')), jwk('sound', rsa.n ?? '')],
    })
    await expect(keys.find({ alg: 'RS256', kid: 'flawed' })).rejects.toMatchObject({ reason: 'key_unusable' })
    await expect(keys.find({ alg: 'RS256', kid: 'sound' })).resolves.toBeDefined()
  })
})
