/** The names of spent keys: each character of a digest counts, and any other text is hashed. */

import { hash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { digestWords, readKeyDigest } from '../../src/store/key-digest.ts'

function nameOf(key: string): string {
  const words = new Int32Array(digestWords)
  readKeyDigest(key, words)
  return Buffer.from(words.buffer).toString('hex')
}

const server = hash('sha256', 'https://auth.chat.example', 'base64url').slice(0, 22)
const spent = hash('sha256', 'spent', 'base64url')
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

describe('the name of a key', () => {
  it('is another for another server, another digest, and any one character that is another', () => {
    const key = server + spent
    for (const [at, character] of [...key].entries()) {
      const other = alphabet[(alphabet.indexOf(character) + 1) % 64] ?? ''
      expect(nameOf(key.slice(0, at) + other + key.slice(at + 1))).not.toBe(nameOf(key))
    }
    expect(nameOf(`${server}${hash('sha256', 'spent', 'base64url')}`)).toBe(nameOf(key))
  })

  it('is the bits of two digests laid over each other, of which none is lost', () => {
    fc.assert(
      fc.property(fc.nat(64), fc.nat(5), (at, bit) => {
        const plain = 'A'.repeat(65)
        const one = plain.slice(0, at) + alphabet[2 ** bit] + plain.slice(at + 1)
        const set = BigInt(`0x${Buffer.from(nameOf(one), 'hex').reverse().toString('hex')}`)
        expect(set).toBe(1n << BigInt((at * 6 + bit) % 128))
      }),
    )
  })

  it('is the start of the SHA-256 of any other text, also of one as long', () => {
    const texts = ['', 'a', spent, `${server}${spent}A`, `${server}${spent.slice(1)}=`, `${server.slice(1)}é${spent}`]
    for (const text of texts) expect(nameOf(text)).toBe(hash('sha256', text, 'hex').slice(0, 32))
  })
})
