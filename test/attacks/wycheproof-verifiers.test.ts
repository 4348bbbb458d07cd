/** Our own verifier beside jose on the vectors of others. This file runs only where they are: see scripts/test.ts. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { verifiedByJose } from '../../src/protocol/jose-signatures.ts'
import { readJws, verifySignature } from '../../src/protocol/jwt.ts'
import { JwtError } from '../../src/protocol/jwt-error.ts'
import { KeySetError, keySetOf, publicPartOf, signatureAlgorithms } from '../../src/protocol/keys.ts'
import { nodeSignatures, type Signatures } from '../../src/protocol/signatures.ts'

const sync = nodeSignatures({ threads: false })

interface Jwk {
  kty: string
  keys?: Jwk[]
  [member: string]: unknown
}
interface Group {
  private: Jwk
  public?: Jwk
  tests: { tcId: number; jws?: string }[]
}
/** Where the vectors are, read in place: the folder `testvectors_v1` of C2SP/wycheproof. */
const folder = process.env.WYCHEPROOF_DIR ?? ''

describe('our own verifier and jose, on Wycheproof', () => {
  it.each(['signature', 'key', 'crypto'])('[ATK-027] agree on each token of json_web_%s', async (name) => {
    const text = readFileSync(join(folder, `json_web_${name}_test.json`), 'utf8')
    const { testGroups } = JSON.parse(text) as { testGroups: Group[] }
    let compared = 0
    for (const { private: own, public: published, tests } of testGroups) {
      const keys = (published?.keys ?? own.keys ?? [published ?? own]).map((key) => ({
        ...publicPartOf(key as Parameters<typeof publicPartOf>[0]),
        ...(key.kid === undefined ? {} : { kid: key.kid }),
      }))
      for (const { tcId, jws } of tests) {
        if (jws === undefined) continue
        expect({ tcId, verdict: await verdict(jws, keys, sync) }).toEqual({
          tcId,
          verdict: await verdict(jws, keys, verifiedByJose(sync)),
        })
        compared++
      }
    }
    expect(compared).toBeGreaterThan(0)
  })
})

async function verdict(jws: string, keys: unknown[], signatures: Signatures): Promise<string> {
  try {
    const trust = { keys: await keySetOf({ keys }), algorithms: signatureAlgorithms }
    await verifySignature(readJws(jws), trust, signatures)
    return 'good'
  } catch (error) {
    if (error instanceof JwtError) return error.reason
    if (error instanceof KeySetError) return error.message
    throw error
  }
}
