/** The name by which a spent key is remembered: 128 bits, read from the key itself where it is a digest already. */

import { hash } from 'node:crypto'

/** Four numbers of 32 bits, with a sign. */
export const digestWords = 4

/** Of a key of a server: the digest of the server's name, and that of what is spent there. */
export const serverCharacters = 22
const digestCharacters = 43
const keyCharacters = serverCharacters + digestCharacters

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const foreign = 64
const values = Uint8Array.from({ length: 128 }, (_, code) => {
  const value = alphabet.indexOf(String.fromCharCode(code))
  return value === -1 ? foreign : value
})

/**
 * Reads 128 bits of a key into `words`. A key of {@link serverCharacters} and 43 characters of base64url is taken for two digests, and each
 * of its characters counts: the bits are laid over each other, so that what is spent at one server is not at another. Of any other text it
 * is the SHA-256. Two keys that meet cost one token too few, never one too many.
 */
export function readKeyDigest(key: string, words: Int32Array): void {
  if (key.length !== keyCharacters || !readDigests(key, words)) readHash(key, words)
}

/** False when it is no base64url; `words` then hold nothing of use. */
function readDigests(key: string, words: Int32Array): boolean {
  words.fill(0)
  let seen = 0
  for (let at = 0; at < keyCharacters; at++) {
    const value = values[key.charCodeAt(at)] ?? foreign
    seen |= value
    const bit = (at * 6) & 127
    const word = bit >>> 5
    const offset = bit & 31
    words[word] = (words[word] ?? 0) ^ (value << offset)
    if (offset > 26) {
      const next = (word + 1) & 3
      words[next] = (words[next] ?? 0) ^ (value >>> (32 - offset))
    }
  }
  return seen < foreign
}

/** A text of bytes costs a quarter of what an object for them does. */
function readHash(text: string, words: Int32Array): void {
  const bytes = hash('sha256', text, 'binary')
  for (let word = 0; word < digestWords; word++) {
    const from = word * 4
    words[word] =
      bytes.charCodeAt(from) |
      (bytes.charCodeAt(from + 1) << 8) |
      (bytes.charCodeAt(from + 2) << 16) |
      (bytes.charCodeAt(from + 3) << 24)
  }
}
