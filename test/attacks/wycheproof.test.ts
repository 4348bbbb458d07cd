/** Wycheproof's vectors for JSON Web Signature, Key and Encryption, through our own readers: what they must refuse, and what they take. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { JWK } from 'jose'
import { describe, expect, it } from 'vitest'
import { decryptionKeysOf } from '../../src/protocol/encryption-keys.ts'
import { readJws, verifySignature } from '../../src/protocol/jwt.ts'
import { JwtError } from '../../src/protocol/jwt-error.ts'
import { KeySetError, keySetOf, publicPartOf, signatureAlgorithms } from '../../src/protocol/keys.ts'
import { openNested } from '../../src/protocol/nested-jwt.ts'

/** Where the vectors are, read in place: the folder `testvectors_v1` of C2SP/wycheproof. */
const folder = process.env.WYCHEPROOF_DIR ?? ''

interface Jwk {
  kty: string
  keys?: Jwk[]
  [member: string]: unknown
}
interface Vector {
  tcId: number
  comment: string
  jws?: string
  jwe?: string
  result: 'valid' | 'invalid'
}
interface Group {
  comment: string
  private: Jwk
  public?: Jwk
  tests: Vector[]
}

/** The vectors of one file that hold a JWS, each with the key set its verifier would have. */
function vectorsOf(name: string) {
  const { testGroups } = JSON.parse(readFileSync(join(folder, name), 'utf8')) as { testGroups: Group[] }
  return testGroups.flatMap((group) =>
    group.tests.flatMap((vector) => (vector.jws === undefined ? [] : [{ ...vector, jws: vector.jws, group }])),
  )
}

/** The public half of what the file gives. Symmetric keys stay as they are: nobody's public set may hold one. */
function keysOf({ public: published, private: own }: Group): { keys: unknown[] } {
  const keys = published?.keys ?? own.keys ?? [published ?? own]
  return {
    keys: keys.map((key) => {
      if (key.kty === 'oct') return key
      const { kid, alg, use, key_ops: operations } = key
      const named = Object.entries({ kid, alg, use, ...(Array.isArray(operations) ? { key_ops: ['verify'] } : {}) })
      return {
        ...publicPartOf(key as Parameters<typeof publicPartOf>[0]),
        ...Object.fromEntries(named.filter(([, value]) => value !== undefined)),
        // What a key is for is the publisher's word, and stays.
        ...(published !== undefined && Array.isArray(published.key_ops) ? { key_ops: published.key_ops } : {}),
      }
    }),
  }
}

/** Undefined for a JWS that our reader takes; otherwise why it does not. */
async function refusalOf({ jws, group }: { jws: string; group: Group }): Promise<string | undefined> {
  try {
    const keys = await keySetOf(keysOf(group))
    await verifySignature(readJws(jws), { keys, algorithms: signatureAlgorithms })
    return undefined
  } catch (error) {
    if (error instanceof JwtError) return error.reason
    if (error instanceof KeySetError) return `key set ${error.message}`
    throw error
  }
}

describe('Wycheproof', () => {
  it.each(['signature', 'key', 'crypto'])(
    '[ATK-027] json_web_%s: nothing that is invalid is accepted',
    async (name) => {
      const invalid = vectorsOf(`json_web_${name}_test.json`).filter(({ result }) => result === 'invalid')
      expect(invalid.length).toBeGreaterThan(0)
      const accepted: string[] = []
      for (const vector of invalid)
        if ((await refusalOf(vector)) === undefined) accepted.push(`${vector.tcId} ${vector.comment}`)
      expect(accepted).toEqual([])
    },
  )

  /** Valid, and refused all the same: for each cause, how many of each group. */
  const policy = {
    signature: {
      accepted: 14,
      refused: {
        // A symmetric key in a public set is a key that everybody has: HS* is no row of the table (D-14).
        'key set holds a private or symmetric key': { hs256: 1, rfc7520: 2, base64: 7 },
        // RS384, RS512, PS384, PS512 and ES512 are no rows of the table either.
        'key set holds no key for signatures': {
          rs384: 4,
          rs512: 4,
          ps384: 4,
          ps512: 4,
          rfc7520: 1,
          rfc7520WithKeyOps: 1,
        },
        // The key says RS256 or PS256, and the token another.
        alg_not_allowed: { rfc7520: 1, rfc7520WithKeyOps: 1 },
        // A JWS without a payload is no token of anybody.
        malformed: { rs256: 1, ps256: 1 },
      },
    },
    key: {
      accepted: 1,
      refused: { 'key set holds a private or symmetric key': { jws_keyset: 1, HS256: 1, HS384: 1, HS512: 1 } },
    },
    crypto: {
      accepted: 2,
      refused: { 'key set holds a private or symmetric key': { jws_aes: 1, jws_keyset: 1 } },
    },
  }

  it.each(Object.entries(policy))(
    '[ATK-027] json_web_%s: what is valid is accepted, or refused for a policy that is listed',
    async (name, listed) => {
      const valid = vectorsOf(`json_web_${name}_test.json`).filter(({ result }) => result === 'valid')
      const refused: { [why: string]: { [group: string]: number } } = {}
      let accepted = 0
      for (const vector of valid) {
        const why = await refusalOf(vector)
        if (why === undefined) accepted++
        else {
          refused[why] ??= {}
          refused[why][vector.group.comment] = (refused[why][vector.group.comment] ?? 0) + 1
        }
      }
      expect({ accepted, refused }).toEqual(listed)
    },
  )

  it.each(['encryption', 'crypto'] as const)(
    '[ATK-027] json_web_%s: nothing that is encrypted is taken for an ID-JAG, whoever encrypted it',
    async (name) => {
      const { testGroups } = JSON.parse(readFileSync(join(folder, `json_web_${name}_test.json`), 'utf8')) as {
        testGroups: Group[]
      }
      const outcomes: { [outcome: string]: number } = {}
      for (const { private: own, tests } of testGroups)
        for (const { jwe, result } of tests) {
          if (jwe === undefined) continue
          const outcome = `${result}: ${await openingOf(jwe, own)}`
          outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
        }
      // Symmetric keys, RSA1_5, RSA-OAEP with SHA-1 and other key wraps are no rows of our table. The rest does not say that it holds a JWT.
      const noSuchKey = 'a key that has no alg of ECDH-ES+A256KW, ECDH-ES, RSA-OAEP-256'
      const listed = {
        encryption: {
          [`invalid: ${noSuchKey}`]: 58,
          'invalid: header_unsupported': 16,
          [`valid: ${noSuchKey}`]: 47,
          'valid: header_unsupported': 18,
        },
        crypto: { [`invalid: ${noSuchKey}`]: 32, [`valid: ${noSuchKey}`]: 2 },
      }
      expect(outcomes).toEqual(listed[name])
    },
  )
})

/** Why an encrypted token is not opened, with the key of the vector as our own as far as we take such keys. */
async function openingOf(jwe: string, own: Jwk): Promise<string> {
  try {
    await openNested(jwe, await decryptionKeysOf({ keys: [own as JWK] }))
    return 'opened'
  } catch (error) {
    if (error instanceof KeySetError) return `a key that ${error.message}`
    if (error instanceof JwtError) return error.reason
    throw error
  }
}
